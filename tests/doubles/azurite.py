"""Azurite, Microsoft's emulator of Blob, Queue and Table storage: one for each process of tests.

It is looked for below `build/node`, where `make` installs it, then below the folder that the
environment variable DRIFTWARDEN_NODE names. Where it is absent, the tests that need it are skipped
with one line; in CI (the variable CI is set) that is a failure.

Flags: Azurite's README, "Command line options". `--skipApiVersionCheck` because the SDKs are newer
than its list of versions.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hosts.azure.storage.connection import Connection

ROOT = Path(__file__).parents[2]
FOLDER = "DRIFTWARDEN_NODE"
ABSENT = "Azurite is not installed: npm install --prefix build/node azurite"
SECONDS_TO_START = 30
ATTEMPTS = 3
ACCOUNT = "devstoreaccount1"
# The account and key that every Azurite has; documented in its README, and no secret.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
KINDS = ("Blob", "Queue", "Table")


@dataclass(frozen=True)
class Account(Connection):
    """A storage account on Azurite; closing it closes every client that it opened."""

    opened: list[Any] = field(default_factory=list)

    def tables(self, credential: Any = None) -> Any:
        """See `Connection`."""
        return self._kept(super().tables(credential))

    def blobs(self, credential: Any = None) -> Any:
        """See `Connection`."""
        return self._kept(super().blobs(credential))

    def queues(self, credential: Any = None) -> Any:
        """See `Connection`."""
        return self._kept(super().queues(credential))

    def close(self) -> None:
        """Close what was opened."""
        while self.opened:
            self.opened.pop().close()

    def _kept(self, client: Any) -> Any:
        self.opened.append(client)
        return client


def account(ports: dict[str, int] | None = None) -> Account:
    """Return the account of the running Azurite, or of what relays to it by `ports`."""
    return Account("Storage", connection_string(ports))


@cache
def running() -> dict[str, int]:
    """Start Azurite where it does not run yet; return its ports by kind of service."""
    node, script = shutil.which("node"), _script()
    if node is None or script is None:
        if os.environ.get("CI"):
            pytest.fail(ABSENT)
        pytest.skip(ABSENT)
    for _ in range(ATTEMPTS):
        ports = _free_ports()
        if _start(node, script, ports):
            return dict(zip(KINDS, ports, strict=True))
    raise RuntimeError("Azurite did not start")


def connection_string(ports: dict[str, int] | None = None) -> str:
    """Return the connection string of the running Azurite, or of what relays to it by `ports`."""
    # 127.0.0.1, because azure-data-tables takes "localhost" for a Cosmos account
    # (azure/data/tables/_common_conversion.py, _is_cosmos_endpoint).
    services = "".join(
        f"{kind}Endpoint=http://127.0.0.1:{port}/{ACCOUNT};"
        for kind, port in (ports or running()).items()
    )
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};{services}"


def _script() -> Path | None:
    folders = [ROOT / "build" / "node", *(Path(f) for f in [os.environ.get(FOLDER)] if f)]
    scripts = [folder / "node_modules/azurite/dist/src/azurite.js" for folder in folders]
    return next((script for script in scripts if script.is_file()), None)


def _free_ports() -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in KINDS]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def _start(node: str, script: Path, ports: list[int]) -> bool:
    options = ["--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    for kind, port in zip(KINDS, ports, strict=True):
        options += [f"--{kind.lower()}Host", "127.0.0.1", f"--{kind.lower()}Port", str(port)]
    # The shell waits for the end of its input: however the tests die, Azurite ends with them.
    guard = '"$@" </dev/null & child=$!; read -r _; kill $child'
    process = subprocess.Popen(
        ["sh", "-c", guard, "azurite", node, str(script), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    started = _answers(ports)
    if started:
        atexit.register(_stop, process)
    else:
        _stop(process)
    return started


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.communicate()


def _answers(ports: list[int]) -> bool:
    end = time.monotonic() + SECONDS_TO_START
    waiting = list(ports)
    while waiting and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", waiting[0]), timeout=1).close()
            waiting.pop(0)
        except OSError:
            time.sleep(0.05)
    return not waiting

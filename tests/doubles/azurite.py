"""Azurite, Microsoft's emulator of Blob, Queue and Table storage: one for each run of tests.

It is looked for below `build/node`, where `make` installs it, then below the folder that the
environment variable DRIFTWARDEN_NODE names. Where it is absent, the tests that need it are skipped
with one line; in CI (the variable CI is set) that is a failure.

Flags: Azurite's README, "Command line options". `--skipApiVersionCheck` because the SDKs are newer
than its list of versions.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import shutil
import signal
import socket
import tempfile
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
SECONDS_TO_START = 120
ATTEMPTS = 3
ACCOUNT = "devstoreaccount1"
# The account and key that every Azurite has; documented in its README, and no secret.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
KINDS = ("Blob", "Queue", "Table")
#: The environment variable that tells a run's processes where its Azurite is held.
HELD = "DRIFTWARDEN_AZURITE"
PIPE = "held"


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


def hold() -> None:
    """Let this process and those that it starts use one Azurite, which ends with this process.

    Azurite is started by the first one that needs it. It reads from a pipe of which this process
    alone keeps the writing end: however the tests die, Azurite ends with them.
    """
    folder = Path(tempfile.mkdtemp(prefix="driftwarden-azurite-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.mkfifo(folder / PIPE)
    # Reading too, for a pipe cannot be opened for writing alone before it has a reader.
    os.open(folder / PIPE, os.O_RDWR)
    os.environ[HELD] = str(folder)


@cache
def running() -> dict[str, int]:
    """Start Azurite where it does not run yet; return its ports by kind of service."""
    node, script = shutil.which("node"), _script()
    if node is None or script is None:
        if os.environ.get("CI"):
            pytest.fail(ABSENT)
        pytest.skip(ABSENT)
    if HELD not in os.environ:
        hold()
    folder = Path(os.environ[HELD])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = folder / "ports.json"
        if not known.exists():
            known.write_text(json.dumps(_started(node, script, folder / PIPE)))
        found: dict[str, int] = json.loads(known.read_text())
    return found


def _started(node: str, script: Path, pipe: Path) -> dict[str, int]:
    for _ in range(ATTEMPTS):
        ports = _free_ports()
        if _start(node, script, ports, pipe):
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


def _start(node: str, script: Path, ports: list[int], pipe: Path) -> bool:
    options = ["--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    for kind, port in zip(KINDS, ports, strict=True):
        options += [f"--{kind.lower()}Host", "127.0.0.1", f"--{kind.lower()}Port", str(port)]
    # The shell waits for the end of its input.
    guard = '"$@" </dev/null & child=$!; read -r _; kill $child'
    nowhere = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    process = os.posix_spawnp(
        "sh",
        ["sh", "-c", guard, "azurite", node, str(script), *options],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 0, str(pipe), os.O_RDONLY, 0), *nowhere],
        # A group of its own: an interrupt from the terminal is for the tests, which end it.
        setpgroup=0,
    )
    if _answers(ports):
        return True
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return False


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

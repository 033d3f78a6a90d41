"""The served app is killed while pages are on their way: none is lost, each has one key."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine.outbox import OUT
from fleet.partitions import ONCALL
from hosts.local.host import STORE_FILE
from hosts.local.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]
TEAMS = 8
#: The most that the server waits before it answers a page, in seconds.
SLOW = 0.3
PATIENCE = 60


class Phone(ThreadingHTTPServer):
    """A receiver that answers late, and keeps what it got by key."""

    daemon_threads = True

    def __init__(self) -> None:
        self.got: dict[str, list[dict[str, object]]] = defaultdict(list)
        self.chance = random.Random(3)
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Answer(BaseHTTPRequestHandler):
    server: Phone

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.server.chance.random() * SLOW)
        self.server.got[str(said["key"])].append(said)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def phone() -> Iterator[Phone]:
    with Phone() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def fleet(folder: Path, url: str) -> Path:
    """Write a fleet in which each team has a model without a reference, which is a ticket."""
    teams = "".join(f"  t{i}: {{page: [phone], group_wait: PT0S}}\n" for i in range(TEAMS))
    models = "".join(
        f"  m{i}: {{team: t{i}, logs: {{endpoint: m{i}}}, reference: {{data: none.parquet}},"
        f" serving: {{champion: v1}}}}\n"
        for i in range(TEAMS)
    )
    file = folder / "fleet.yaml"
    file.write_text(
        f"version: 1\nstore: local:store\nreceivers:\n  phone: {{kind: webhook, url: {url}}}\n"
        f"teams:\n{teams}models:\n{models}"
    )
    return file


def served(file: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cli", "serve", "--fleet", str(file), "--port", "0"]
    setting = {**os.environ, "DRIFTWARDEN_KEY": "k" * 32, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=setting, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "dashboard" not in (line := process.stderr.readline()):
        assert line, f"the server ended with {process.wait()}"
    return process


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_pages_survive_the_end_of_the_process(tmp_path: Path, phone: Phone, seed: int) -> None:
    file, chance = fleet(tmp_path, phone.url), random.Random(seed)
    for _ in range(6):
        process = served(file)
        time.sleep(chance.random() * SLOW * 2)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    process = served(file)
    try:
        end = time.monotonic() + PATIENCE
        while not settled(tmp_path, phone) and time.monotonic() < end:
            time.sleep(0.2)
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert settled(tmp_path, phone)
    for said in phone.got.values():
        # A page whose answer was lost comes again, as it was.
        assert all(one == said[0] for one in said)


def settled(folder: Path, phone: Phone) -> bool:
    """Tell whether every team was paged, nothing is owed, and the phone got what was paid."""
    store = SqliteStore(folder / "store" / STORE_FILE)
    try:
        teams = [name for name in store.partitions() if name.startswith(ONCALL)]
        rows = [row for name in teams for row in store.scan(name, OUT)]
    finally:
        store.close()
    pages = {row.key.split(":page:", 1)[1] for row in rows if ":page:" in row.key}
    return (
        len(teams) == TEAMS
        and pages == set(phone.got)
        and not any(row.props["pending"] for row in rows)
    )

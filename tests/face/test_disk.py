"""A served fleet whose disk is full, read-only or damaged, and then is not."""

from __future__ import annotations

import json
import logging
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import function_app
from engine import journal
from engine.clock import SetClock
from engine.inbox import IN
from engine.store import Row, Store
from hosts import open_host
from hosts.local import disk
from hosts.local.disk import DiskFault
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.functions.hostfile import HostFile
from hosts.local.functions.server import Server
from hosts.local.host import STORE_FILE, LocalHost
from hosts.local.models import trainer
from hosts.local.models.registry import ModelFolders
from retrain.ports import JobPhase, TrainingJob
from tests.face.conftest import Said
from tests.face.serving import KEY, Running, until

HOOK = f"/runtime/webhooks/eventgrid?functionName=ingest&code={KEY}"
NOTIFY = {"aeg-event-type": "Notification"}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("mounting a file system is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def served(folder: Path) -> Iterator[tuple[Running, LocalHost]]:
    host = open_host(folder / "fleet.yaml")
    assert isinstance(host, LocalHost)
    function_app.use(host)
    host.service.begin()
    rules = HostFile(route_prefix="")
    dispatcher = Dispatcher(function_app.app, host.queues, host.clock.now, key=KEY, host_file=rules)
    try:
        with Server(dispatcher, host.queues, host.clock.now, port=0) as server:
            yield Running(server, host.queues), host
    finally:
        function_app._given.clear()
        host.close()


def fill(folder: Path) -> None:
    with open(folder / "filler", "ab", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(4096))


def event(number: int) -> list[dict[str, Any]]:
    lunch = {"specversion": "1.0", "type": "Contoso.Lunch", "source": "/t", "id": f"e{number}"}
    return [{**lunch, "subject": "menu", "data": {"menu": "x" * 30_000}}]


def waiting(store: Store) -> list[Row]:
    """The facts that no step has taken in."""
    return [row for name in store.partitions() for row in store.scan(name, IN, pending=True)]


def refused(running: Running) -> tuple[int, dict[str, str], str]:
    """Send events until one is refused: what little fits into the store's last pages is taken."""
    for number in range(200):
        status, headers, body = running.ask("POST", HOOK, event(number), NOTIFY)
        if status != 202:
            assert status == 503, body
            return number, headers, body.decode()
    raise AssertionError("everything was taken")


def noticed(store: Store) -> list[str]:
    """Return what the fleet's journal says of the disk."""
    records = journal.read(store, "fleet")
    lines = [line for record in records for line in record.lines if line["what"] == "noticed"]
    return [line["reason"] for line in lines if line["id"] == "disk"]


def test_a_full_disk_is_told_to_the_sender_and_the_server_goes_on_when_there_is_room(
    prepared: Path,
    small: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(disk, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(disk, "SOON", timedelta(seconds=1))
    folder = shutil.copytree(prepared, small / "fleet")
    told = f"{folder / 'var' / STORE_FILE}: the disk is full"
    with caplog.at_level(logging.ERROR, "driftwarden.host"), served(folder) as (running, host):
        assert running.ask("GET", "/healthz")[0] == 200
        fill(small)
        number, headers, body = refused(running)
        assert told in body
        assert headers["retry-after"] == "1"
        status, headers, answer = running.ask("GET", "/healthz")
        assert (status, headers["retry-after"]) == (503, "1")
        assert json.loads(answer)["error"].startswith(told)
        assert running.ask("GET", "/")[0] == 200
        (small / "filler").unlink()
        assert running.ask("GET", "/healthz")[0] == 200
        # Event Grid sends it again.
        assert running.ask("POST", HOOK, event(number), NOTIFY)[0] == 202
        until(lambda: not waiting(host.store))
        # The timer of the minute tells every team.
        host.measure()
        until(lambda: noticed(host.store))
        assert told in noticed(host.store)[0]
    assert any(message.startswith(told) for message in caplog.messages)
    assert not list(small.rglob("*.part"))
    assert capfd.readouterr().err == ""


def test_a_training_that_ends_on_a_full_disk_is_recorded_when_there_is_room(
    tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "AGAIN_SECONDS", 0.1)
    models, clock = ModelFolders(small / "models"), SetClock(datetime(2013, 7, 1, tzinfo=UTC))
    trains = trainer.LocalTrainer(small / "jobs", models, clock)
    going = tmp_path / "go"
    (tmp_path / "train.py").write_text(
        "import pathlib, sys, time\n"
        f"while not pathlib.Path({str(going)!r}).exists():\n"
        "    time.sleep(0.02)\n"
        "sys.exit(3)\n"
    )
    command = f"python {tmp_path / 'train.py'}"
    trains.submit(TrainingJob("run-1", "flights", command, (), (), {}, timedelta(minutes=5)))
    fill(small)
    going.touch()
    with pytest.raises(DiskFault, match="the disk is full"):
        models.register(version(tmp_path / "made"))
    time.sleep(0.3)
    assert trains.poll("run-1", clock.now()).phase is JobPhase.running
    (small / "filler").unlink()
    until(lambda: trains.poll("run-1", clock.now()).phase is JobPhase.failed)
    assert models.register(version(tmp_path / "made")) == ("flights", "v1")
    assert not list(small.rglob("*.part"))
    trains.close()


def version(folder: Path) -> Path:
    """A trained version, too large for what little is left of a full disk."""
    folder.mkdir(exist_ok=True)
    (folder / "weights").write_bytes(bytes(100_000))
    (folder / "model.yaml").write_text(
        "name: flights\nversion: v1\nfeatures: [a]\nentry: scoring:score\n"
        "training_window: {from: 2013-01-01, to: 2013-03-29}\n"
    )
    return folder


def test_a_damaged_store_is_told_by_healthz(
    prepared: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(prepared, tmp_path / "fleet")
    file = folder / "var" / STORE_FILE
    with served(folder) as (running, host):
        until(lambda: not waiting(host.store))
        # Nothing is in the write-ahead log any more; connections may still remember pages.
        with closing(sqlite3.connect(file)) as store:
            until(lambda: store.execute("pragma wal_checkpoint(truncate)").fetchone()[0] == 0)
        with open(file, "r+b") as stream:
            length = stream.seek(0, 2)
            stream.seek(4096)
            stream.write(b"\xa5" * (length - 4096))
        _, headers, body = refused(running)
        assert f"{file}: the file is damaged" in body
        assert headers["retry-after"] == "300"
        status, _, answer = running.ask("GET", "/healthz")
        assert status == 503
        assert "restore the file from a backup" in json.loads(answer)["error"]
    assert capfd.readouterr().err == ""


def test_a_read_only_store_is_one_line_of_the_command_line(
    prepared: Path, small: Path, command: Callable[..., Said]
) -> None:
    folder = shutil.copytree(prepared, small / "fleet")
    open_host(folder / "fleet.yaml").close()
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    said = command("status", folder=folder)
    assert (said.code, said.out) == (1, "")
    (line,) = said.err.splitlines()
    store = Path("var") / STORE_FILE
    assert line.startswith(f"driftwarden status: {store}: it cannot be written")


def test_a_command_that_is_terminated_removes_its_temporary_files(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    code = (
        "import sys, tempfile, time, cli\n"
        "from commands import parser\n"
        "def wait(_):\n"
        "    with tempfile.TemporaryDirectory():\n"
        "        print('waiting', flush=True)\n"
        "        time.sleep(60)\n"
        "def add(commands):\n"
        "    commands.add_parser('wait').set_defaults(run=wait)\n"
        "cli.COMMANDS = (add,)\n"
        "sys.exit(cli.main(['wait']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(scratch), "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    assert list(scratch.iterdir())
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (128 + signal.SIGTERM, "")
    assert not list(scratch.iterdir())

"""What the store keeps is for its owner alone, whatever the umask, and stays as it was made."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.store import Insert
from hosts import private
from hosts.ledger import append_once
from hosts.local.files import Blobs, replace_file, write_output
from hosts.local.functions.queues import Queues
from hosts.local.models import jobs
from hosts.local.models.registry import ModelFolders
from hosts.local.models.splits import Splits
from hosts.local.sqlite import SqliteStore
from retrain.ports import Traffic, TrainingJob

NOW = datetime(2024, 3, 4, tzinfo=UTC)
CARD = """\
name: demand
version: v1
features: [x]
entry: score:score
training_window: {from: 2024-01-01, to: 2024-02-01}
"""


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct, autouse=True)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def _store(root: Path) -> None:
    store = SqliteStore(root / "a" / "b" / "driftwarden.sqlite")
    store.commit("demand", [Insert("head", {"x": 1})])
    assert list(root.rglob("*-wal"))
    closed(root)
    store.close()


def _queues(root: Path) -> None:
    queues = Queues(root / "a" / "driftwarden.sqlite", durable=False)
    queues.put("due", "{}", NOW)
    closed(root)
    queues.close()


def _pages(root: Path) -> None:
    append_once(root / "a" / "pages.jsonl", "k", {"title": "x drifted"})


def _blobs(root: Path) -> None:
    Blobs(root / "blobs").put(b"rows")


def _files(root: Path) -> None:
    replace_file(root / "logs" / "2024" / "a.jsonl", b"{}\n", durable=True)


def _splits(root: Path) -> None:
    Splits(root / "traffic").set_traffic("demand", Traffic({"v1": 100}), "k1")


def _jobs(root: Path) -> None:
    job = TrainingJob("j1", "demand", "true", (), (), {}, timedelta(hours=1))
    with jobs.locked(root / "jobs" / "j1"):
        jobs.create(root / "jobs" / "j1", job, NOW)


def _versions(root: Path) -> None:
    made = root.parent / "made"
    (made / "deep").mkdir(parents=True, mode=0o777)
    for name in ("model.yaml", "score.py", "deep/weights.bin"):
        (made / name).write_text(CARD)
        (made / name).chmod(0o666)
    (made / "deep" / "run.sh").write_text("true")
    (made / "deep" / "run.sh").chmod(0o755)
    ModelFolders(root / "models").register(made)
    assert (root / "models/demand/v1/deep/run.sh").stat().st_mode & 0o777 == 0o700


WRITES = (_store, _queues, _pages, _blobs, _files, _splits, _jobs, _versions)


def closed(root: Path) -> None:
    found = [root, *root.rglob("*")]
    assert len(found) > 1
    opened = {str(path): oct(path.stat().st_mode) for path in found if path.stat().st_mode & 0o077}
    assert opened == {}


@pytest.mark.parametrize("write", WRITES, ids=lambda one: one.__name__)
def test_what_is_written_is_closed_to_others(tmp_path: Path, write: Callable[[Path], None]) -> None:
    root = tmp_path / "var"
    write(root)
    closed(root)


def test_what_is_there_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o750)
    sqlite3.connect(tmp_path / "shared" / "a.sqlite").close()
    (tmp_path / "shared" / "a.sqlite").write_bytes(b"")
    (tmp_path / "shared" / "a.sqlite").chmod(0o640)
    SqliteStore(tmp_path / "shared" / "a.sqlite").close()
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "shared" / "a.sqlite").stat().st_mode & 0o777 == 0o640


def test_an_operators_output_can_be_read_by_others(tmp_path: Path, umask: int) -> None:
    write_output(tmp_path / "out" / "report.html", b"<p>")
    assert (tmp_path / "out" / "report.html").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o777 & ~umask


def test_links_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("x")
    (tmp_path / "outside").chmod(0o644)
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link").symlink_to(tmp_path / "outside")
    private.close_to_others(tmp_path / "inside")
    assert (tmp_path / "outside").stat().st_mode & 0o777 == 0o644

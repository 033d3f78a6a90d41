"""Stores written by earlier versions: opened, resumed and verified."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest
from rich.console import Console

import function_app
from commands.app import App
from commands.replay.rehearse import Options, Told, replay
from commands.verify import verified
from engine import journal
from hosts.local import journal_key
from hosts.local.host import STORE_FILE
from hosts.local.sqlite import SqliteStore

STORES = Path(__file__).parents[1] / "resources" / "stores"
ARCHIVES = sorted(STORES.glob("*.tar.xz"))
#: The oldest store passes through every later format; the others are tried in the slow tier.
SAMPLE = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path != ARCHIVES[0] else [])
    for path in ARCHIVES
]
LAST_STORED = 75


def resumed(folder: Path) -> Told:
    """Resume the replay that the folder's store was interrupted in."""
    console = Console(file=io.StringIO(), width=200)
    try:
        with contextlib.chdir(folder):
            options = Options(folder / "fleet.yaml")
            return replay(App(function_app.app, function_app.use), options, console)
    finally:
        function_app._given.clear()


def unpacked(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder


def records(folder: Path, partition: str) -> list[journal.Record]:
    store = SqliteStore(folder / "var" / STORE_FILE)
    found = list(journal.read(store, partition))
    store.close()
    return found


def decisions(told: Told) -> list[tuple[object, str]]:
    """Who decided what and when; the wording of reasons may change between versions."""
    kept = ("run", "alert", "phase", "verdict", "version", "window", "weights", "fire", "kind")
    return [
        (record.at, json.dumps({"what": line["what"], **{k: line[k] for k in kept if k in line}}))
        for record in told.records
        for line in record.lines
    ]


@pytest.mark.parametrize("archive", SAMPLE)
def test_a_store_of_an_earlier_version_resumes_and_verifies(archive: Path, tmp_path: Path) -> None:
    folder = unpacked(archive, tmp_path / "fleet")
    before = records(folder, "demand")
    assert len(before) == LAST_STORED
    told = resumed(folder)
    after = records(folder, "demand")
    assert after[:LAST_STORED] == before
    assert len(after) > LAST_STORED + 40
    assert {line["what"] for record in after[LAST_STORED:] for line in record.lines} >= {
        "assessed", "joined", "rollout", "trigger", "run", "gate", "alert",
    }  # fmt: skip
    store = SqliteStore(folder / "var" / STORE_FILE)
    seal = journal_key.known(folder / "var", {})
    for name in store.partitions():
        assert journal.verify(store, name, seal) == len(list(journal.read(store, name)))
        assert not list(store.scan(name, "out:", pending=True, limit=9))
    store.close()
    assert told.records
    proven = verified(folder / "fleet.yaml", None)
    assert proven["findings"] == []
    assert proven["authenticated_from"]["demand"] == LAST_STORED + 1
    assert proven["authenticated_from"]["oncall:shop"] > 1


def test_a_store_of_an_earlier_version_is_verified_before_it_is_opened(tmp_path: Path) -> None:
    folder = unpacked(ARCHIVES[-1], tmp_path / "fleet")
    before = set(folder.rglob("*"))
    proven = verified(folder / "fleet.yaml", None)
    assert (proven["verified"], proven["findings"]) == (True, [])
    assert proven["records"]["demand"] == LAST_STORED
    assert proven["notes"] == ["there is no key: no record is authenticated"]
    assert set(folder.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.stem)
def test_an_earlier_store_resumes_to_what_a_fresh_replay_decides(
    archive: Path, tmp_path: Path
) -> None:
    stored = unpacked(archive, tmp_path / "stored")
    fresh = unpacked(archive, tmp_path / "fresh")
    shutil.rmtree(fresh / "var")
    assert decisions(resumed(stored)) == decisions(resumed(fresh))

"""`verify` on a store of one machine: beside a server, without writing, all findings at once."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.verify import verified
from engine.errors import Refused
from engine.store import HEAD, Replace
from hosts import open_host
from hosts.local.host import STORE_FILE, LocalHost


@pytest.fixture(scope="module")
def original(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny fleet after it began and was anchored once. Not to be changed."""
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("begun") / "fleet")
    host = open_host(folder / "fleet.yaml")
    host.service.begin()
    host.service.drain("demand")
    host.service.anchor()
    host.service.drain("fleet")
    host.close()
    return folder


@pytest.fixture
def tiny(original: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(original, tmp_path / "fleet")


@pytest.fixture
def begun(tiny: Path) -> Iterator[LocalHost]:
    """An open host on the copy."""
    opened = open_host(tiny / "fleet.yaml")
    assert isinstance(opened, LocalHost)
    yield opened
    opened.close()


def test_it_verifies_beside_an_open_store_and_writes_nothing(begun: LocalHost, tiny: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in begun.root.rglob("*")}
    found = verified(tiny / "fleet.yaml", None)
    assert (found["verified"], found["findings"], found["notes"]) == (True, [], [])
    assert set(found["records"]) == {"demand", "fleet"}
    assert found["authenticated_from"] == {"demand": 1, "fleet": 1}
    after = {path: path.stat().st_mtime_ns for path in begun.root.rglob("*")}
    changed = {path.name for path in after if after[path] != before.get(path)}
    assert changed <= {f"{STORE_FILE}-shm"}


def test_the_anchors_of_the_host_and_of_a_file_are_found(begun: LocalHost, tiny: Path) -> None:
    kept = begun.root / "anchors.jsonl"
    assert len(kept.read_text().splitlines()) == 1
    elsewhere = tiny / "copy.jsonl"
    elsewhere.write_text((begun.root / "events.jsonl").read_text())
    assert verified(tiny / "fleet.yaml", elsewhere)["verified"]
    forged = json.loads(kept.read_text())
    forged["anchors"] = ["demand 1 " + "0" * 64, "churn 3 " + "0" * 64]
    elsewhere.write_text(json.dumps(forged))
    found = verified(tiny / "fleet.yaml", elsewhere)["findings"]
    assert [line.split(",")[0].split(" at ")[0] for line in found] == [
        "churn: its journal is gone",
        "demand: record 1 is not the one that was anchored",
    ]
    with pytest.raises(Refused, match=r"none\.jsonl: cannot be read"):
        verified(tiny / "fleet.yaml", tiny / "none.jsonl")


def test_a_fleet_that_never_began_is_said_and_not_failed(tiny: Path) -> None:
    root = tiny / "var"
    shutil.rmtree(root)
    before = sorted(root.rglob("*"))
    found = verified(tiny / "fleet.yaml", None)
    assert found["verified"]
    assert found["notes"] == [
        "there is no key: no record is authenticated", "demand: has not begun",
    ]  # fmt: skip
    assert sorted(root.rglob("*")) == before


def test_a_record_that_was_altered_is_named(begun: LocalHost, tiny: Path) -> None:
    row = begun.store.scan("demand", "log:")[-1]
    altered = {**row.props, "at": "2001-01-01T00:00:00.000000Z"}
    begun.store.commit("demand", [Replace(row.key, altered, row.etag)])
    (line,) = verified(tiny / "fleet.yaml", None)["findings"]
    assert line.startswith(f"demand: journal record {int(row.props['seq'])} does not follow from")


DAMAGED = {
    "not JSON": "{",
    "no properties": "{}",
    "a list": "[]",
    "a number": "7",
    "a body that is no bytes": '{"seq": 1, "at": "x", "hash": "x", "body": ["%"]}',
}


@pytest.mark.parametrize("props", DAMAGED.values(), ids=DAMAGED)
def test_rows_that_cannot_be_read_are_named(begun: LocalHost, tiny: Path, props: str) -> None:
    with sqlite3.connect(begun.root / STORE_FILE) as direct:
        direct.execute("update rows set props = ? where key = 'log:000000000001'", (props,))
    direct.close()
    found = verified(tiny / "fleet.yaml", None)
    assert not found["verified"]
    assert {line.partition(":")[0] for line in found["findings"]} == {"demand", "fleet"}


def test_a_damaged_file_is_named(begun: LocalHost, tiny: Path) -> None:
    begun.close()
    path = begun.root / STORE_FILE
    content = bytearray(path.read_bytes())
    content[8192:40960] = bytes(32768)
    path.write_bytes(content)
    found = verified(tiny / "fleet.yaml", None)["findings"]
    assert found
    assert any(STORE_FILE in line for line in found)


def test_a_key_file_that_others_read_is_a_finding(begun: LocalHost, tiny: Path) -> None:
    (begun.root / "journal.key").chmod(0o644)
    (line,) = verified(tiny / "fleet.yaml", None)["findings"]
    assert "others on this machine can sign records" in line


def test_damaged_anchors_of_the_host_are_a_finding(begun: LocalHost, tiny: Path) -> None:
    (begun.root / "anchors.jsonl").write_text("{}")
    (line,) = verified(tiny / "fleet.yaml", None)["findings"]
    assert "anchors.jsonl:1: no anchors" in line


def test_a_lost_key_is_a_finding(begun: LocalHost, tiny: Path) -> None:
    (begun.root / "journal.key").unlink()
    found = verified(tiny / "fleet.yaml", None)
    assert found["notes"] == ["there is no key: no record is authenticated"]
    assert any("signed with a key that is not known here" in line for line in found["findings"])
    assert begun.store.get("demand", HEAD) is not None

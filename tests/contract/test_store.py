"""One suite, every store: what the loop relies on, and what the strictest service refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import Broken, Conflict, Refused
from engine.memory import MemoryStore
from engine.store import HEAD, Delete, Insert, Operation, Replace, Store, Value, instant
from hosts.azure.storage.tables import TablesStore
from hosts.local.sqlite import SqliteStore

NOON = datetime(2013, 7, 4, 12, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite", "azurite"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[MemoryStore | SqliteStore | TablesStore]:
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "azurite":
        account = request.getfixturevalue("account")
        yield TablesStore(account.tables(), request.getfixturevalue("fresh_name"))
    else:
        opened = SqliteStore(tmp_path / "store.sqlite")
        yield opened
        opened.close()


def test_values_of_every_type_come_back_as_they_went(store: Store) -> None:
    props: dict[str, Value] = {
        "s": "ü\u2028",
        "b": b"\x00\xff",
        "i": 2**40,
        "f": 0.1,
        "t": True,
        "n": False,
    }
    store.commit("p", [Insert("a", props)])
    row = store.get("p", "a")
    assert row is not None
    assert dict(row.props) == props
    assert store.get("p", "b") is None
    assert store.get("q", "a") is None


def test_a_half_bad_unit_leaves_nothing(store: Store) -> None:
    store.commit("p", [Insert("taken", {"v": 1})])
    row = store.get("p", "taken")
    assert row is not None
    for bad in (Insert("taken", {}), Replace("taken", {}, "stale"), Delete("absent")):
        with pytest.raises(Conflict):
            store.commit("p", [Insert("new", {}), bad])
        assert store.get("p", "new") is None
    assert store.get("p", "taken") == row


def test_an_etag_lasts_for_one_write(store: Store) -> None:
    store.commit("p", [Insert("a", {"v": 1})])
    first = store.get("p", "a")
    assert first is not None
    store.commit("p", [Replace("a", {"v": 2}, first.etag)])
    with pytest.raises(Conflict):
        store.commit("p", [Replace("a", {"v": 3}, first.etag)])
    second = store.get("p", "a")
    assert second is not None
    assert second.props == {"v": 2}
    store.commit("p", [Delete("a")])
    store.commit("p", [Insert("a", {"v": 1})])
    with pytest.raises(Conflict):
        store.commit("p", [Replace("a", {}, second.etag)])


def test_scan_is_in_key_order_and_pages(store: Store) -> None:
    keys = [f"log:{i:03d}" for i in (5, 1, 3, 2, 4)]
    store.commit("p", [Insert(key, {"pending": key > "log:002"}) for key in keys])
    store.commit("p", [Insert("lob", {}), Insert("loh", {})])
    store.commit("q", [Insert("log:009", {})])
    assert [row.key for row in store.scan("p", "log:")] == sorted(keys)
    page = store.scan("p", "log:", limit=2)
    assert [row.key for row in page] == ["log:001", "log:002"]
    rest = store.scan("p", "log:", after=page[-1].key)
    assert [row.key for row in rest] == ["log:003", "log:004", "log:005"]
    assert [row.key for row in store.scan("p", "log:", pending=True, limit=2)] == [
        "log:003",
        "log:004",
    ]


def test_due_partitions_come_earliest_first(store: Store) -> None:
    assert store.next_wake() is None
    for name, minutes in (("late", 5), ("early", -5), ("now", 0)):
        wake = instant(NOON + timedelta(minutes=minutes))
        store.commit(name, [Insert(HEAD, {"wake_at": wake})])
    store.commit("asleep", [Insert(HEAD, {}), Insert("other", {"wake_at": instant(NOON)})])
    assert store.due(NOON) == ["early", "now"]
    assert store.due(NOON, limit=1) == ["early"]
    assert store.next_wake() == NOON - timedelta(minutes=5)
    assert store.partitions() == ["asleep", "early", "late", "now"]


@pytest.mark.parametrize(
    "operations",
    [
        [],
        [Insert(f"k{i}", {}) for i in range(101)],
        [Insert("a", {}), Delete("a")],
        [Insert("a", {"v": b"x" * 65537})],
        [Insert("a", {"v": "x" * 32769})],
        [Insert("a", {f"v{i}": b"x" * 65000 for i in range(17)})],
        [Insert(f"k{j}", {f"v{i}": b"x" * 65000 for i in range(10)}) for j in range(7)],
        [Insert("a/b", {})],
        [Insert("a\n", {})],
        [Insert("", {})],
        [Insert("k" * 1025, {})],
    ],
)
def test_what_tables_would_refuse_is_refused_everywhere(
    store: Store, operations: list[Operation]
) -> None:
    with pytest.raises(Broken):
        store.commit("p", operations)
    assert store.partitions() == []


def test_the_largest_unit_fits(store: Store) -> None:
    store.commit("p", [Insert(f"k{i:02d}", {"v": "x" * 16000}) for i in range(100)])
    assert len(store.scan("p", "k")) == 100


def test_a_file_that_is_no_store_is_refused_in_one_line(tmp_path: Path) -> None:
    wrong = tmp_path / "store.sqlite"
    wrong.write_text("this is not a database, whatever its name says" * 100)
    with pytest.raises(Refused, match="not a Driftwarden store"):
        SqliteStore(wrong)

"""Who is due is found without reading who sleeps, and no crash or race loses a wake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.errors import Unavailable
from engine.store import HEAD, Insert, Operation, Replace, instant
from hosts.azure.storage import table_index
from hosts.azure.storage.connection import Connection
from hosts.azure.storage.table_index import NAMES, WAKES
from hosts.azure.storage.tables import TablesStore
from tests.doubles.relay import Relay

NOON = datetime(2013, 7, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BATCH = "POST .*batch"


@pytest.fixture
def store(relayed: Connection, fresh_name: str) -> TablesStore:
    return TablesStore(relayed.tables(), fresh_name)


@pytest.fixture
def table(relays: dict[str, Relay]) -> Relay:
    return relays["Table"]


def head(store: TablesStore, partition: str, wake: datetime | None) -> list[Operation]:
    props = {} if wake is None else {"wake_at": instant(wake)}
    row = store.get(partition, HEAD)
    return [Insert(HEAD, props) if row is None else Replace(HEAD, props, row.etag)]


def move(store: TablesStore, partition: str, *wakes: datetime | None) -> None:
    for wake in wakes:
        store.commit(partition, head(store, partition, wake))


def hints(store: TablesStore, index: str = WAKES) -> int:
    return len(store.scan(index, ""))


def asked(table: Relay, store: TablesStore) -> tuple[list[str], int]:
    before = len(table.exchanges)
    due = store.due(NOON)
    return due, len(table.exchanges) - before


def test_sleepers_cost_nothing(store: TablesStore, table: Relay) -> None:
    for n in range(3):
        move(store, f"early{n}", NOON - HOUR)
    few = asked(table, store)
    for n in range(12):
        move(store, f"late{n}", NOON + HOUR)
        store.commit(f"asleep{n}", [Insert(HEAD, {})])
    assert asked(table, store) == few == (["early0", "early1", "early2"], 4)
    assert store.next_wake() == NOON - HOUR


def test_hints_that_are_over_are_removed_when_they_come_due(
    store: TablesStore, table: Relay
) -> None:
    move(store, "p", *(NOON - n * HOUR for n in range(5, 0, -1)), NOON + HOUR)
    assert hints(store) == 6
    # One query, one head, one batch that removes the five.
    assert asked(table, store) == ([], 3)
    assert hints(store) == 1
    assert asked(table, store) == ([], 1)
    assert store.next_wake() == NOON + HOUR


def test_a_wake_that_stays_costs_no_new_hint(store: TablesStore, table: Relay) -> None:
    move(store, "p", NOON)
    before = len(table.requests("(PUT|PATCH) "))
    move(store, "p", NOON, NOON)
    assert len(table.requests("(PUT|PATCH) ")) == before
    assert store.due(NOON) == ["p"]


def test_a_wake_taken_back_and_set_again_is_found_once(store: TablesStore) -> None:
    move(store, "p", NOON, NOON - HOUR, NOON, None, NOON)
    assert store.due(NOON) == ["p"]
    move(store, "p", None)
    assert store.due(NOON) == []
    assert store.next_wake() is None
    assert hints(store) == 0


def test_a_writer_in_flight_keeps_its_hint(
    store: TablesStore,
    account: Connection,
    fresh_name: str,
    table: Relay,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between a writer's hint and its commit somebody else looks, and may not clear it away."""
    move(store, "p", NOON + HOUR)
    slow = TablesStore(account.tables(), fresh_name)
    operations = head(slow, "p", NOON)
    submit = slow._table.submit_transaction

    def looked_at(*given: Any) -> Any:
        store.due(NOON)
        return submit(*given)

    monkeypatch.setattr(slow._table, "submit_transaction", looked_at)
    slow.commit("p", operations)
    assert store.due(NOON) == ["p"]


def test_a_writer_that_died_leaves_one_hint_until_the_head_moves(
    store: TablesStore, table: Relay
) -> None:
    move(store, "p", NOON + HOUR)
    operations = head(store, "p", NOON)
    table.fail(BATCH)
    with pytest.raises(Unavailable):
        store.commit("p", operations)
    for _ in range(2):
        assert store.due(NOON) == []
        assert hints(store) == 2
    move(store, "p", NOON + 2 * HOUR)
    assert store.due(NOON) == []
    assert hints(store) == 2
    assert store.next_wake() == NOON + 2 * HOUR
    assert hints(store) == 1


def test_two_ticks_may_clear_away_the_same(store: TablesStore, table: Relay) -> None:
    move(store, "p", NOON - HOUR, NOON + HOUR)
    index = store._index
    [page] = list(index._pages(f"PartitionKey eq '{WAKES}'", 10))
    assert store.due(NOON) == []
    index._remove(page[:1])
    assert store.next_wake() == NOON + HOUR


def test_a_limit_is_kept_and_the_earliest_win(
    store: TablesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_index, "FEW", 2)
    for n in range(7):
        move(store, f"p{n}", NOON - timedelta(minutes=n))
    assert store.due(NOON, limit=1) == ["p6"]
    assert store.due(NOON, limit=3) == ["p6", "p5", "p4"]
    move(store, "p6", NOON)
    assert store.due(NOON, limit=3) == ["p5", "p4", "p3"]
    assert store.due(NOON) == ["p5", "p4", "p3", "p2", "p1", "p0", "p6"]


def test_names_are_looked_at_once(store: TablesStore, table: Relay) -> None:
    names = [f"p{n}" for n in range(4)]
    for name in names:
        store.commit(name, [Insert("in:1", {})])
        store.commit(name, [Insert("in:2", {})])
    assert store.partitions() == names
    before = len(table.exchanges)
    assert store.partitions() == names
    assert len(table.exchanges) - before == 1
    assert hints(store, NAMES) == 4


def test_a_partition_whose_first_commit_failed_is_none(
    store: TablesStore, table: Relay, account: Connection, fresh_name: str
) -> None:
    table.fail(BATCH)
    with pytest.raises(Unavailable):
        store.commit("p", [Insert("a", {})])
    assert store.partitions() == []
    TablesStore(account.tables(), fresh_name).commit("p", [Insert("a", {})])
    assert store.partitions() == ["p"]

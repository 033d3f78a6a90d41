"""The table store beyond the contract: lost answers, long partitions, what Tables can't hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from engine import journal
from engine.codec import Kinds
from engine.errors import Broken, Conflict, Unavailable
from engine.loop import Loop
from engine.step import Delivery, Step
from engine.store import HEAD, Insert, Replace, Value, instant
from hosts.azure.storage import tables
from hosts.azure.storage.connection import Connection
from hosts.azure.storage.tables import TablesStore
from tests.doubles.loopback import Response
from tests.doubles.relay import Relay

NOON = datetime(2013, 7, 4, 12, tzinfo=UTC)
BATCH = "POST .*batch"
INTERNAL = Response(500, {"odata.error": {"code": "InternalError", "message": {"value": "oh"}}})


@dataclass(frozen=True)
class Add:
    number: int


@dataclass(frozen=True)
class Said:
    number: int


@dataclass(frozen=True)
class Say:
    number: int
    lane: str = ""

    @property
    def key(self) -> str:
        return f"say-{self.number}"


@dataclass(frozen=True)
class Tally:
    total: int = 0
    said: tuple[int, ...] = ()


class Tallies:
    version = 1
    facts = Kinds(Add, Said)
    effects = Kinds(Say)

    def shape(self, partition: str) -> type[Tally]:
        return Tally

    def upgrade(self, partition: str, version: int, stored: dict[str, Any]) -> dict[str, Any]:
        return stored

    def initial(self, partition: str) -> Tally:
        return Tally()

    def step(self, partition: str, state: Tally, facts: Sequence[Any], now: datetime) -> Step:
        effects = []
        for fact in facts:
            match fact:
                case Add(number=number):
                    state = replace(state, total=state.total + number)
                    effects.append(Say(number))
                case Said(number=number):
                    state = replace(state, said=(*state.said, number))
        return Step(state, tuple(effects), now, tuple({"fact": str(fact)} for fact in facts))

    def perform(self, partition: str, effect: Say, now: datetime) -> tuple[Delivery, ...]:
        return (Delivery(partition, effect.key, Said(effect.number)),)

    def halted(self, partition: str, reason: str, now: datetime) -> tuple[Delivery, ...]:
        return ()

    def resumed(self, partition: str, halted_at: datetime, now: datetime) -> tuple[Delivery, ...]:
        return ()

    def refused(self, effect: Say, reason: str) -> Said:
        return Said(-1)

    def urgent(self, effect: Say) -> bool:
        return False

    def attempted(self, effect: Say, attempts: int, reason: str) -> None:
        return None


@pytest.fixture
def store(account: Connection, fresh_name: str) -> TablesStore:
    return TablesStore(account.tables(), fresh_name)


def played(store: TablesStore) -> Loop:
    """Deliver twice and settle, going on after Unavailable as the queue's next delivery does."""
    loop = Loop(store, Tallies(), lambda partition: None)
    for number in (1, 2, 1):
        until_done(
            lambda number=number: loop.deliver(Delivery("p", f"n{number}", Add(number)), NOON)
        )
    until_done(lambda: loop.drain("p", NOON))
    return loop


def until_done(act: Any) -> None:
    for _ in range(3):
        try:
            act()
        except Unavailable:
            continue
        return
    raise AssertionError("a single fault cannot last that long")


#: The story's commits: two facts, taken in; two effects, paid; their results, taken in.
COMMITS = 6
EVERY = [pytest.param(n, marks=[] if n in (0, 2, 3) else pytest.mark.slow) for n in range(COMMITS)]


@pytest.mark.parametrize("nth", EVERY)
@pytest.mark.parametrize("answered", [None, INTERNAL], ids=["no answer", "asked again"])
def test_whichever_answer_is_lost_everything_counts_once(
    relayed: Connection, relays: dict[str, Relay], fresh_name: str,
    answered: Response | None, nth: int,
) -> None:  # fmt: skip
    store = TablesStore(relayed.tables(), fresh_name)
    # The first ones pass, a moment late; the next one is applied, and its answer lost.
    relays["Table"].fail(BATCH, times=nth, delay=1e-6)
    relays["Table"].fail(BATCH, answer=answered, after=True)
    loop = played(store)
    assert loop.head("p").state.total == 3
    assert sorted(loop.head("p").state.said) == [1, 2]
    assert journal.verify(store, "p") == loop.head("p").seq
    assert not any(fault.times for fault in relays["Table"].faults)
    assert len(relays["Table"].requests(BATCH)) == COMMITS + (answered is not None)


def test_an_applied_commit_without_an_answer_is_told_as_unavailable(
    relayed: Connection, relays: dict[str, Relay], fresh_name: str
) -> None:
    store = TablesStore(relayed.tables(), fresh_name)
    relays["Table"].fail(BATCH, after=True)
    with pytest.raises(Unavailable):
        store.commit("p", [Insert("a", {})])
    assert store.get("p", "a") is not None
    relays["Table"].fail(BATCH, after=True, answer=INTERNAL)
    with pytest.raises(Conflict):
        store.commit("p", [Insert("b", {})])
    assert store.get("p", "b") is not None


def test_a_scan_follows_its_pages(store: TablesStore, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Insert(f"in:{n:02d}", {"pending": n >= 7}) for n in range(10)]
    store.commit("p", rows)
    monkeypatch.setattr(tables, "PAGE", 3)
    assert [row.key for row in store.scan("p", "in:")] == [row.key for row in rows]
    assert [row.key for row in store.scan("p", "in:", limit=5)] == [row.key for row in rows[:5]]
    late = store.scan("p", "in:", after="in:07", pending=True)
    assert [row.key for row in late] == ["in:08", "in:09"]
    assert len(store.scan("p", "")) == 10


def test_keys_with_quotes_are_keys(store: TablesStore) -> None:
    store.commit("it's", [Insert("out:000:don't+100%&é", {"v": "'"})])
    assert [row.key for row in store.scan("it's", "out:")] == ["out:000:don't+100%&é"]
    row = store.get("it's", "out:000:don't+100%&é")
    assert row is not None
    store.commit("it's", [Replace(row.key, {"v": ""}, row.etag)])
    assert store.partitions() == ["it's"]


def test_values_at_the_edges_come_back(store: TablesStore) -> None:
    props: dict[str, Value] = {
        "i": 2**63 - 1,
        "j": -(2**63),
        "zero": 0,
        "e": "",
        "b": b"",
        "f": 1.0,
        "g": -1e300,
    }
    store.commit("p", [Insert("a", props)])
    row = store.get("p", "a")
    assert row is not None
    assert dict(row.props) == props
    assert [type(value) for value in row.props.values()] == [type(v) for v in props.values()]


def test_an_integer_beyond_64_bits_is_broken(store: TablesStore) -> None:
    with pytest.raises(Broken, match="64 bits"):
        store.commit("p", [Insert("a", {"i": 2**63})])
    assert store.partitions() == []


def test_a_table_deleted_under_us_is_waited_for(account: Connection, fresh_name: str) -> None:
    service = account.tables()
    store = TablesStore(service, fresh_name)
    service.delete_table(fresh_name)
    for act in (
        lambda: store.get("p", "a"),
        lambda: store.scan("p", ""),
        lambda: store.commit("p", [Insert(HEAD, {"wake_at": instant(NOON)})]),
        lambda: store.due(NOON),
        store.partitions,
    ):
        with pytest.raises(Unavailable, match="was it deleted"):
            act()

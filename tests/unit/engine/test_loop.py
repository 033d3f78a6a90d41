"""The loop, driven by a small domain: a tally that says every tenth number aloud."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import codec, journal
from engine.chain import log_key
from engine.codec import Kinds
from engine.errors import Broken, Conflict, Refused, Unavailable
from engine.loop import Loop
from engine.memory import MemoryStore
from engine.step import Delivery, Step
from engine.store import HEAD, Delete, Replace, Row, Value

NOW = datetime(2013, 7, 4, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Add:
    number: int


@dataclass(frozen=True)
class Heard:
    what: str


@dataclass(frozen=True)
class Failed:
    reason: str


@dataclass(frozen=True)
class Say:
    key: str
    what: str
    lane: str = ""


@dataclass(frozen=True)
class Tally:
    total: int = 0
    heard: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    wake: datetime | None = None


class Tallies:
    version = 2
    facts = Kinds(Add, Heard, Failed)
    effects = Kinds(Say)

    def __init__(self) -> None:
        self.said: list[str] = []
        self.trouble: dict[str, Exception] = {}

    def shape(self, partition: str) -> type[Tally]:
        return Tally

    def upgrade(self, partition: str, version: int, stored: dict[str, Any]) -> dict[str, Any]:
        """Version 1 called the total a sum."""
        assert version == 1
        return {"total": stored["sum"]}

    def initial(self, partition: str) -> Tally:
        return Tally()

    def step(self, partition: str, state: Tally, facts: Sequence[Any], now: datetime) -> Step:
        effects: list[Say] = []
        for fact in facts:
            match fact:
                case Add(number=666):
                    raise Broken("the tally cannot hold that")
                case Add(number=number):
                    state = replace(state, total=state.total + number)
                    effects += [
                        Say(f"say-{state.total}-{i}", str(number), "voice")
                        for i in range(number // 10)
                    ]
                case Heard(what=what):
                    state = replace(state, heard=(*state.heard, what))
                case Failed(reason=reason):
                    state = replace(state, failed=(*state.failed, reason))
        if state.wake is not None and state.wake <= now:
            state = replace(state, wake=None)
        lines = tuple({"what": "took", "fact": str(fact)} for fact in facts)
        return Step(state, tuple(effects), state.wake, lines)

    def perform(self, partition: str, effect: Say, now: datetime) -> tuple[Delivery, ...]:
        if effect.key in self.trouble:
            raise self.trouble[effect.key]
        self.said.append(effect.key)
        return (
            Delivery(partition, f"heard:{effect.key}", Heard(effect.what)),
            Delivery("listener", f"{partition}:{effect.key}", Add(1)),
        )

    def halted(self, partition: str, reason: str, now: datetime) -> tuple[Delivery, ...]:
        return (Delivery("operators", f"halted:{partition}:{now}", Failed(reason)),)

    def resumed(self, partition: str, halted_at: datetime, now: datetime) -> tuple[Delivery, ...]:
        return (Delivery("operators", f"resumed:{partition}:{halted_at}", Failed("over")),)

    def refused(self, effect: Say, reason: str) -> Failed:
        return Failed(reason)

    def urgent(self, effect: Say) -> bool:
        return False

    def attempted(self, effect: Say, attempts: int, reason: str) -> None:
        return None


@pytest.fixture
def domain() -> Tallies:
    return Tallies()


@pytest.fixture
def rung() -> list[str]:
    return []


@pytest.fixture
def loop(domain: Tallies, rung: list[str]) -> Loop:
    return Loop(MemoryStore(), domain, rung.append)


def add(loop: Loop, *numbers: int, partition: str = "p", now: datetime = NOW) -> None:
    for i, number in enumerate(numbers):
        loop.deliver(Delivery(partition, f"{number}-{i}", Add(number)), now)


def test_a_fact_counts_once_however_often_it_arrives(loop: Loop, rung: list[str]) -> None:
    assert loop.deliver(Delivery("p", "one", Add(3)), NOW)
    assert not loop.deliver(Delivery("p", "one", Add(3)), NOW)
    loop.drain("p", NOW)
    assert not loop.deliver(Delivery("p", "one", Add(3)), NOW)
    loop.drain("p", NOW)
    assert loop.head("p").state.total == 3
    assert rung == ["p", "p", "p"]


def test_a_delivery_that_loses_a_race_is_a_repeat_only_where_the_other_is_kept(
    domain: Tallies,
) -> None:
    class Rival(MemoryStore):
        kept = True

        def commit(self, partition: str, changes: Any) -> None:
            if self.kept:
                super().commit(partition, changes)
            raise Conflict("somebody was first")

    store = Rival()
    loop = Loop(store, domain, lambda partition: None)
    assert loop.deliver(Delivery("a", "1", Add(1)), NOW) is False
    store.kept = False
    with pytest.raises(Unavailable, match="a: a delivery was not kept"):
        loop.deliver(Delivery("a", "2", Add(2)), NOW)


def test_effects_are_paid_and_their_results_come_back_as_facts(
    loop: Loop, domain: Tallies, rung: list[str]
) -> None:
    add(loop, 20)
    loop.drain("p", NOW)
    assert domain.said == ["say-20-0", "say-20-1"]
    assert loop.head("p").state.heard == ("20", "20")
    assert rung[-1] == "listener"
    loop.drain("listener", NOW)
    assert loop.head("listener").state.total == 2


def test_a_drained_partition_is_left_as_it_was(loop: Loop) -> None:
    add(loop, 20)
    loop.drain("p", NOW)
    before = loop.head("p")
    loop.drain("p", NOW + timedelta(days=1))
    assert loop.head("p") == before


def test_more_effects_than_a_unit_holds_are_split_over_units(loop: Loop, domain: Tallies) -> None:
    add(loop, *[30] * 40)
    loop.drain("p", NOW)
    assert len(domain.said) == 120
    assert len(set(domain.said)) == 120


def test_what_is_unavailable_stays_owed_and_holds_its_lane_only(
    loop: Loop, domain: Tallies
) -> None:
    domain.trouble["say-10-0"] = Unavailable("busy", timedelta(minutes=1))
    add(loop, 10, 10)
    loop.drain("p", NOW)
    assert domain.said == []
    wake = loop.head("p").wake_at
    assert wake is not None
    assert timedelta(minutes=1) <= wake - NOW <= timedelta(minutes=1.25)
    loop.drain("p", wake)
    later = loop.head("p").wake_at
    assert later is not None
    assert later - wake >= timedelta(minutes=2)
    domain.trouble.clear()
    loop.drain("p", later)
    assert domain.said == ["say-10-0", "say-20-0"]
    loop.drain("p", later)
    assert loop.head("p").wake_at is None


def test_what_is_refused_is_told_and_not_tried_again(loop: Loop, domain: Tallies) -> None:
    domain.trouble["say-10-0"] = Refused("no such ear")
    add(loop, 10)
    loop.drain("p", NOW)
    assert loop.head("p").state.failed == ("no such ear",)
    domain.trouble.clear()
    loop.drain("p", NOW + timedelta(days=1))
    assert domain.said == []


def test_a_broken_step_halts_its_partition_and_no_other(loop: Loop) -> None:
    add(loop, 666)
    add(loop, 5, partition="q")
    with pytest.raises(Broken, match="cannot hold"):
        loop.drain("p", NOW)
    loop.drain("q", NOW)
    assert loop.head("q").state.total == 5
    # It is halted: its doorbell is done with.
    loop.drain("p", NOW)
    assert loop.head("p").halted == "the tally cannot hold that"
    loop.drain("operators", NOW)
    assert loop.head("operators").state.failed == ("the tally cannot hold that",)


WHO = {"what": "command", "verb": "resume", "by": "g.hopper", "reason": "mended"}
ALWAYS = "the tally cannot hold that"


class Killed(BaseException):
    """The worker is gone."""


class Counted(MemoryStore):
    """Counts calls; a chosen one is cut short, before it or before its answer is heard."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.dies_at, self.after = -1, False
        self.with_: type[BaseException] = Killed

    def get(self, partition: str, key: str) -> Row | None:
        return self._call("get", lambda: MemoryStore.get(self, partition, key))

    def scan(self, partition: str, prefix: str, **more: Any) -> list[Row]:
        return self._call("scan", lambda: MemoryStore.scan(self, partition, prefix, **more))

    def commit(self, partition: str, operations: Sequence[Any]) -> None:
        return self._call("commit", lambda: MemoryStore.commit(self, partition, operations))

    def _call(self, name: str, call: Callable[[], Any]) -> Any:
        here = len(self.calls) == self.dies_at
        self.calls.append(name)
        if here and not self.after:
            raise self.with_(name)
        found = call()
        if here:
            raise self.with_(name)
        return found


def halting(domain: Tallies) -> tuple[Loop, Counted]:
    loop = Loop(Counted(), domain, lambda _: None)
    add(loop, 666)
    loop.store.calls.clear()  # type: ignore[attr-defined]
    return loop, loop.store  # type: ignore[return-value]


def calls_of_a_halt(domain: Tallies) -> int:
    loop, store = halting(domain)
    with pytest.raises(Broken):
        loop.drain("p", NOW)
    return len(store.calls)


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        (Killed, False), (Killed, True), (Unavailable, False), (Unavailable, True),
        # The answer was lost, and what tried again found its own first try.
        (Conflict, True),
    ],
)  # fmt: skip
def test_a_halt_is_told_once_wherever_the_worker_dies(
    domain: Tallies, kind: type[BaseException], after: bool
) -> None:
    for number in range(calls_of_a_halt(domain)):
        loop, store = halting(domain)
        store.dies_at, store.after, store.with_ = number, after, kind
        # Nothing is raised where its own first try had halted it.
        with suppress(Broken, Killed, Unavailable):
            loop.drain("p", NOW)
        # Nobody rings any more: what is due is found by its wake, or waited in the queue anyhow.
        due = loop.store.due(NOW + timedelta(minutes=1))
        if loop.head("p").halted:
            told = loop.head("operators").seq or loop.store.scan("operators", "in:")
            assert due == ["p"] or told
        for at in (NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)):
            with suppress(Broken):
                loop.drain("p", at)
            assert loop.head("p").halted
        assert loop.store.due(NOW + timedelta(days=1)) == []
        loop.drain("operators", NOW)
        assert loop.head("operators").state.failed == (ALWAYS,), number


def test_a_halt_is_lifted_with_who_and_why(loop: Loop, rung: list[str]) -> None:
    add(loop, 666, 5)
    with pytest.raises(Broken):
        loop.drain("p", NOW)
    rung.clear()
    loop.drain("operators", NOW)
    loop.resume("p", WHO, NOW)
    assert rung == ["operators", "p"]
    assert loop.store.due(NOW) == ["p"]
    begun, record = journal.read(loop.store, "p")
    assert (begun.lines, record.lines) == ((), ({**WHO, "halted": ALWAYS},))
    # The cause was not mended: it halts again, and that is another halt to be told.
    later = NOW + timedelta(hours=1)
    with pytest.raises(Broken):
        loop.drain("p", later)
    loop.drain("operators", later)
    assert loop.head("operators").state.failed == (ALWAYS, "over", ALWAYS)
    assert journal.verify(loop.store, "p") == 2


def test_a_resumed_partition_takes_in_what_waited(loop: Loop) -> None:
    add(loop, 666)
    with pytest.raises(Broken):
        loop.drain("p", NOW)
    add(loop, 5)
    (broken,) = (r for r in loop.store.scan("p", "in:") if b"666" in r.content("body"))
    mended = {**broken.props, "body": loop.domain.facts.encode(Add(6))}
    loop.store.commit("p", [Replace(broken.key, mended, broken.etag)])
    loop.resume("p", WHO, NOW)
    loop.drain("p", NOW)
    assert loop.head("p").state.total == 11
    assert journal.verify(loop.store, "p") == 3


def test_what_is_not_halted_cannot_be_resumed(loop: Loop) -> None:
    add(loop, 5)
    loop.drain("p", NOW)
    with pytest.raises(Refused, match="p is not halted"):
        loop.resume("p", WHO, NOW)


def test_a_resume_that_loses_a_race_is_tried_again(domain: Tallies) -> None:
    store = Raced(0)
    loop = Loop(store, domain, lambda _: None)
    add(loop, 666)
    with pytest.raises(Broken):
        loop.drain("p", NOW)
    store.left = 2
    loop.resume("p", WHO, NOW)
    assert loop.head("p").halted == ""


def test_an_idle_drain_reads_three_times_and_writes_nothing(domain: Tallies) -> None:
    store = Counted()
    loop = Loop(store, domain, lambda _: None)
    add(loop, 20)
    loop.drain("p", NOW)
    store.calls.clear()
    loop.drain("p", NOW)
    assert store.calls == ["get", "scan", "scan"]


def test_a_fact_of_an_unknown_kind_is_parked_with_its_reason(loop: Loop) -> None:
    loop.deliver(Delivery("p", "one", Add(1)), NOW)
    row = loop.store.scan("p", "in:")[0]
    newer = {**row.props, "body": b'{"kind":"subtract","number":1}'}
    loop.store.commit("p", [Replace(row.key, newer, row.etag)])
    loop.drain("p", NOW)
    kept = loop.store.scan("p", "in:")[0]
    assert kept.props["refused"] == "kind 'subtract' is not known to this version"
    (record,) = journal.read(loop.store, "p")
    assert record.lines[0]["what"] == "refused"


def altered(loop: Loop, **props: Value) -> Row:
    """Write into a head what another version of the app would have, and return the row before."""
    row = loop.store.get("p", HEAD)
    assert row is not None
    loop.store.commit("p", [Replace(HEAD, {**row.props, **props}, row.etag)])
    return row


def test_a_newer_state_is_left_alone(loop: Loop) -> None:
    add(loop, 5)
    loop.drain("p", NOW)
    altered(loop, version=3)
    with pytest.raises(Refused, match="newer"):
        loop.drain("p", NOW)


def test_an_older_state_is_upgraded_when_it_is_read_and_written_in_the_present_format(
    loop: Loop,
) -> None:
    add(loop, 5)
    loop.drain("p", NOW)
    altered(loop, version=1, state=codec.pack(b'{"sum":7}'))
    assert loop.head("p").state.total == 7
    add(loop, 2)
    loop.drain("p", NOW)
    assert loop.head("p").state.total == 9
    assert altered(loop).props["version"] == 2


class Raced(MemoryStore):
    """Loses the first races of every commit."""

    def __init__(self, losses: int) -> None:
        super().__init__()
        self.left = losses

    def commit(self, partition: str, operations: Sequence[Any]) -> None:
        if self.left and any(operation.key == HEAD for operation in operations):
            self.left -= 1
            raise Conflict("somebody was faster")
        super().commit(partition, operations)


def test_a_lost_race_is_run_again_and_a_hopeless_one_is_unavailable(domain: Tallies) -> None:
    pauses: list[int] = []
    loop = Loop(Raced(3), domain, lambda _: None, pauses.append)
    add(loop, 20)
    loop.drain("p", NOW)
    assert loop.head("p").state.total == 20
    assert pauses == [1, 2, 3]
    hopeless = Loop(Raced(1000), domain, lambda _: None)
    add(hopeless, 20)
    with pytest.raises(Unavailable, match="commits in a row lost to other workers"):
        hopeless.drain("p", NOW)


def test_the_journal_is_a_chain_that_shows_any_change(loop: Loop) -> None:
    for number in (1, 2, 3):
        add(loop, number)
        loop.drain("p", NOW)
    assert journal.verify(loop.store, "p") == 3
    row = loop.store.get("p", log_key(2))
    assert row is not None
    altered = {**row.props, "body": row.content("body").replace(b"2", b"7")}
    loop.store.commit("p", [Replace(row.key, altered, row.etag)])
    with pytest.raises(Broken, match="record 2"):
        journal.verify(loop.store, "p")


def test_a_journal_cut_short_is_seen(loop: Loop) -> None:
    add(loop, 1)
    loop.drain("p", NOW)
    loop.store.commit("p", [Delete(log_key(1))])
    with pytest.raises(Broken, match="missing"):
        journal.verify(loop.store, "p")


def test_the_sweep_takes_what_is_over_and_leaves_what_is_owed(loop: Loop, domain: Tallies) -> None:
    domain.trouble["say-20-0"] = Unavailable("busy")
    add(loop, 10, 10)
    loop.drain("p", NOW)
    assert loop.sweep("p", NOW + timedelta(hours=23)) == 0
    assert loop.sweep("p", NOW + timedelta(days=2)) == 1
    assert loop.sweep("p", NOW + timedelta(days=9)) == 3
    assert [bool(row.props["pending"]) for row in loop.store.scan("p", "out:")] == [True]
    assert journal.verify(loop.store, "p") == 2

"""Faults of a partition: whatever a step, a row or an effect does, it is stopped and told, or told.

The law: after any fault a later good fact is taken in, or the partition is halted and its
operators have been told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import codec, journal
from engine.codec import Kinds
from engine.errors import Broken, Conflict, Refused, Unavailable
from engine.loop import Loop
from engine.memory import MemoryStore
from engine.payment import MAX_FAILURES
from engine.step import Delivery, Step
from engine.store import HEAD, MAX_PROPERTY_BYTES, MAX_ROW_BYTES, Replace, Row, Value
from engine.texts import LONGEST

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
KIB = 1024


@dataclass(frozen=True)
class Put:
    """Adds a number, says a text so often, owes effects, and grows the state by so many bytes."""

    number: int
    text: str = ""
    says: int = 1
    owes: int = 0
    grows: int = 0


@dataclass(frozen=True)
class Told:
    text: str


@dataclass(frozen=True)
class Do:
    key: str
    lane: str = ""
    text: str = ""


@dataclass(frozen=True)
class Sum:
    total: int = 0
    told: tuple[str, ...] = ()
    bulk: tuple[str, ...] = ()


class Sums:
    """Adds numbers; a chosen one makes the step raise, a chosen key makes the payment raise."""

    version = 1
    facts = Kinds(Put, Told)
    effects = Kinds(Do)

    def __init__(self) -> None:
        self.bad: dict[int, Exception] = {}
        self.trouble: dict[str, Exception] = {}
        self.tried: list[str] = []
        self.result = "done"

    def shape(self, partition: str) -> type[Sum]:
        return Sum

    def upgrade(self, partition: str, version: int, stored: dict[str, Any]) -> dict[str, Any]:
        return stored

    def initial(self, partition: str) -> Sum:
        return Sum()

    def step(self, partition: str, state: Sum, facts: Sequence[Any], now: datetime) -> Step:
        effects: list[Do] = []
        lines = []
        for fact in facts:
            match fact:
                case Put(number=number) if number in self.bad:
                    raise self.bad[number]
                case Put(number, text, says, owes, grows):
                    bulk = (*state.bulk, noise(grows)) if grows else state.bulk
                    state = replace(state, total=state.total + number, bulk=bulk)
                    lines.append({"what": "put", "text": text * says})
                    effects += [Do(f"do-{number}-{i}", "lane") for i in range(owes)]
                case Told(text=text):
                    state = replace(state, told=(*state.told, text))
        return Step(state, tuple(effects), None, tuple(lines))

    def perform(self, partition: str, effect: Do, now: datetime) -> tuple[Delivery, ...]:
        self.tried.append(effect.key)
        if effect.key in self.trouble:
            raise self.trouble[effect.key]
        return (Delivery(partition, effect.key, Told(self.result)),)

    def halted(self, partition: str, reason: str, now: datetime) -> tuple[Delivery, ...]:
        return (Delivery("operators", f"halted:{partition}:{now}", Told(reason)),)

    def resumed(self, partition: str, halted_at: datetime, now: datetime) -> tuple[Delivery, ...]:
        return (Delivery("operators", f"resumed:{partition}:{halted_at}", Told("resumed")),)

    def refused(self, effect: Do, reason: str) -> Told:
        return Told(reason)

    def urgent(self, effect: Do) -> bool:
        return False

    def attempted(self, effect: Do, attempts: int, reason: str) -> None:
        return None


def noise(size: int) -> str:
    """Text that does not compress."""
    blocks = range(size // 64)
    return "".join(hashlib.sha256(str(i).encode()).hexdigest() for i in blocks)


@pytest.fixture
def domain() -> Sums:
    return Sums()


@pytest.fixture
def loop(domain: Sums) -> Loop:
    return Loop(MemoryStore(), domain, lambda _: None)


def put(loop: Loop, *facts: Put, now: datetime = NOW) -> None:
    # A second apart: facts of one instant are taken in in the order of their hashed ids.
    for fact in facts:
        now += timedelta(milliseconds=1)
        loop.deliver(Delivery("p", f"put-{fact.number}", fact), now)


def stopped(loop: Loop, now: datetime = NOW) -> str:
    """Drain until it stops, and return the reason: stored, and told to the operators once."""
    with pytest.raises(Broken, match="p is halted: "):
        loop.drain("p", now)
    # Only the call that halts it fails: a doorbell of a halted partition is not retried.
    loop.drain("p", now)
    reason = loop.head("p").halted
    loop.drain("operators", now)
    assert loop.head("operators").state.told[-1:] == (reason,)
    return reason


def changed(loop: Loop, prefix: str, **props: Value) -> None:
    (row,) = loop.store.scan("p", prefix, limit=2, pending=prefix != HEAD)
    loop.store.commit("p", [Replace(row.key, {**row.props, **props}, row.etag)])


DEFECTS = [
    TypeError("unsupported operand"), ValueError("out of range"), KeyError("day"),
    ZeroDivisionError("division by zero"), IndexError("list index"), AttributeError("no such"),
    AssertionError(), NotImplementedError(), RecursionError("maximum depth"), MemoryError(),
    OverflowError("date value out of range"), UnicodeError("half a pair \ud800"),
    OSError(5, "Input/output error"), RuntimeError("x" * 200 * KIB), Broken("a law is broken"),
    Unavailable("steps call nobody"), Conflict("steps write nothing"),
]  # fmt: skip


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda error: type(error).__name__)
def test_any_exception_of_a_step_halts_and_tells(
    loop: Loop, domain: Sums, defect: Exception
) -> None:
    put(loop, Put(1), Put(2), Put(3), Put(4))
    domain.bad[3] = defect
    reason = stopped(loop)
    assert len(reason) <= LONGEST
    assert reason.encode()
    if not isinstance(defect, Broken | Unavailable | Conflict):
        assert reason.startswith(type(defect).__name__)
        assert reason.endswith("(fact put-3)")
        # What came before it was taken in.
        assert loop.head("p").state.total == 3
    domain.bad.clear()
    loop.resume("p", {"what": "command", "verb": "resume"}, NOW)
    loop.drain("p", NOW)
    assert loop.head("p").state.total == 10
    loop.drain("operators", NOW)
    assert loop.head("operators").state.told[-1] == "resumed"
    journal.verify(loop.store, "p")


BOUNDS = {
    "a line over a property": Put(3, text="x" * (MAX_PROPERTY_BYTES + 1)),
    "a line near a row": Put(3, text="x" * (900 * KIB)),
    "text of four bytes a character": Put(3, text="\U0001f600" * 60 * KIB),
    "as many effects as a unit holds": Put(3, owes=97),
    "a state over a property": Put(3, grows=100 * KIB),
}


@pytest.mark.parametrize("fact", BOUNDS.values(), ids=BOUNDS)
def test_what_fits_a_row_is_taken_in_however_it_is_cut(loop: Loop, fact: Put) -> None:
    put(loop, Put(1), fact, Put(4))
    loop.drain("p", NOW + timedelta(days=1))
    assert loop.head("p").halted == ""
    assert loop.head("p").state.total == 8
    said = [line["text"] for record in journal.read(loop.store, "p") for line in record.lines]
    assert said == ["", fact.text, ""]
    journal.verify(loop.store, "p")


TOO_LARGE = {
    "a line over a row": Put(3, text="x" * KIB, says=1200),
    "more effects than a unit holds": Put(3, owes=98),
    "a state over its bound": Put(3, grows=1_500 * KIB),
}


@pytest.mark.parametrize("fact", TOO_LARGE.values(), ids=TOO_LARGE)
def test_what_fits_no_unit_alone_halts_and_tells(loop: Loop, fact: Put) -> None:
    put(loop, Put(1), fact, Put(4))
    reason = stopped(loop)
    assert reason.endswith("(fact put-3)")
    assert loop.head("p").state.total == 1


def test_many_facts_that_fit_one_by_one_are_taken_in_by_fewer_at_once(loop: Loop) -> None:
    """Forty lines of 60 KiB are too much for one record."""
    numbers = range(1, 46)
    put(loop, *(Put(number, text="x" * 60 * KIB) for number in numbers))
    loop.drain("p", NOW)
    assert loop.head("p").state.total == sum(numbers)
    assert 3 <= loop.head("p").seq <= 20


def test_a_fact_that_no_row_holds_is_refused_to_its_sender(loop: Loop) -> None:
    with pytest.raises(Refused, match=r"put cannot be kept: p: in:\w+ is \d+ bytes, over"):
        put(loop, Put(3, text="x" * MAX_ROW_BYTES))
    put(loop, Put(4))
    loop.drain("p", NOW)
    assert loop.head("p").state.total == 4


def test_a_result_that_no_row_holds_declines_its_effect(loop: Loop, domain: Sums) -> None:
    domain.result = "x" * MAX_ROW_BYTES
    put(loop, Put(1, owes=1))
    loop.drain("p", NOW)
    (told,) = loop.head("p").state.told
    assert told.startswith("its result cannot be kept: p: ")
    loop.drain("p", NOW + timedelta(days=1))
    assert domain.tried == ["do-1-0"]


def tries(loop: Loop, domain: Sums, number: int) -> None:
    """Let wake-ups pass until the effect was tried so many times more."""
    until = domain.tried.count("do-1-0") + number
    while domain.tried.count("do-1-0") < until:
        wake = loop.head("p").wake_at
        assert wake is not None
        try:
            loop.drain("p", wake)
        except (TypeError, ValueError):
            continue


def test_an_effect_that_fails_the_same_way_five_times_is_declined_and_nothing_waits_behind_it(
    loop: Loop, domain: Sums
) -> None:
    domain.trouble["do-1-0"] = TypeError("unsupported operand")
    put(loop, Put(1, owes=2))
    with pytest.raises(TypeError):
        loop.drain("p", NOW)
    tries(loop, domain, MAX_FAILURES - 2)
    assert domain.tried == ["do-1-0"] * (MAX_FAILURES - 1)
    assert loop.head("p").state.told == ()
    tries(loop, domain, 1)
    reason = f"it failed {MAX_FAILURES} times: TypeError: unsupported operand"
    assert loop.head("p").state.told == (reason, "done")
    assert domain.tried[MAX_FAILURES:] == ["do-1-1"]
    assert loop.head("p").wake_at is None


def test_other_failures_in_between_begin_the_count_again(loop: Loop, domain: Sums) -> None:
    domain.trouble["do-1-0"] = TypeError("unsupported operand")
    put(loop, Put(1, owes=1))
    with pytest.raises(TypeError):
        loop.drain("p", NOW)
    tries(loop, domain, MAX_FAILURES - 2)
    domain.trouble["do-1-0"] = Unavailable("busy")
    tries(loop, domain, 1)
    domain.trouble["do-1-0"] = ValueError("out of range")
    tries(loop, domain, MAX_FAILURES - 1)
    domain.trouble["do-1-0"] = TypeError("unsupported operand")
    tries(loop, domain, MAX_FAILURES - 1)
    assert loop.head("p").state.told == ()
    tries(loop, domain, 1)
    (told,) = loop.head("p").state.told
    assert told.startswith("it failed 5 times: TypeError")


DAMAGE: dict[str, Callable[[Loop], None]] = {
    "no compressed bytes": lambda loop: changed(loop, HEAD, state=b"damaged"),
    "no JSON": lambda loop: changed(loop, HEAD, state=codec.pack(b"damaged")),
    "another shape": lambda loop: changed(loop, HEAD, state=codec.pack(b'{"total": "x"}')),
    "no bytes": lambda loop: changed(loop, HEAD, state=5),
    "an effect that is no JSON": lambda loop: changed(loop, "out:", body=b"{"),
    "an effect of another shape": lambda loop: changed(loop, "out:", body=b'{"kind":"do"}'),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_rows_halt_and_tell_and_are_seen(
    loop: Loop, domain: Sums, damage: Callable[[Loop], None]
) -> None:
    domain.trouble["do-1-0"] = Unavailable("busy")
    put(loop, Put(1, owes=1))
    loop.drain("p", NOW)
    damage(loop)
    put(loop, Put(2))
    reason = stopped(loop)
    assert reason
    assert loop.head("p").halted == reason
    assert loop.head("p").halted_at == NOW
    loop.resume("p", {"what": "command"}, NOW)
    assert stopped(loop, NOW + timedelta(hours=1)) == reason


def test_a_damaged_fact_is_parked_and_the_others_are_taken_in(loop: Loop) -> None:
    put(loop, Put(1))
    changed(loop, "in:", body=b'{"kind":"put","number":"many"}')
    put(loop, Put(2))
    loop.drain("p", NOW)
    assert loop.head("p").state.total == 2
    lines = [line for record in journal.read(loop.store, "p") for line in record.lines]
    assert [line["what"] for line in lines] == ["put", "refused"]
    assert "number" in lines[1]["reason"]
    (kept,) = (row for row in loop.store.scan("p", "in:") if "refused" in row.props)
    assert kept.content("body") == b'{"kind":"put","number":"many"}'


def test_a_damaged_fact_and_a_refused_one_are_parked_one_by_one(loop: Loop, domain: Sums) -> None:
    put(loop, Put(1))
    changed(loop, "in:", body=b"{")
    domain.bad[3] = Refused("no such number")
    put(loop, Put(2), Put(3), Put(4), now=NOW + timedelta(seconds=1))
    loop.drain("p", NOW)
    assert loop.head("p").halted == ""
    assert loop.head("p").state.total == 6
    lines = [line["what"] for record in journal.read(loop.store, "p") for line in record.lines]
    assert sorted(lines) == ["put", "put", "refused", "refused"]


def test_a_refused_fact_keeps_a_body_of_any_size(loop: Loop, domain: Sums) -> None:
    domain.bad[3] = Refused("no such number " + "x" * 100 * KIB)
    put(loop, Put(3, text="x" * 100 * KIB), Put(4))
    loop.drain("p", NOW)
    assert loop.head("p").state.total == 4
    (kept,) = (row for row in loop.store.scan("p", "in:") if "refused" in row.props)
    assert len(kept.content("body")) > 100 * KIB
    assert kept.text("refused").endswith("characters)")


def test_an_effect_whose_key_no_row_can_have_halts_and_tells(loop: Loop, domain: Sums) -> None:
    class Slashed(Sums):
        def step(self, partition: str, state: Sum, facts: Sequence[Any], now: datetime) -> Step:
            return replace(super().step(partition, state, facts, now), effects=(Do("a/b"),))

    slashed = Loop(loop.store, Slashed(), lambda _: None)
    put(slashed, Put(1))
    with pytest.raises(Broken):
        slashed.drain("p", NOW)
    assert "cannot be a row key" in slashed.head("p").halted


def rows(loop: Loop) -> list[Row]:
    return loop.store.scan("p", "")


def test_a_state_of_a_newer_app_is_shown_as_halted_and_never_written(loop: Loop) -> None:
    put(loop, Put(1))
    loop.drain("p", NOW)
    changed(loop, HEAD, version=2)
    put(loop, Put(2))
    before = rows(loop)
    with pytest.raises(Refused, match="newer than this app reads"):
        loop.drain("p", NOW)
    assert rows(loop) == before
    assert "newer than this app reads" in loop.head("p").halted

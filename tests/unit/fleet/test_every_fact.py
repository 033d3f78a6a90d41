"""The law of faults, over every fact: a later good event is taken in, or the model is halted and
its operators are told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, get_args

import pytest

from engine import journal
from engine.codec import kind_of
from engine.errors import Broken, Conflict, DriftwardenError, Refused, Unavailable
from engine.loop import Loop
from engine.step import Delivery, Step
from fleet import health
from fleet.commands import Command
from fleet.domain import FleetDomain
from fleet.model.facts import Fact, Noted
from tests.unit.fleet.desk import Desk
from tests.unit.fleet.samples import sample

KIB = 1024
FACTS = {kind_of(fact): fact for fact in get_args(Fact)}
PARTITIONS = ("demand", "fleet", "oncall:shop")
DEFECTS = (
    TypeError("unsupported operand"), ValueError("out of range"), KeyError("day"),
    ZeroDivisionError("division by zero"), IndexError("list index"), AttributeError("no such"),
    AssertionError(), NotImplementedError(), RecursionError("maximum depth"), MemoryError(),
    OverflowError("date value out of range"), UnicodeError("half a pair \ud800"),
    OSError(5, "Input/output error"), RuntimeError("x" * 200 * KIB), StopIteration(),
    Broken("a law is broken"), Unavailable("steps call nobody"), Conflict("steps write nothing"),
    Refused("not in this state"),
)  # fmt: skip
#: Texts, and numbers, that come from outside and reach a bound of the store or of a type.
TEXTS = {
    "empty": "", "a property": "x" * 70 * KIB, "a property in 4 bytes": "\U0001f600" * 20 * KIB,
    "a row": "x" * 1_100 * KIB, "a unit": "x" * 5_000 * KIB, "half a pair": "\ud800",
    "no row key": "a/b\\c#d?e\x00\x7f\x9f", "lines": "a\r\nb\u2028c", "a path": "../../etc/passwd",
    "a day": "2024-03-04", "a day far off": "9999-12-31", "no day": "2024-02-31",
    "markup": "<script>alert(1)</script>{{x}}[link](http://x)", "right to left": "\u202eabc",
}  # fmt: skip
NUMBERS = (0, -1, 101, 2**63, -(2**63), 10**30)


class Faulty(FleetDomain):
    """A fleet whose step fails on facts of one kind."""

    partition: str
    kind: str
    defect: Exception | None

    def step(self, partition: str, state: Any, facts: Sequence[Any], now: Any) -> Step:
        given = {kind_of(type(fact)) for fact in facts}
        if self.defect is not None and partition == self.partition and self.kind in given:
            raise self.defect
        return super().step(partition, state, facts, now)


def faulty(desk: Desk, partition: str, kind: str, defect: Exception) -> Faulty:
    domain = Faulty(desk.fleet, desk.world)
    object.__setattr__(domain, "partition", partition)
    object.__setattr__(domain, "kind", kind)
    object.__setattr__(domain, "defect", defect)
    object.__setattr__(desk.service, "loop", Loop(desk.store, domain, desk.rung.append))
    return domain


def settle(desk: Desk) -> None:
    """Answer every bell until none rings, as a host does that survives every exception."""
    for _ in range(100):
        if not desk.rung:
            return
        names, desk.rung[:] = sorted(set(desk.rung)), []
        for name in names:
            try:
                desk.service.drain(name)
            except Exception:  # noqa: BLE001 - the host survives every exception
                desk.rung.append(name)
    raise AssertionError(f"{set(desk.rung)} never came to rest")


def holds(desk: Desk, partition: str, name: str) -> str:
    """Deliver a good fact; return the reason of the halt, which was told, or nothing."""
    good = {"fleet": sample(FACTS["unrecognised"], f"good-{name}")}.get(partition)
    good = good or (sample(FACTS["notified"]) if "oncall" in partition else Noted("good", name))
    before = desk.service.loop.head(partition).seq
    desk.service.loop.deliver(Delivery(partition, f"good:{name}", good), desk.clock.moment)
    settle(desk)
    halted = desk.service.loop.head(partition).halted
    if not halted:
        assert desk.service.loop.head(partition).seq > before
        return ""
    shown = {str(one["partition"]): one["reason"] for one in health.halted(desk.service.loop)}
    assert shown[partition] == halted
    told = [line for other in PARTITIONS for line in desk.lines(other)]
    assert any(halted[:60] in str(line.get("reason", "")) for line in told), halted
    return halted


@pytest.fixture
def desk_made(desk: Desk) -> Callable[[], Desk]:
    """Make desks that each go their own way from a fleet that has begun."""

    def made() -> Desk:
        twin = Desk(desk.fleet, desk.world)
        twin.store._rows = {name: dict(rows) for name, rows in desk.store._rows.items()}
        twin.store._writes = desk.store._writes
        return twin

    return made


everywhere = pytest.mark.parametrize("partition", PARTITIONS)
every_kind = pytest.mark.parametrize("kind", sorted(FACTS))
#: In a quick run each kind meets every fifth oddity, and another fifth than the kind before it.
SHARE = 5


def share(every: Sequence[Any], kind: str) -> Sequence[Any]:
    return every[sorted(FACTS).index(kind) % SHARE :: SHARE]


@every_kind
@everywhere
def test_a_step_that_fails_now_and_then(
    desk_made: Callable[[], Desk], kind: str, partition: str
) -> None:
    _fails(desk_made, kind, partition, share(DEFECTS, kind))


@pytest.mark.slow
@every_kind
@everywhere
def test_a_step_that_fails_halts_and_tells_or_goes_on(
    desk_made: Callable[[], Desk], kind: str, partition: str
) -> None:
    _fails(desk_made, kind, partition, DEFECTS)


def _fails(
    desk_made: Callable[[], Desk], kind: str, partition: str, defects: Sequence[Exception]
) -> None:
    for number, defect in enumerate(defects):
        desk = desk_made()
        domain = faulty(desk, partition, kind, defect)
        given = Delivery(partition, f"odd-{number}", sample(FACTS[kind]))
        desk.service.loop.deliver(given, desk.clock.moment)
        settle(desk)
        halted = holds(desk, partition, f"{number}")
        assert bool(halted) == (not isinstance(defect, Refused))
        goes_on(desk, domain, partition)


def goes_on(desk: Desk, domain: Faulty, partition: str) -> None:
    """With the defect gone, `resume` lets the partition take its facts in, or judge them anew."""
    object.__setattr__(domain, "defect", None)
    if desk.service.loop.head(partition).halted:
        desk.service.command(Command("resume", partition, "ada", "mended", f"r-{partition}"))
    settle(desk)
    waits = desk.store.scan(partition, "in:", pending=True)
    assert not waits or desk.service.loop.head(partition).halted
    journal.verify(desk.store, partition)


def odd(kind: str) -> list[Any]:
    """A fact of a kind in every odd content."""
    texts = [sample(FACTS[kind], text) for text in TEXTS.values()]
    return texts + [sample(FACTS[kind], "x", number) for number in NUMBERS]


@every_kind
@everywhere
def test_a_fact_of_some_odd_content(
    desk_made: Callable[[], Desk], kind: str, partition: str
) -> None:
    _is_taken_in_or_halts(desk_made, partition, share(odd(kind), kind))


@pytest.mark.slow
@every_kind
@everywhere
def test_a_fact_of_any_content_is_taken_in_or_halts_and_tells(
    desk_made: Callable[[], Desk], kind: str, partition: str
) -> None:
    _is_taken_in_or_halts(desk_made, partition, odd(kind))


def _is_taken_in_or_halts(
    desk_made: Callable[[], Desk], partition: str, facts: Sequence[Any]
) -> None:
    for number, fact in enumerate(facts):
        desk = desk_made()
        with suppress(DriftwardenError):
            desk.service.loop.deliver(Delivery(partition, f"odd-{number}", fact), desk.clock.moment)
        settle(desk)
        holds(desk, partition, f"{number}")
        journal.verify(desk.store, partition)

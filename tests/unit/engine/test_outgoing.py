"""What is owed when some of it cannot be paid: what waits, what goes first, and who is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import outbox
from engine.codec import Kinds
from engine.errors import Refused, Unavailable
from engine.loop import Loop
from engine.memory import MemoryStore
from engine.step import Delivery, Step
from engine.store import Operation

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Send:
    """Owes letters, each as (key, lane, urgent)."""

    letters: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True)
class Came:
    """How an attempt at a letter ended."""

    said: str


@dataclass(frozen=True)
class Letter:
    key: str
    lane: str
    urgent: bool = False


@dataclass(frozen=True)
class Post:
    came: tuple[str, ...] = ()


class Office:
    """Sends letters; those to a lane in `closed` fail in one way."""

    version = 1
    facts = Kinds(Send, Came)
    effects = Kinds(Letter)

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed: dict[str, Exception] = {}
        self.reports = True

    def shape(self, partition: str) -> type[Post]:
        return Post

    def upgrade(self, partition: str, version: int, stored: dict[str, Any]) -> dict[str, Any]:
        return stored

    def initial(self, partition: str) -> Post:
        return Post()

    def step(self, partition: str, state: Post, facts: Sequence[Any], now: datetime) -> Step:
        letters: list[Letter] = []
        for fact in facts:
            if isinstance(fact, Send):
                letters += [Letter(*letter) for letter in fact.letters]
            else:
                state = replace(state, came=(*state.came, fact.said))
        return Step(state, tuple(letters))

    def perform(self, partition: str, effect: Letter, now: datetime) -> tuple[Delivery, ...]:
        if effect.lane in self.closed:
            raise self.closed[effect.lane]
        self.sent.append(effect.key)
        return ()

    def halted(self, partition: str, reason: str, now: datetime) -> tuple[Delivery, ...]:
        return ()

    def resumed(self, partition: str, halted_at: datetime, now: datetime) -> tuple[Delivery, ...]:
        return ()

    def refused(self, effect: Letter, reason: str) -> Came:
        return Came(f"{effect.key} refused: {reason}")

    def urgent(self, effect: Letter) -> bool:
        return effect.urgent

    def attempted(self, effect: Letter, attempts: int, reason: str) -> Came | None:
        if not self.reports:
            return None
        return Came(f"{effect.key} {attempts}: {reason or 'paid'}")


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def loop(office: Office) -> Loop:
    return Loop(MemoryStore(), office, lambda _: None)


def send(loop: Loop, *letters: tuple[str, str, bool], now: datetime = NOW) -> None:
    loop.deliver(Delivery("p", f"send-{letters[0][0]}-{len(letters)}", Send(letters)), now)


def came(loop: Loop) -> tuple[str, ...]:
    found: tuple[str, ...] = loop.head("p").state.came
    return found


ORDERS = {
    "urgent before the rest": ("t1 x, P1 y, t2 z", "P1 t1 t2"),
    "urgent ones by age": ("P1 x, P2 y, t1 z", "P1 P2 t1"),
    "a lane in order, hurried by what waits in it": ("t1 x, t2 y, P1 y", "t2 P1 t1"),
    "without lanes": ("t1 -, P1 -, t2 -, P2 -", "P1 P2 t1 t2"),
    "nothing urgent": ("t1 x, t2 y, t3 x", "t1 t2 t3"),
    "what follows an urgent one in its lane": ("t1 x, P1 y, t2 y", "P1 t1 t2"),
}


@pytest.mark.parametrize(("owed", "paid"), ORDERS.values(), ids=ORDERS)
def test_urgent_effects_are_paid_first_and_lanes_keep_their_order(
    loop: Loop, office: Office, owed: str, paid: str
) -> None:
    office.reports = False
    letters = [one.split() for one in owed.split(", ")]
    send(loop, *((key, lane.strip("-"), key[0] == "P") for key, lane in letters))
    loop.drain("p", NOW)
    assert office.sent == paid.split()


def test_a_partition_hears_how_each_attempt_ended_where_it_asks(loop: Loop, office: Office) -> None:
    office.closed["x"] = Unavailable("busy", MINUTE)
    send(loop, ("a", "x", False), ("b", "y", False))
    loop.drain("p", NOW)
    assert sorted(came(loop)) == ["a 0: busy", "b 0: paid"]
    loop.drain("p", NOW + 2 * MINUTE)
    office.closed.clear()
    loop.drain("p", NOW + 10 * MINUTE)
    assert came(loop)[2:] == ("a 1: busy", "a 2: paid")
    assert office.sent == ["b", "a"]


class Calm(Unavailable):
    """A wait that is our own."""

    quiet = True


def test_a_quiet_wait_is_told_to_nobody(loop: Loop, office: Office) -> None:
    office.closed["x"] = Calm("later", MINUTE)
    send(loop, ("a", "x", False))
    loop.drain("p", NOW)
    assert (came(loop), office.sent) == ((), [])
    office.closed.clear()
    loop.drain("p", NOW + 2 * MINUTE)
    assert (came(loop), office.sent) == (("a 1: paid",), ["a"])


def test_a_refusal_is_told_as_such_alone(loop: Loop, office: Office) -> None:
    office.closed["x"] = Refused("no such house")
    send(loop, ("a", "x", False))
    loop.drain("p", NOW)
    assert came(loop) == ("a refused: no such house",)


class Dying(MemoryStore):
    """Takes a chosen commit, and then the worker is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 10**9

    def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        super().commit(partition, operations)
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_a_worker_that_dies_after_a_failure_leaves_the_partition_due(office: Office) -> None:
    """The fact about the failure is in the commit that postpones, and waits for no doorbell."""
    store = Dying()
    loop = Loop(store, office, lambda _: None)
    office.closed["x"] = Unavailable("busy", timedelta(hours=1))
    send(loop, ("a", "x", False))
    store.left = 2
    with pytest.raises(KeyboardInterrupt):
        loop.drain("p", NOW)
    assert came(loop) == ()
    assert store.due(NOW) == ["p"]
    loop.drain("p", NOW)
    assert came(loop) == ("a 0: busy",)
    wake = loop.head("p").wake_at
    assert wake is not None
    assert wake > NOW + timedelta(hours=1)


def played(dies: int) -> tuple[tuple[str, ...], list[str]]:
    """Play a failure and its end with a worker that dies after a commit; return what came of it."""
    office, store = Office(), Dying()
    loop = Loop(store, office, lambda _: None)
    office.closed["x"] = Unavailable("busy", MINUTE)
    send(loop, ("a", "x", False), ("b", "x", False), ("P", "y", True))
    store.left = dies
    for at in (NOW, NOW + 2 * MINUTE, NOW + 10 * MINUTE):
        if at > NOW + 2 * MINUTE:
            office.closed.clear()
        try:
            loop.drain("p", at)
        except KeyboardInterrupt:
            loop.drain("p", at)
    return tuple(sorted(came(loop))), office.sent


def test_wherever_the_worker_dies_each_failure_is_told_once_and_nothing_is_lost() -> None:
    told, sent = played(10**9)
    assert sent == ["P", "a", "b"]
    assert len(told) == 5
    for dies in range(1, 20):
        assert played(dies) == (told, sent), dies


@pytest.mark.parametrize(
    ("delay", "longest", "third"),
    [
        (timedelta(seconds=30), 2 * MINUTE, 2 * MINUTE),
        (timedelta(seconds=30), timedelta(hours=1), 2 * MINUTE),
        (5 * MINUTE, 15 * MINUTE, 15 * MINUTE),
        (timedelta(0), 2 * MINUTE, timedelta(seconds=40)),
        (timedelta(hours=2), MINUTE, timedelta(hours=2)),
    ],
)
def test_the_delay_grows_up_to_the_bound_that_the_error_names(
    loop: Loop, office: Office, delay: timedelta, longest: timedelta, third: timedelta
) -> None:
    office.closed["x"] = Unavailable("busy", delay, longest)
    send(loop, ("a", "x", False))
    now = NOW
    for _ in range(3):
        loop.drain("p", now)
        wake = loop.head("p").wake_at
        assert wake is not None
        waited, now = wake - now, wake
    assert third <= waited <= third * 1.25


def test_a_backlog_that_is_not_due_hides_nothing(loop: Loop, office: Office) -> None:
    office.reports = False
    office.closed["dead"] = Unavailable("busy", timedelta(hours=1))
    for part in range(5):
        keys = range(part * 50, part * 50 + 50)
        send(loop, *((f"d{key}", "dead", False) for key in keys), now=NOW + part * MINUTE)
    now = NOW + 10 * MINUTE
    loop.drain("p", now)
    assert len(outbox.unpaid(loop.store, "p")) == outbox.PAGE
    assert len(list(outbox.every_unpaid(loop.store, "p"))) == 250
    send(loop, ("news", "alive", False), now=now)
    loop.drain("p", now)
    assert office.sent == ["news"]
    office.closed.clear()
    wake = loop.head("p").wake_at
    assert wake is not None
    loop.drain("p", wake)
    assert office.sent[1:] == [f"d{key}" for key in range(250)]

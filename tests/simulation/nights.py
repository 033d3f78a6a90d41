"""Fault nights: a story in which some calls fail, or a step does, for a while.

What a host does about an exception is done here: an event is sent again, a queue message is
retried and at last put aside, a timer comes again, and operators resume what was halted once the
fault is over.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import numpy as np

from engine import journal
from engine.codec import kind_of
from engine.errors import Broken, Conflict, Refused, Unavailable
from engine.inbox import IN
from engine.outbox import OUT
from engine.store import HEAD
from fleet.commands import Command
from fleet.domain import FleetDomain
from fleet.service import Service
from monitoring.alerts.lifecycle import Phase
from tests.simulation import story as tale
from tests.simulation.boundary import Boundary, When
from tests.simulation.play import END, Conditions, Play, Stage
from tests.simulation.sweep import Undisturbed, alike, differences, outcome, undisturbed

MINUTE = timedelta(minutes=1)
#: Retries come within two hours, the sweep once a day.
REST = timedelta(days=1)
#: The longest fault after which the story must come to what it usually comes to.
SHORT = timedelta(minutes=20)
RETRY_DELAY, TRIES = timedelta(seconds=30), 5
#: How long a fault lasts; the first is one call.
LASTS = tuple(timedelta(minutes=minutes) for minutes in (0, 1, 20, 180, 540))
#: Errors of ports; each class of the caller's next action, and defects of all kinds.
ERRORS: tuple[Exception, ...] = (
    Unavailable("the service is down"),
    Unavailable("the service asks for ten minutes", timedelta(minutes=10)),
    Conflict("somebody was first"),
    Refused("the service refuses"),
    Broken("a law is broken"),
    OSError(errno.ENOSPC, "No space left on device"),
    TimeoutError("timed out"),
    ConnectionResetError("reset by peer"),
    MemoryError(),
    ValueError("out of range"),
    KeyError("day"),
    TypeError("unsupported operand"),
    RecursionError("maximum depth"),
    ZeroDivisionError("division by zero"),
    UnicodeError("half a pair \ud800"),
    RuntimeError("x" * 100_000),
)
#: Errors that a store may raise: the rest would be a defect of the store.
OF_PORTS = tuple(n for n, error in enumerate(ERRORS) if not isinstance(error, Conflict))
OF_STORES = (0, 1, 2, 5, 6, 7, 8)

#: The facts of the stories; a step fails on each of them.
KINDS = (
    "asked", "assessed", "configured", "gated", "joined", "labels_read", "log_grew", "log_read",
    "notified", "referenced", "reported", "run_changed", "traffic_seen", "traffic_set",
)  # fmt: skip


@dataclass(frozen=True)
class Night:
    """One fault: calls of `label` after `start` others fail with an error for a while.

    The label `Step.KIND` is a step that is given a fact of that kind.
    """

    start: int
    label: str
    error: int
    when: When
    lasts: timedelta

    @classmethod
    def drawn(cls, seed: int, usual: Undisturbed) -> Night:
        """Return the night of a seed; every kind of call is as likely as another."""
        rng = np.random.default_rng([17, seed])
        labels = sorted({*usual.crossed})
        label = labels[rng.integers(len(labels))]
        calls = [number for number, name in enumerate(usual.crossed) if name == label]
        start = int(rng.choice(calls))
        if rng.random() < 0.25:
            start = int(rng.integers(len(usual.crossed) // 2))
            label = f"Step.{KINDS[rng.integers(len(KINDS))]}"
        fit = OF_STORES if label.startswith(("Store.", "ring")) else OF_PORTS
        error = fit[int(rng.integers(len(fit)))]
        when = list(When)[rng.integers(len(When))]
        lasts = LASTS[rng.integers(len(LASTS))]
        # Each rival makes progress of its own: nobody is first for hours.
        if isinstance(ERRORS[error], Conflict):
            lasts = min(lasts, SHORT)
        return cls(start, label, error, when, lasts)


@dataclass
class Failing(Boundary):
    """A boundary whose calls fail while a night lasts."""

    night: Night | None = None
    now: Callable[[], datetime] = lambda: tale.BEGIN
    begun: datetime | None = None
    failed: int = 0

    def cross(self, name: str, call: Callable[[], Any], arguments: tuple[Any, ...] = ()) -> Any:
        """Make one call, or fail before it, or after it has taken effect."""
        self.crossed.append(name)
        assert self.night is not None
        if not self.fails(name):
            return call()
        if self.night.when is When.after:
            call()
        raise ERRORS[self.night.error]

    def fails(self, name: str) -> bool:
        """Tell whether a call fails now, and count it; the first such call begins the night."""
        night = self.night
        assert night is not None
        if name != night.label or len(self.crossed) < night.start or self.over():
            return False
        self.begun = self.begun or self.now()
        self.failed += 1
        return True

    def over(self) -> bool:
        """Tell whether the night has come to its end."""
        night = self.night
        assert night is not None
        if self.begun is None:
            return False
        if not night.lasts and self.failed:
            return True
        return self.now() > self.ends()

    def ends(self) -> datetime:
        """Return the end of a night that has begun."""
        assert self.night is not None
        assert self.begun is not None
        return self.begun + max(self.night.lasts, MINUTE)


class FailingDomain(FleetDomain):
    """The fleet, whose step fails on some facts for a while."""

    boundary: Failing

    def step(self, partition: str, state: Any, facts: Any, now: datetime) -> Any:
        """See `FleetDomain`."""
        for fact in facts:
            if self.boundary.fails(f"Step.{kind_of(type(fact))}"):
                assert self.boundary.night is not None
                raise ERRORS[self.boundary.night.error]
        return super().step(partition, state, facts, now)


@dataclass
class Retried:
    """What a host keeps of calls that failed."""

    sent_again: list[Callable[[Service], object]] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)
    poison: dict[str, str] = field(default_factory=dict)


class NightPlay(Play):
    """A play whose calls may fail, as its host sees it."""

    def __init__(self, conditions: Conditions, stage: Stage, boundary: Failing) -> None:
        self._failing, self._retried = boundary, Retried()
        boundary.now = stage.clock.now
        super().__init__(conditions, stage, boundary)

    def domain(self, world: Any) -> FleetDomain:
        """See `Play`."""
        made = FailingDomain(tale.fleet(), world)
        object.__setattr__(made, "boundary", self._failing)
        return made

    def _settle(self, at: datetime) -> None:
        again, self._retried.sent_again = self._retried.sent_again, []
        self.stage.clock.moment = at
        for verb in again:
            self._attempt(verb)
        poison, self._retried.poison = self._retried.poison, {}
        for partition, reason in poison.items():
            try:
                self._service.ring_again(partition, reason)
            except Exception:  # noqa: BLE001 - the message stays in the poison queue
                self._retried.poison[partition] = reason
        super()._settle(at)
        if self._failing.over():
            self._resume()
        law(self)

    def _next(self) -> datetime | None:
        at = self.stage.at
        assert at is not None
        ahead = [when for when, _ in self._ahead if when > at]
        wake = self.stage.outside.store.next_wake()
        soon = [at + RETRY_DELAY] if self._retried.tries else []
        if self._retried.sent_again or self._retried.poison or self.stage.late:
            soon.append(at + MINUTE)
        if wake is not None:
            soon.append(max(wake, at + MINUTE) if wake <= at else wake)
        found = min([*ahead[:1], self._sweep_after(at), *soon])
        return found if found <= self._last() else None

    def _last(self) -> datetime:
        """Return the end of the story; where a long night ends later, the end of the day after."""
        failing = self._failing
        if failing.begun is None or failing.night is None or failing.night.lasts <= SHORT:
            return END
        return max(END, failing.ends() + REST)

    def _attempt(self, verb: Callable[[Service], object]) -> None:
        """Call a verb; an event and a command that fail are sent again, a timer comes again."""
        try:
            verb(self._service)
        except Exception:  # noqa: BLE001 - the host survives every exception
            if verb not in (Service.tick, Service.sweep):
                self._retried.sent_again.append(verb)

    def _work(self) -> None:
        queue, retried = self.stage.queue, self._retried
        queue.extend(name for name in retried.tries if name not in queue)
        while queue:
            partition = queue.popleft()
            try:
                self._service.drain(partition)
            except Exception as error:  # noqa: BLE001 - the host survives every exception
                tries = retried.tries.get(partition, 0) + 1
                if tries < TRIES:
                    retried.tries[partition] = tries
                else:
                    retried.tries.pop(partition, None)
                    retried.poison[partition] = str(error)[:100]
            else:
                retried.tries.pop(partition, None)
            if partition in retried.tries:
                while partition in queue:
                    queue.remove(partition)

    def _resume(self) -> None:
        for partition in self.stage.outside.store.partitions():
            if self.loop.head(partition).halted:
                told = Command("resume", partition, "ada", "the fault is over", f"r-{partition}")
                self._attempt(partial(Service.command, command=told))
        self._work()

    def rings(self, partition: str) -> bool:
        """Tell whether the host is about to work on a partition."""
        retried = self._retried
        return partition in {*retried.tries, *retried.poison, *self.stage.queue}

    @property
    def silent(self) -> bool:
        """Whether the host has nothing more to send."""
        retried = self._retried
        return not (retried.sent_again or retried.tries or retried.poison or self.stage.late)


def law(play: NightPlay) -> None:
    """Assert that no partition is due and silent: it is worked on, wakes, or is halted and told."""
    store = play.stage.outside.store
    for partition in store.partitions():
        row = store.get(partition, HEAD)
        halted = row is not None and row.props.get("halted")
        if halted and "wake_at" not in row.props:
            assert _told(play, partition), f"{partition} is halted and nobody was told"
            continue
        pending = any(store.scan(partition, p, pending=True, limit=1) for p in (IN, OUT))
        if not pending or play.rings(partition):
            continue
        wakes = row is not None and "wake_at" in row.props
        # A sender that was not answered sends again, and rings; so does an effect that is owed.
        again = not play.silent or any(_owes(play, other) for other in store.partitions())
        assert wakes or again, f"{partition} has work, and nothing wakes it"


def _owes(play: NightPlay, partition: str) -> bool:
    store = play.stage.outside.store
    row = store.get(partition, HEAD)
    wakes = row is not None and "wake_at" in row.props
    return wakes and bool(store.scan(partition, OUT, pending=True, limit=1))


def _told(play: NightPlay, partition: str) -> bool:
    store = play.stage.outside.store
    ids = (str(row.props["id"]) for name in store.partitions() for row in store.scan(name, IN))
    return any(name.startswith(f"halted:{partition}:") for name in ids)


@dataclass(frozen=True)
class Passed:
    """How a night went: calls that failed, halts, declined effects, whether it was played out.

    One that is not played out has come to the undisturbed play, or to rest for a day.
    """

    failed: int
    halts: int
    declined: int
    whole: bool


def night(conditions: Conditions, fault: Night, *, to_the_end: bool = True) -> Passed:
    """Play a story with a fault; AssertionError where anything was lost, doubled or left undone.

    Not `to_the_end`: until a day after the fault, when every retry and the daily sweep have passed.
    """
    usual = undisturbed(conditions)
    stage = usual.before(fault.start)
    begin = Night(fault.start - stage.crossed, fault.label, fault.error, fault.when, fault.lasts)
    play = NightPlay(conditions, stage, Failing(night=begin))
    ended: list[datetime] = []

    def over(stage: Stage) -> bool:
        assert stage.at is not None
        if not (play._failing.over() and play.silent):
            return False
        rested = not to_the_end and stage.at > play._failing.ends() + REST
        if rested or alike(stage, usual):
            ended.append(stage.at)
        return bool(ended)

    play.run(over)
    declined = _lines(play, "refused")
    check(play, declined > 0)
    if not ended and not declined and fault.lasts <= SHORT:
        come_to = outcome(play)
        # A retreat that the fault held up for a quarter of an hour pages until it has succeeded.
        held_up = come_to["alerts"].pop("traffic", (Phase.RESOLVED,))
        assert held_up[0] is Phase.RESOLVED
        found = differences(come_to, usual.outcome)
        assert not found, found
    halts = _lines(play, "command", verb="resume")
    return Passed(play._failing.failed, halts, declined, not ended)


def check(play: NightPlay, declined: bool) -> None:
    """Assert what must hold when a story with a fault has ended."""
    outside, loop = play.stage.outside, play.loop
    assert play.silent, "something is still to be sent"
    # A page that was refused is decided on again, at a later time, under the same key.
    again = _lines(play, "undelivered", permanent=True) > 0
    told = [one for one in outside.ledger.contradictions if not (again and one.startswith("page "))]
    assert not told, told[0]
    for partition in outside.store.partitions():
        journal.verify(outside.store, partition)
        for prefix in (IN, OUT):
            left = outside.store.scan(partition, prefix, pending=True)
            assert not left, f"{partition}: {left[0].key} was never settled"
        assert not loop.head(partition).halted
    state = loop.head(tale.MODEL).state
    held = outside.traffic(tale.MODEL)
    assert declined or (held is not None and held.weights == state.traffic.weights)
    for day, past in state.windows.past.items():
        assert past.rows <= tale.ROWS, f"{day} was counted twice: {past.rows}"


def _lines(play: NightPlay, what: str, **fields: object) -> int:
    store = play.stage.outside.store
    return sum(
        line["what"] == what and fields.items() <= line.items()
        for partition in store.partitions()
        for record in journal.read(store, partition)
        for line in record.lines
    )

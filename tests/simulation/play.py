"""Play a story through the service verbs on a jumping clock, past crashes, races and repeats.

What the senders and the queue of a real host do is done here: an event or a timer whose call was
cut short is sent again, a queue message is deleted only after its call has returned.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np

import engine.blobs
import engine.store
import fleet.ports
import retrain.ports
from engine.clock import SetClock
from engine.loop import Loop
from fleet.commands import Command
from fleet.domain import FleetDomain
from fleet.model.parts import archive, merging
from fleet.ports import World
from fleet.service import Service
from tests.simulation import story as tale
from tests.simulation.boundary import Boundary, Crash, Wrapped
from tests.simulation.outside import Outside
from tests.simulation.story import Block, Happening, LabelsOf, Story, Typed

SWEEP_AT = timedelta(hours=3, minutes=30)
END = tale.BEGIN + timedelta(days=tale.DAYS, hours=12)
PORTS: dict[str, type[Any]] = {
    "blobs": engine.blobs.Blobs,
    "logs": fleet.ports.LogFiles,
    "tables": fleet.ports.Tables,
    "scoring": fleet.ports.Scoring,
    "trainer": retrain.ports.Trainer,
    "serving": retrain.ports.Serving,
    "registry": retrain.ports.Registry,
    "pager": fleet.ports.Pager,
    "anchors": fleet.ports.Anchors,
    "publisher": fleet.ports.Publisher,
    "reports": fleet.ports.Reports,
    "arrivals": fleet.ports.Arrivals,
}
STORE = engine.store.Store


class Race(StrEnum):
    """What a second worker does before every commit of the first."""

    none = "none"
    whole = "whole"
    partly = "partly"


@dataclass(frozen=True)
class Conditions:
    """Under which circumstances a story is played.

    `crowded`: a state counts as full at once, so that batches are merged and cursors archived.
    """

    story: Story
    race: Race = Race.none
    doubled: bool = True
    seed: int = 0
    crowded: bool = False


@dataclass
class Stage:
    """Where a play stands between two moments; a copy of it can be played on from there."""

    clock: SetClock
    outside: Outside
    queue: deque[str]
    at: datetime | None = None
    late: list[dict[str, object]] = field(default_factory=list)
    crossed: int = 0

    def copy(self) -> Stage:
        """Return a stage to be played on without touching this one."""
        clock = SetClock(self.clock.moment)
        twin = self.outside.copy(clock)
        return Stage(clock, twin, deque(self.queue), self.at, list(self.late), self.crossed)


def opening() -> Stage:
    """Return the stage before anything has happened."""
    clock = SetClock(tale.BEGIN)
    return Stage(clock, Outside(clock, tale.reference()), deque())


class Play:
    """One play of a story.

    Parameters
    ----------
    boundary : counts the calls across the ports and says where the worker dies.
    loses_queue : whether the doorbells of the queue die with the worker.
    starts_after : how long it takes until another worker is there.
    """

    def __init__(
        self,
        conditions: Conditions,
        stage: Stage,
        boundary: Boundary,
        *,
        loses_queue: bool = False,
        starts_after: timedelta = timedelta(0),
    ) -> None:
        self.conditions, self.stage, self.boundary = conditions, stage, boundary
        self._loses_queue, self._starts_after = loses_queue, starts_after
        self._service = self._open()
        self._ahead = tale.happenings(conditions.story)
        if conditions.race is not Race.none:
            boundary.before_commit = self._compete

    def run(self, over: Callable[[Stage], bool] = lambda stage: False) -> None:
        """Play on to the end, or until `over`, which is asked after every moment, says so."""
        if not self.conditions.crowded:
            self._play(over)
            return
        few = patch.multiple(merging, FEW=2, MANY_LABELS=2)
        with few, patch.multiple(archive, MANY=2):
            self._play(over)

    def _play(self, over: Callable[[Stage], bool]) -> None:
        if self.stage.at is None:
            self._attempt(Service.begin)
            self._work()
            self.stage.at = tale.BEGIN
        while not over(self.stage) and (at := self._next()) is not None:
            self._settle(at)
            self.stage.crossed = len(self.boundary.crossed)

    def _open(self) -> Service:
        outside, ring = self.stage.outside, self.stage.queue.append
        raw = outside.world()
        ports: dict[str, Any] = {
            name: Wrapped(protocol, getattr(raw, name), self.boundary)
            for name, protocol in PORTS.items()
        }
        world = World(**ports)
        store: Any = Wrapped(STORE, outside.store, self.boundary)
        loop = Loop(
            store,
            self.domain(world),
            lambda partition: self.boundary.cross("ring", lambda: ring(partition)),
        )
        return Service(tale.fleet(), loop, self.stage.clock, world.blobs)

    def domain(self, world: World) -> FleetDomain:
        """Return what the loop drives."""
        return FleetDomain(tale.fleet(), world)

    @staticmethod
    def _sweep_after(at: datetime) -> datetime:
        sweep = at.replace(hour=0, minute=0) + SWEEP_AT
        return sweep if sweep > at else sweep + timedelta(days=1)

    def _next(self) -> datetime | None:
        at = self.stage.at
        assert at is not None
        ahead = [when for when, _ in self._ahead if when > at]
        sweep = self._sweep_after(at)
        wake = self.stage.outside.store.next_wake()
        assert wake is None or wake > at, f"due at {wake} and still due at {at}"
        found = min(when for when in (*ahead[:1], sweep, wake) if when is not None)
        return found if found <= END else None

    @property
    def loop(self) -> Loop:
        """The loop of a worker whose calls are not counted."""
        outside = self.stage.outside
        return Loop(
            outside.store, FleetDomain(tale.fleet(), outside.world()), self.stage.queue.append
        )

    def _settle(self, at: datetime) -> None:
        self.stage.at = self.stage.clock.moment = at
        rng = np.random.default_rng([self.conditions.seed, int(at.timestamp())])
        events, self.stage.late = self.stage.late, []
        for when, happening in self._ahead:
            if when == at:
                events += self._happen(happening)
        for event in self._shuffled(events, rng):
            self._attempt(partial(Service.ingest, document=event))
        if at.time() == (datetime.min + SWEEP_AT).time():
            self._attempt(Service.sweep)
        self._attempt(Service.tick)
        self._work()

    def _happen(self, happening: Happening) -> list[dict[str, object]]:
        outside = self.stage.outside
        match happening:
            case Block():
                return tale.serve(outside, self.conditions.story, happening)
            case LabelsOf(day=day):
                return tale.label(outside, day)
            case Typed(verb=verb, target=target, days=days, data=data):
                named = tuple(tale.day_name(day) for day in days)
                words = (verb, target, "ada", "looking into it", f"{verb}-1")
                typed = Command(*words, data=data, days=named)
                self._attempt(partial(Service.command, command=typed))
                return []

    def _shuffled(
        self, events: list[dict[str, object]], rng: np.random.Generator
    ) -> list[dict[str, object]]:
        """Every event twice, in any order; some seconds come only at the next moment."""
        if not self.conditions.doubled:
            return events
        late = [event for event in events if rng.random() < 0.3]
        now = [event for event in events if event not in late]
        self.stage.late = [event for event in late if event not in self.stage.late]
        several = [*events, *now]
        return [several[i] for i in rng.permutation(len(several))]

    def _work(self) -> None:
        """Take messages from the queue until it is empty."""
        queue = self.stage.queue
        while queue:
            partition = queue[0]
            self._attempt(partial(Service.drain, partition=partition))
            if queue and queue[0] == partition:
                queue.popleft()

    def _attempt(self, verb: Callable[[Service], object]) -> None:
        """Call a verb; where the worker dies in it, start another one and call it again."""
        while True:
            try:
                verb(self._service)
            except Crash:
                self._restart()
            else:
                return

    def _restart(self) -> None:
        """A new process on the same store: nothing of the old one is left but what it wrote.

        Where the queue was lost too, the host's start rings for every partition; where it was not,
        another worker simply goes on with it.
        """
        self.stage.at = self.stage.clock.moment = self.stage.clock.moment + self._starts_after
        self._service = self._open()
        if self._loses_queue:
            self.stage.queue.clear()
            self._attempt(Service.begin)

    def _compete(self, partition: str) -> None:
        """Let a second worker drain the partition, all of it or up to its first commit."""
        outside, ring = self.stage.outside, self.stage.queue.append
        own = Boundary()
        store: Any = Wrapped(STORE, outside.store, own)
        if self.conditions.race is Race.partly:
            own.before_commit = _Once()
        rival = Loop(store, FleetDomain(tale.fleet(), outside.world()), ring)
        now = self.stage.clock.now()
        try:
            rival.sweep(partition, now)
            rival.drain(partition, now)
        except Crash:
            return


class _Once:
    """Lets one commit pass and dies before the second."""

    def __init__(self) -> None:
        self._passed = False

    def __call__(self, partition: str) -> None:
        if self._passed:
            raise Crash(partition)
        self._passed = True

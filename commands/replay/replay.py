"""Push a recorded year through the app's triggers, on a clock that jumps to the next moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from commands.replay import announcements
from commands.replay.announcements import Grown, Json
from commands.replay.scenario import Block, Happening, LabelsOf, Registration, Scenario
from commands.replay.stage import Stage
from engine.clock import SetClock
from engine.errors import Broken
from hosts.local.position import Position

#: Work due this long after the last happening still belongs to the replay; wakes never end.
LINGER = timedelta(days=1)


class Replay:
    """One replay on a stage.

    Parameters
    ----------
    folder : where the scenario's paths start.
    moments : what happens, in order of time; see `commands.replay.scenario.happenings`.
    """

    def __init__(
        self,
        stage: Stage,
        clock: SetClock,
        scenario: Scenario,
        folder: Path,
        moments: Sequence[tuple[datetime, Happening]],
    ) -> None:
        self._stage, self._clock, self._scenario = stage, clock, scenario
        self._folder = folder
        self._moments = moments

    def run(self, told: Callable[[datetime], None]) -> None:
        """Resume at the stage's position, and run until nothing is due any more."""
        stands = self._stage.stands()
        if stands is not None and not stands.finished:
            self._clock.moment = stands.at
            self._stage.begin()
            self._settle(stands, True)
        while (following := self._next(stands.at if stands else None)) is not None:
            at, woken = following
            stands = Position(at)
            self._stage.keep(stands)
            self._settle(stands, woken)
            told(at)
        end = stands.at if stands else self._clock.now()
        self._stage.keep(Position(end, True, True))

    def _next(self, after: datetime | None) -> tuple[datetime, bool] | None:
        """Return the next moment, and whether a partition wants to be woken by then."""
        ahead = [at for at, _ in self._moments if after is None or at > after]
        last = self._moments[-1][0] + LINGER if self._moments else after
        wake = self._stage.store.next_wake()
        if wake is not None and after is not None and wake <= after:
            raise Broken(f"{self._stage.store.due(after)}: due at {wake} and still due at {after}")
        retry = self._stage.retry_at()
        found = min([*ahead[:1], *(at for at in (wake, retry) if at is not None)], default=None)
        if found is None or last is None or found > last:
            return None
        return found, wake is not None and wake <= found

    def _settle(self, position: Position, woken: bool) -> None:
        """Deliver what happens at a moment, then run the app until its queue is empty."""
        self._clock.moment = position.at
        if not position.fed:
            for at, happening in self._moments:
                if at == position.at:
                    self._feed(happening)
            self._stage.keep(Position(position.at, fed=True))
        if woken:
            self._stage.tick(position.at)
        while self._stage.work(position.at):
            pass

    def _feed(self, happening: Happening) -> None:
        match happening:
            case Block():
                self._announce(self._serve(happening))
            case LabelsOf():
                self._announce(self._labels(happening))
            case Registration(plan=plan):
                self._stage.register(plan)
                now = self._clock.now()
                self._announce([announcements.registered(self._scenario.model, plan, now)])

    def _serve(self, block: Block) -> list[Json]:
        file = self._folder / self._scenario.replay.requests / f"{block.day}.parquet"
        if not file.exists():
            return []
        table = pq.read_table(file)
        when = table["time"].cast(pa.timestamp("us", "UTC"))
        inside = pc.and_(
            pc.greater_equal(when, pa.scalar(block.start, when.type)),
            pc.less(when, pa.scalar(block.end, when.type)),
        )
        written = self._stage.serve(self._scenario.model, table.filter(inside), block.start)
        now = self._clock.now()
        return [announcements.blob_created(Grown(*one), now) for one in written]

    def _labels(self, labels: LabelsOf) -> list[Json]:
        folder, model = self._folder / self._scenario.replay.labels, self._scenario.model
        for file in (folder / f"{labels.day}.parquet", folder / f"{labels.day}.jsonl"):
            if file.exists():
                content = file.read_bytes()
                path = f"labels/{model}/{file.name}"
                self._stage.keep_labels(path, content)
                grown = Grown(path, len(content))
                return [announcements.labels_arrived(model, labels.day, grown, self._clock.now())]
        return []

    def _announce(self, events: list[Json]) -> None:
        if events:
            self._stage.announce(events)

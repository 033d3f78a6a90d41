"""Push a recorded year through the app's own triggers, on a clock that jumps to the next moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from commands.replay.scenario import Block, Happening, LabelsOf, Registration, Scenario, VersionPlan
from engine.clock import SetClock
from engine.errors import Broken
from engine.store import Store, instant
from fleet.events import REASON_TAG, WAIVED_TAG
from hosts.local.position import Position

#: What is due so long after the last happening still belongs to the replay; wakes go on for ever.
LINGER = timedelta(days=1)
CONTAINER = "/blobServices/default/containers/logs/blobs/"


class Stage(Protocol):
    """Where a replay is played: an app on an open host, and the world around it."""

    @property
    def store(self) -> Store:
        """The store that the app works on."""
        ...

    def stands(self) -> Position | None:
        """How far the replay has come; None where there was none."""
        ...

    def keep(self, position: Position) -> None:
        """Write down how far the replay has come."""
        ...

    def begin(self) -> None:
        """Make the messages visible again that a killed worker held."""
        ...

    def retry_at(self) -> datetime | None:
        """When the next message that waits becomes visible."""
        ...

    def tick(self, at: datetime) -> None:
        """Let the app's timer fire."""
        ...

    def work(self, at: datetime) -> bool:
        """Let the app's queue function take what is visible; False where nothing was."""
        ...

    def announce(self, events: Sequence[dict[str, Any]]) -> None:
        """Deliver events to the app."""
        ...

    def serve(self, model: str, rows: pa.Table, start: datetime) -> list[tuple[str, int]]:
        """Answer requests as live traffic; return (path, bytes) of the log files written."""
        ...

    def keep_labels(self, path: str, content: bytes) -> None:
        """Write a labels file where the logs are."""
        ...

    def register(self, plan: VersionPlan) -> None:
        """Train a version outside the watcher and register it, once."""
        ...


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
        """Go on from where the stage says the replay stands, until nothing is due any more."""
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
        """The next moment, and whether somebody wants to be woken by then."""
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
        """Feed what happens at a moment, then let the app work until it has nothing to do."""
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
                self._announce([self._registered(plan)])

    def _serve(self, block: Block) -> list[dict[str, object]]:
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
        return [self._blob_created(path, size) for path, size in written]

    def _blob_created(self, path: str, size: int) -> dict[str, object]:
        return {
            "id": f"{path}@{size}",
            "eventType": "Microsoft.Storage.BlobCreated",
            "topic": "/replay",
            "subject": CONTAINER + path,
            "eventTime": instant(self._clock.now()),
            "dataVersion": "1",
            "data": {"api": "AppendFile", "contentLength": size, "blobType": "BlockBlob"},
        }

    def _labels(self, labels: LabelsOf) -> list[dict[str, object]]:
        folder = self._folder / self._scenario.replay.labels
        for file in (folder / f"{labels.day}.parquet", folder / f"{labels.day}.jsonl"):
            if file.exists():
                content = file.read_bytes()
                path = f"labels/{self._scenario.model}/{file.name}"
                self._stage.keep_labels(path, content)
                return [
                    {
                        "specversion": "1.0",
                        "id": f"labels-{labels.day}",
                        "source": "/replay",
                        "type": "Driftwarden.LabelsArrived",
                        "time": instant(self._clock.now()),
                        "data": {
                            "model": self._scenario.model, "blob": path, "size": len(content),
                        },
                    }
                ]  # fmt: skip
        return []

    def _registered(self, plan: VersionPlan) -> dict[str, object]:
        waiver = plan.waive_shadow
        tags = {WAIVED_TAG: waiver.by, REASON_TAG: waiver.reason} if waiver is not None else {}
        return {
            "id": f"registered-{plan.name}",
            "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
            "topic": "/replay",
            "subject": f"models/{self._scenario.model}:{plan.name}",
            "eventTime": instant(self._clock.now()),
            "dataVersion": "1",
            "data": {
                "ModelName": self._scenario.model, "ModelVersion": plan.name, "ModelTags": tags,
            },
        }  # fmt: skip

    def _announce(self, events: list[dict[str, object]]) -> None:
        if events:
            self._stage.announce(events)

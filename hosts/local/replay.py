"""Push a recorded year through the app's own triggers, on a clock that jumps to the next moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.clock import SetClock
from engine.errors import Broken
from engine.store import Insert, Replace, Store, Value, instant, parse_instant
from fleet.domain import FLEET
from fleet.events import REASON_TAG, WAIVED_TAG
from hosts.local.scenario import Block, Happening, LabelsOf, Registration, Scenario, VersionPlan

POSITION = "replay"
#: What is due so long after the last happening still belongs to the replay; wakes go on for ever.
LINGER = timedelta(days=1)
CONTAINER = "/blobServices/default/containers/logs/blobs/"


@dataclass(frozen=True)
class Position:
    """How far a replay has come: the moment, whether it was fed, and whether it is over."""

    at: datetime
    fed: bool = False
    over: bool = False
    finished: bool = False


class Stage(Protocol):
    """Where a replay is played: an app on an open host, and the world around it."""

    @property
    def store(self) -> Store:
        """The store that the app works on; the replay's own position stands there too."""
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


def position(store: Store) -> Position | None:
    """Return where a store's replay stands; None where there was none."""
    row = store.get(FLEET, POSITION)
    if row is None:
        return None
    return Position(
        parse_instant(str(row.props["at"])),
        bool(row.props["fed"]),
        bool(row.props["over"]),
        bool(row.props["finished"]),
    )


class Replay:
    """One replay on a stage.

    Parameters
    ----------
    folder : where the scenario's paths start.
    moments : what happens, in order of time; see `hosts.local.scenario.happenings`.
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
        """Go on from where the store says the replay stands, until nothing is due any more."""
        stands = position(self._stage.store)
        if stands is not None and not stands.over:
            self._clock.moment = stands.at
            self._stage.begin()
            self._settle(stands)
        while (at := self._next(stands.at if stands else None)) is not None:
            stands = Position(at)
            self._write(stands)
            self._settle(stands)
            told(at)
        end = stands.at if stands else self._clock.now()
        self._write(Position(end, True, True, True))

    def _write(self, position: Position) -> None:
        row = self._stage.store.get(FLEET, POSITION)
        props: dict[str, Value] = {
            "at": instant(position.at),
            "fed": position.fed,
            "over": position.over,
            "finished": position.finished,
        }
        operation = Insert(POSITION, props) if row is None else Replace(POSITION, props, row.etag)
        self._stage.store.commit(FLEET, [operation])

    def _next(self, after: datetime | None) -> datetime | None:
        """The next moment at which something happens, or something wants to be woken."""
        ahead = [at for at, _ in self._moments if after is None or at > after]
        last = self._moments[-1][0] + LINGER if self._moments else after
        wake = self._stage.store.next_wake()
        if wake is not None and after is not None and wake <= after:
            raise Broken(f"{self._stage.store.due(after)}: due at {wake} and still due at {after}")
        retry = self._stage.retry_at()
        found = min([*ahead[:1], *(at for at in (wake, retry) if at is not None)], default=None)
        return found if found is not None and last is not None and found <= last else None

    def _settle(self, position: Position) -> None:
        """Feed what happens at a moment, then let the app work until it has nothing to do."""
        self._clock.moment = position.at
        if not position.fed:
            for at, happening in self._moments:
                if at == position.at:
                    self._feed(happening)
            self._write(Position(position.at, fed=True))
        wake = self._stage.store.next_wake()
        if wake is not None and wake <= position.at:
            self._stage.tick(position.at)
        while self._stage.work(position.at):
            pass
        self._write(Position(position.at, fed=True, over=True))

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

"""The world around the fleet, in memory: it outlives every crash and keeps account of what it got.

Each port keeps the contract that its Protocol states: a repeat under the same key changes nothing,
and must carry the same payload.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.blobs import MemoryBlobs
from engine.clock import SetClock
from engine.errors import Refused
from engine.memory import MemoryStore
from engine.outbox import OUT
from engine.store import Insert, Operation, Row
from fleet.ports import ListedVersion, Listing, LogFile, World
from monitoring.alerts.paging import Page
from retrain.ports import JobPhase, JobStatus, ModelCard, Traffic, TrainingJob
from retrain.registry import Stage, move
from tests.doubles import logfiles

Floats = npt.NDArray[np.float64]
TRAINING_TAKES = timedelta(hours=2)
FEATURES = ("amount", "income")


@dataclass
class Ledger:
    """What was paid to the world, by port and key; a key that comes again must say the same."""

    paid: dict[tuple[str, str], str] = field(default_factory=dict)
    times: Counter[tuple[str, str]] = field(default_factory=Counter)
    contradictions: list[str] = field(default_factory=list)

    def enter(self, port: str, key: str, payload: Any) -> bool:
        """Note one payment; False where that key was paid before."""
        name, said = (port, key), repr(payload)
        self.times[name] += 1
        known = self.paid.setdefault(name, said)
        if known != said:
            self.contradictions.append(f"{port} {key}: first {known}, then {said}")
        return self.times[name] == 1

    def copy(self) -> Ledger:
        """Return a ledger that goes its own way from here."""
        return Ledger(dict(self.paid), Counter(self.times), list(self.contradictions))


def score(version: str, table: pa.Table) -> Floats:
    """Score rows: the first version learnt the old world, all later ones the new."""
    amount = table["amount"].cast(pa.float64()).to_numpy(zero_copy_only=False)
    slope = 2.0 * amount if version == "credit-1" else -2.0 * (amount - 1.5)
    found: Floats = 1 / (1 + np.exp(-slope))
    return found


class Rows(MemoryStore):
    """The store, which also remembers every effect that was ever owed."""

    def __init__(self) -> None:
        super().__init__()
        self.owed: Counter[str] = Counter()

    def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        super().commit(partition, operations)
        for operation in operations:
            if isinstance(operation, Insert) and operation.key.startswith(OUT):
                # out:<seq>:<n>:<key>
                self.owed[f"{partition}/{operation.key.split(':', 3)[3]}"] += 1

    def rows(self, partition: str) -> dict[str, Row]:
        """Return a copy of a partition's rows by key."""
        return dict(self._rows.get(partition, {}))

    def copy(self) -> Rows:
        """Return a store that goes its own way from here."""
        twin = Rows()
        twin._rows = {name: dict(rows) for name, rows in self._rows.items()}
        twin._writes, twin.owed = self._writes, Counter(self.owed)
        return twin


class Content(MemoryBlobs):
    """The blobs."""

    def copy(self) -> Content:
        """Return blobs that go their own way from here."""
        twin = Content()
        twin._contents = dict(self._contents)
        return twin


class Outside:
    """Every port of one world, and the store, as plain memory."""

    def __init__(self, clock: SetClock, reference: pa.Table) -> None:
        self.clock = clock
        self.reference = reference
        self.store = Rows()
        self.blobs = Content()
        self.files: dict[str, bytes] = {}
        self.ledger = Ledger()
        self.split: dict[str, tuple[Traffic, tuple[str, ...]]] = {}
        self.jobs: dict[str, tuple[TrainingJob, datetime]] = {}
        self.cards: dict[str, ModelCard] = {"credit-1": _card("credit-1", Stage.production)}

    def copy(self, clock: SetClock) -> Outside:
        """Return the same world, to go its own way from here."""
        twin = copy.copy(self)
        twin.clock = clock
        twin.store, twin.blobs = self.store.copy(), self.blobs.copy()
        twin.files, twin.split = dict(self.files), dict(self.split)
        twin.jobs, twin.cards = dict(self.jobs), dict(self.cards)
        twin.ledger = self.ledger.copy()
        return twin

    def world(self) -> World:
        """Return the ports as the product takes them."""
        return World(
            blobs=self.blobs,
            logs=LogFiles(self),
            tables=Tables(self),
            scoring=Scoring(),
            trainer=Trainer(self),
            serving=Serving(self),
            registry=Registry(self),
            pager=Pager(self),
            publisher=Publisher(self),
            anchors=Anchors(self),
            reports=Reports(),
            arrivals=Arrivals(),
        )

    def traffic(self, model: str) -> Traffic | None:
        """Return the split that holds."""
        return self.split[model][0] if model in self.split else None


def _card(version: str, stage: Stage, trained_to: str | None = None) -> ModelCard:
    return ModelCard("credit", version, FEATURES, training_to=trained_to, stage=stage)


@dataclass(frozen=True)
class Reports:
    """See `fleet.ports.Reports`: how many rows of what each side has."""

    def html(
        self, title: str, notes: Sequence[str], current: Iterable[pa.Table],
        reference: Iterable[pa.Table],
    ) -> bytes:  # fmt: skip
        sides = [
            [(table.num_rows, table.column_names) for table in s] for s in (current, reference)
        ]
        return repr((title, tuple(notes), sides)).encode()


@dataclass(frozen=True)
class Arrivals:
    """See `fleet.ports.Arrivals`: nobody else registers anything."""

    def newest(self, model: str) -> datetime | None:
        return None

    def since(self, model: str, after: datetime) -> tuple[ListedVersion, ...]:
        return ()


@dataclass(frozen=True)
class LogFiles:
    """See `fleet.ports.LogFiles`."""

    outside: Outside

    def read(self, path: str, start: int, end: int, container: str = "") -> bytes:
        if path not in self.outside.files:
            raise Refused(f"log {path}: not found")
        return self.outside.files[path][start:end]

    def listing(self, folder: str, container: str = "") -> Listing:
        return logfiles.listing(self.outside.files, folder)

    def files(self, folder: str, container: str = "") -> tuple[LogFile, ...]:
        return logfiles.every(self.outside.files, folder)


@dataclass(frozen=True)
class Tables:
    """See `fleet.ports.Tables`."""

    outside: Outside

    def read(self, path: str) -> pa.Table:
        return self.outside.reference

    asked = read


class Scoring:
    """See `fleet.ports.Scoring`."""

    def score(self, model: str, version: str, rows: pa.Table) -> Floats:
        return score(version, rows)

    def evaluation(self, model: str, version: str) -> pa.Table | None:
        return None


@dataclass(frozen=True)
class Trainer:
    """See `retrain.ports.Trainer`; a training takes two hours and registers `credit-N`."""

    outside: Outside

    def submit(self, job: TrainingJob) -> None:
        if self.outside.ledger.enter("submit", job.id, job):
            self.outside.jobs[job.id] = (job, self.outside.clock.now())

    def poll(self, job_id: str, now: datetime) -> JobStatus:
        if job_id not in self.outside.jobs:
            return JobStatus(JobPhase.unknown)
        job, since = self.outside.jobs[job_id]
        if now < since + TRAINING_TAKES:
            return JobStatus(JobPhase.running)
        version = f"credit-{list(self.outside.jobs).index(job_id) + 2}"
        self.outside.cards.setdefault(version, _card(version, Stage.candidate, max(job.days)))
        return JobStatus(JobPhase.succeeded, version, cost=1.5)

    def cancel(self, job_id: str) -> None:
        self.outside.ledger.enter("cancel", job_id, job_id)
        self.outside.jobs.pop(job_id, None)


@dataclass(frozen=True)
class Serving:
    """See `retrain.ports.Serving`; a superseded key is a late repeat and changes nothing."""

    outside: Outside

    def set_traffic(
        self, model: str, traffic: Traffic, key: str, replaces: tuple[str, ...] = ()
    ) -> None:
        self.outside.ledger.enter("traffic", f"{model}:{key}", traffic)
        _, keys = self.outside.split.get(model, (None, ()))
        if key not in keys:
            late = [one for one in replaces if one not in keys]
            self.outside.split[model] = (traffic, (*keys, *late, key))

    def traffic(self, model: str) -> Traffic | None:
        return self.outside.traffic(model)


@dataclass(frozen=True)
class Registry:
    """See `retrain.ports.Registry`."""

    outside: Outside

    def card(self, model: str, version: str) -> ModelCard:
        if version not in self.outside.cards:
            raise Refused(f"{model} has no version {version}")
        return self.outside.cards[version]

    def tag(self, model: str, version: str, tags: dict[str, str], stage: Stage) -> None:
        card = self.card(model, version)
        named = f"{version}:{stage}:{sorted(tags.items())}"
        self.outside.ledger.enter("tag", named, (version, stage, sorted(tags.items())))
        merged = {**card.tags, **tags}
        self.outside.cards[version] = replace(card, tags=merged, stage=move(card.stage, stage))

    def versions(self, model: str) -> tuple[str, ...]:
        return tuple(self.outside.cards)


@dataclass(frozen=True)
class Pager:
    """See `fleet.ports.Pager`."""

    outside: Outside

    def page(self, page: Page, at: datetime, now: datetime) -> None:
        self.outside.ledger.enter("page", page.key, (page, at))


@dataclass(frozen=True)
class Anchors:
    """See `fleet.ports.Anchors`."""

    outside: Outside

    def keep(self, key: str, hour: str, anchors: Sequence[str]) -> None:
        self.outside.ledger.enter("anchors", key, (hour, tuple(anchors)))


@dataclass(frozen=True)
class Publisher:
    """See `fleet.ports.Publisher`."""

    outside: Outside

    def publish(
        self, key: str, kind: str, subject: str, fields: dict[str, object], at: datetime
    ) -> None:
        said = (kind, subject, sorted(fields.items()), at)
        self.outside.ledger.enter("publish", key, said)

"""The state of one watched model: ids, cursors, counters; never rows, never statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from fleet.model.records import Batch, Collection, TrafficCount
from fleet.names import held_by
from monitoring.alerts.lifecycle import Alert, Condition
from monitoring.calendars import Freeze
from monitoring.drift.verdict import Verdict
from monitoring.drift.why import Happening
from monitoring.traffic import Heard
from monitoring.traffic import Verdict as Flow
from retrain.gate import Need
from retrain.rollout.state import Rollout
from retrain.run import Run
from retrain.trigger import State as TriggerState


@dataclass(frozen=True)
class Cursor:
    """How far a log file has been read.

    `asked` is the start of the range that is being read, -1 for none. `rest` are bytes behind
    `read` that are no whole line, `missing` those that were announced and are not there; `told` is
    the `read` for which that was told (`fleet.model.parts.unfinished`).
    """

    size: int
    collection: Collection
    deployment: str
    touched: datetime
    read: int = 0
    asked: int = -1
    rest: int = 0
    missing: int = 0
    told: int = -1


@dataclass(frozen=True)
class Window:
    """One business day that is still open for rows or labels."""

    closes: datetime
    ends: datetime
    inputs: tuple[Batch, ...] = ()
    outputs: tuple[tuple[str, Batch], ...] = ()
    traffic: tuple[Batch, ...] = ()
    labels: tuple[str, ...] = ()
    assess_asked: str = ""
    assessed: str = ""
    join_asked: str = ""
    joined: str = ""

    @property
    def assess_of(self) -> str:
        """Fingerprint of what an assessment would look at."""
        return fingerprint([batch.sketch for batch in self.inputs])

    @property
    def join_of(self) -> str:
        """Fingerprint of what a join would look at."""
        names = [batch.rows for batch in self.inputs + self.traffic]
        return fingerprint([*names, *(batch.rows for _, batch in self.outputs), *self.labels])


@dataclass(frozen=True)
class Past:
    """A past day: its merged sketch, its joined rows, and the verdict."""

    rows: int = 0
    labelled: int = 0
    sketch: str = ""
    joined: str = ""
    event: str | None = None
    verdict: Verdict | None = None
    flagged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Challenger:
    """A version on its way: at the gate, then waiting for its rollout."""

    version: str
    id: str
    trigger: str
    gated: bool = False
    asked: bool = False
    waived_by: str | None = None
    waived_for: str = ""
    scores: str = ""
    bad_rate: float | None = None

    @property
    def need(self) -> Need:
        """The reason to change the champion, from the trigger that asked for the version."""
        return Need(
            degraded=self.trigger in ("performance", "drift"),
            stale=self.trigger in ("staleness", "schedule"),
            asked_by="an operator" if self.trigger == "operator" else None,
        )


@dataclass(frozen=True)
class Loose:
    """A range of labels of which some rows are in no window's outputs yet.

    It stands in `Model.loose` under `ranged(blob, start)`. `of` is the fingerprint of the outputs
    it was matched with, `asked` of those it is matched with now.
    """

    start: int
    end: int
    since: datetime
    of: str
    asked: str = ""


@dataclass(frozen=True)
class Objectives:
    """How far the service-level objectives are measured."""

    history: str = ""
    at: datetime | None = None
    asked: datetime | None = None
    counts: tuple[TrafficCount, ...] = ()
    fresh_at: datetime | None = None
    fresh_was: datetime | None = None


@dataclass(frozen=True)
class Hearing:
    """Requests heard by hour, and when there being no more of them would be silence.

    `late` is how many seconds after its end an hour is heard of, at most, by day of arrival;
    `counted_to` how far a log service has counted; `waited` since when a silence that was due
    while nobody looked is given time.
    """

    heard: Heard = field(default_factory=Heard)
    late: dict[str, int] = field(default_factory=dict)
    counted_to: datetime | None = None
    due: datetime | None = None
    waited: datetime | None = None
    verdict: Flow | None = None


@dataclass(frozen=True)
class Wanted:
    """The split of live traffic that is to hold, under the key of the effect that sets it.

    `owed` until it was set or refused, `declined` while the last answer was a refusal, `good_at`
    when it was last known to hold, `times` how often it was set again.
    """

    key: str
    weights: dict[str, int]
    shadow: tuple[str, ...]
    good_at: datetime
    owed: bool = True
    declined: bool = False
    times: int = 0


@dataclass(frozen=True)
class Foreign:
    """A stretch of time in which a foreign split held; `until` is None while it does."""

    since: datetime
    weights: dict[str, int]
    until: datetime | None = None


@dataclass(frozen=True)
class Finished:
    """One past run, for the estimate of the next one's cost."""

    seconds: float
    cost: float | None


@dataclass(frozen=True)
class Model:
    """Everything a model's partition knows.

    `renewal` is the reference whose bins were asked to be renewed, `recount_to` the last day whose
    rows may have been counted with the bins before.
    """

    policy: str = ""
    dormant: bool = False
    champion: str = ""
    champion_since: datetime | None = None
    reference: str = ""
    reference_asked: str = ""
    renewal: str = ""
    recount_to: str = ""
    scores: dict[str, str] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    wanted: Wanted | None = None
    looked_at: datetime | None = None
    foreign: tuple[Foreign, ...] = ()
    blobs: dict[str, Cursor] = field(default_factory=dict)
    counted: str = ""
    traffic_to: datetime | None = None
    windows: dict[str, Window] = field(default_factory=dict)
    loose: dict[str, Loose] = field(default_factory=dict)
    objectives: Objectives = field(default_factory=Objectives)
    hearing: Hearing = field(default_factory=Hearing)
    happened: tuple[Happening, ...] = ()
    past: dict[str, Past] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    signals: dict[str, Condition] = field(default_factory=dict)
    stream: Verdict | None = None
    trigger: TriggerState = field(default_factory=TriggerState)
    declined: str = ""
    asked_by: str | None = None
    event: str | None = None
    run: Run | None = None
    finished: tuple[Finished, ...] = ()
    started: int = 0
    queue: tuple[Challenger, ...] = ()
    rollout: Rollout | None = None
    rollouts: int = 0
    freezes: tuple[Freeze, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    strangers: tuple[str, ...] = ()

    def version_of(self, deployment: str) -> str:
        """Return the version that a deployment holds; logs name deployments."""
        return held_by(deployment, self.names)

    @property
    def outputs(self) -> dict[str, tuple[str, ...]]:
        """Blobs with the outputs of every open window that has any."""
        return {
            day: tuple(batch.rows for _, batch in window.outputs)
            for day, window in self.windows.items()
            if window.outputs
        }

    @property
    def versions_under_way(self) -> set[str]:
        """Versions that need no place in the queue: they have one, or are beyond it."""
        known = {challenger.version for challenger in self.queue} | {self.champion}
        return known if self.rollout is None else known | {self.rollout.challenger}

    def window(self, day: str, window: Window) -> Model:
        """Return the model with that window put in place."""
        return replace(self, windows={**self.windows, day: window})

    def remember(self, day: str, past: Past) -> Model:
        """Return the model with that day's record put in place."""
        return replace(self, past={**self.past, day: past})

    def count(self, what: str, number: int = 1) -> Model:
        """Return the model with a counter moved on."""
        return replace(self, counts={**self.counts, what: self.counts.get(what, 0) + number})


def ranged(blob: str, start: int) -> str:
    """Name a range of a file: one file may have several that wait."""
    return f"{blob}:{start}"


def fingerprint(names: Sequence[str]) -> str:
    """Name a set of blobs by content; empty for an empty set."""
    if not names:
        return ""
    return sha256("\n".join(sorted(set(names))).encode()).hexdigest()[:16]


def outputs_of(outputs: Mapping[str, Sequence[str]]) -> str:
    """Return the fingerprint of all outputs that labels are matched with."""
    return fingerprint([name for names in outputs.values() for name in names])

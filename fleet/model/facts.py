"""Facts: what a partition is told. Events become facts, and so do the results of effects.

The class name, in snake case, is the stored kind (see `engine.codec.Kinds`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args

from engine.codec import Kinds
from fleet.model.records import (
    Batch,
    Collection,
    DayPair,
    Dropped,
    LossCount,
    ObjectiveStatus,
    TrafficCount,
    Trouble,
)
from monitoring.alerts.lifecycle import Notify
from monitoring.alerts.reach import Delivered, Undelivered
from monitoring.drift.verdict import Verdict as Drift
from monitoring.finding import Finding
from monitoring.performance import Verdict as Health
from retrain.gate import Decision
from retrain.ports import JobPhase


@dataclass(frozen=True)
class LogGrew:
    """A log file has at least `size` bytes now."""

    blob: str
    size: int
    collection: Collection
    deployment: str = ""


@dataclass(frozen=True)
class LogRead:
    """The range [start, end) of a log file was decoded; `bad` lines were left out.

    `limit` is the end that was asked for: past `end` there is no whole line yet. `seen` is where
    the file ended, or `limit`; None of an older reader. `late` rows are of days that are closed,
    `ahead` of days that have not begun.
    """

    blob: str
    start: int
    end: int
    limit: int
    batches: tuple[Batch, ...]
    traffic: tuple[TrafficCount, ...] = ()
    bad: int = 0
    bad_reason: str = ""
    seen: int | None = None
    late: Dropped | None = None
    ahead: Dropped | None = None


@dataclass(frozen=True)
class Counted:
    """A window's rows were counted, or read, where a log service keeps them.

    `bad` rows were left out.
    """

    window: str
    inputs: tuple[tuple[str, Batch], ...]
    outputs: tuple[tuple[str, Batch], ...] = ()
    bad: int = 0
    bad_reason: str = ""


@dataclass(frozen=True)
class TrafficCounted:
    """The requests of an interval were counted where a log service keeps them."""

    start: datetime
    end: datetime
    counts: tuple[TrafficCount, ...]


@dataclass(frozen=True)
class LabelsRead:
    """The range of a labels file was decoded; `matched` counts its rows by window.

    `of` is the fingerprint of the outputs it was matched with; `unknown` rows are in none of them.
    """

    blob: str
    start: int
    end: int
    limit: int
    rows: str
    matched: dict[str, int]
    unknown: int
    of: str = ""
    bad: int = 0
    bad_reason: str = ""
    seen: int | None = None


@dataclass(frozen=True)
class Assessed:
    """What a window's sketches say against the reference.

    `of` is the fingerprint of the batches that were assessed, `stream` the verdict by feature
    where it is not stable, `psi` by feature, `report` the blob with all of it. `explained_by`
    names the announced event without whose days nothing would have moved. `against` says which
    days of the reference it was held against, where days are told apart by class. `since` says
    by feature when what moved began to; `estimate` gives (value, low, high) of metrics that labels
    have not measured yet, over the seven days up to the window. `negligible` gives the
    share of importance of what moved though the model hardly looks at it. `ruler` is the format of
    the reference's bins, 0 where it was not told. `effects` of what moved and `score_effect` are
    what the verdicts rest on: psi less what chance gives, with tails and missing values.
    `findings` are what else was found, by signal.
    """

    window: str
    of: str
    rows: int
    sketch: str
    report: str
    verdict: Drift
    flagged: tuple[str, ...]
    stream: dict[str, Drift]
    psi: dict[str, float | None]
    calibrated: bool
    quality: tuple[Trouble, ...] = ()
    score: Drift = Drift.INSUFFICIENT
    score_psi: float | None = None
    explained_by: str | None = None
    reference: str = ""
    lines: tuple[str, ...] = ()
    against: str = ""
    since: dict[str, str] = field(default_factory=dict)
    estimate: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    negligible: dict[str, float] = field(default_factory=dict)
    ruler: int = 0
    effects: dict[str, float] = field(default_factory=dict)
    score_effect: float | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Joined:
    """What a window's labels say.

    `scores` gives {"auc", "brier", "mean_score", "mean_label"} by "served" and "baseline";
    `rolling` the same over the trailing windows, of which `health` is the verdict, and
    `explained_by` the announced event without whose days it would be another. `event` is the one
    that the window lies in, and `findings` are what else was found, by signal.
    """

    window: str
    of: str
    rows: str
    labelled: int
    expected: int
    contradictions: int
    health: Health
    reason: str
    explained_by: str | None = None
    scores: dict[str, dict[str, float | None]] = field(default_factory=dict)
    rolling: dict[str, float | None] = field(default_factory=dict)
    shadow: DayPair | None = None
    losses: tuple[LossCount, ...] = ()
    event: str | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Measured:
    """The objectives as of a moment; `history` names the blob with the counts behind it."""

    at: datetime
    history: str
    statuses: tuple[ObjectiveStatus, ...]


@dataclass(frozen=True)
class Referenced:
    """A reference was made: the ruler and the slices that windows are held against.

    `scores` names the reference of the version's scores, `past` what is known of each day:
    sketch, joined rows, number of rows, number of labels. `note` says where these were not all the
    rows there were. `by` and `reason` are an operator's who asked for it; `renewed` names the
    reference that was given newer bins, or could not be.
    """

    version: str
    reference: str
    days: tuple[str, ...]
    rows: int
    scores: str = ""
    past: dict[str, tuple[str, str, int, int]] = field(default_factory=dict)
    note: str = ""
    by: str = ""
    reason: str = ""
    renewed: str = ""


@dataclass(frozen=True)
class Reported:
    """The report of a window that an alert or a command `of` asked for: its blob, or why not."""

    window: str
    of: str
    report: str
    note: str = ""


@dataclass(frozen=True)
class Registered:
    """A version stands in the registry and asks for promotion."""

    version: str
    trigger: str = "registered"
    waived_by: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class RunChanged:
    """What the trainer says about a run."""

    run: str
    phase: JobPhase
    version: str | None = None
    reason: str = ""
    infrastructure: bool = False
    cost: float | None = None


@dataclass(frozen=True)
class Hinted:
    """An event says that something happened to a run: the trainer is worth asking now."""

    run: str


@dataclass(frozen=True)
class Noted:
    """Something happened around the model that may explain a later change; it asks for nothing."""

    type: str
    subject: str
    at: datetime | None = None


@dataclass(frozen=True)
class Gated:
    """The offline gate's decision on a version.

    `scores` names its reference of scores, `bad_rate` is the champion's rate of large losses on
    the gate's rows, `label_rate` that of positive labels among the rows the version learned from.
    """

    id: str
    version: str
    decision: Decision
    scores: str = ""
    bad_rate: float | None = None
    label_rate: float | None = None


@dataclass(frozen=True)
class TrafficSet:
    """The router took the split over; `names` are versions by the name of their deployment.

    `foreign` tells of somebody else's split that was met on the way, `unready` of deployments that
    get live traffic although they are not in order.
    """

    key: str
    weights: dict[str, int]
    shadow: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    foreign: str = ""
    unready: str = ""


@dataclass(frozen=True)
class TrafficSeen:
    """The split that a look found; without weights where no version gets live traffic."""

    at: datetime
    weights: dict[str, int]
    shadow: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    unready: str = ""


@dataclass(frozen=True)
class Asked:
    """An operator's command.

    Of a new reference, `data` names a table, or `days` are its first and last day.
    """

    verb: str
    by: str
    reason: str
    id: str
    target: str = ""
    until: datetime | None = None
    data: str = ""
    days: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notified:
    """A model tells its on-call partition about an alert."""

    notice: Notify


@dataclass(frozen=True)
class Declined:
    """An effect was refused for good."""

    effect: str
    key: str
    reason: str


@dataclass(frozen=True)
class Configured:
    """The fleet's document says something new about this model."""

    policy: str
    reason: str = ""


@dataclass(frozen=True)
class Unrecognised:
    """An event of an unknown type: acknowledged, and recorded once a type."""

    type: str
    source: str


@dataclass(frozen=True)
class Parked:
    """An event or message that could not be taken in, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Anchored:
    """How far every journal had come at an hour: `PARTITION SEQ LINK` each; see fleet.anchors."""

    hour: str
    part: int
    anchors: tuple[str, ...]
    at: datetime


@dataclass(frozen=True)
class Adopted:
    """Somebody else's split was taken over: `champion` answers most of it.

    One part tells it another within a step; it is never stored.
    """

    champion: str
    reason: str


Fact = (
    LogGrew
    | LogRead
    | Counted
    | TrafficCounted
    | LabelsRead
    | Assessed
    | Joined
    | Measured
    | Referenced
    | Registered
    | RunChanged
    | Gated
    | TrafficSet
    | TrafficSeen
    | Asked
    | Notified
    | Declined
    | Configured
    | Unrecognised
    | Parked
    | Anchored
    | Hinted
    | Noted
    | Reported
    | Undelivered
    | Delivered
)
FACTS = Kinds(*get_args(Fact))

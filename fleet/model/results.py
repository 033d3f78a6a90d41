"""Facts that work comes to: what was read, counted, assessed, joined, measured and drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

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
from fleet.model.slices.logs import Cursor
from monitoring.drift.verdict import Verdict as Drift
from monitoring.finding import Finding
from monitoring.performance import Verdict as Health


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
class Merged:
    """Batches of a window, named by their rows, are fewer now, or are known to fit with no others.

    `of` names what was asked to be merged, of which these are the first.
    """

    window: str
    collection: Collection
    deployment: str
    of: str
    names: tuple[str, ...]
    batches: tuple[Batch, ...]


@dataclass(frozen=True)
class Archived:
    """The cursors of files are in an archive that was asked for `at` a moment.

    `read` says how far each of them was read then.
    """

    at: datetime
    archive: str
    read: dict[str, int]


@dataclass(frozen=True)
class Recalled:
    """Files were looked up in the archives; `cursors` are of those that one of them holds."""

    blobs: tuple[str, ...]
    cursors: dict[str, Cursor]


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
    """The requests of an interval were counted where a log service keeps them.

    `gapless`: hours that are left out had no request, which metrics do not tell. `findings` are
    those about the deployments' capacity and their data collector.
    """

    start: datetime
    end: datetime
    counts: tuple[TrafficCount, ...]
    gapless: bool = True
    findings: tuple[Finding, ...] = ()


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

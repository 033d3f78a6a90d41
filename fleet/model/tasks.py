"""Tasks: effects that compute. A worker pays each from blobs and returns one fact.

The key is the effect's identity: paying it twice must come to the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from fleet.model.keys import short
from fleet.model.records import Batch, Collection, TrafficCount
from fleet.model.slices.logs import Cursor
from monitoring.drift.why import Happening
from retrain.gate import Need


def read_from(what: str, blob: str, start: int) -> str:
    """Return the begin of the key under which a range of a file is read."""
    return f"{what}:{short(blob)}:{start}"


def _attempt(number: int) -> str:
    """Return the end of that key: each attempt has its own."""
    return f":again-{number}" if number else ""


@dataclass(frozen=True)
class ReadLog:
    """Decode a range of a log file into batches by window, of the days `first` to `last`.

    An older app named no days. `attempt` counts the reads of the range that failed.
    """

    blob: str
    start: int
    end: int
    collection: Collection
    deployment: str
    reference: str
    lane: str = ""
    first: str = ""
    last: str = ""
    attempt: int = 0

    @property
    def key(self) -> str:
        """Blob and cursor: a range is read once from wherever the cursor stood."""
        return read_from("read", self.blob, self.start) + _attempt(self.attempt)


@dataclass(frozen=True)
class ReadLabels:
    """Decode a range of a labels file and match it to windows by the rows' ids."""

    blob: str
    start: int
    end: int
    outputs: dict[str, tuple[str, ...]]
    of: str
    lane: str = ""
    attempt: int = 0

    @property
    def key(self) -> str:
        """Blob and cursor, as for feature logs, and the outputs to match with."""
        begin = read_from("labels", self.blob, self.start)
        return f"{begin}:{self.of}{_attempt(self.attempt)}"


def archive_key(at: datetime) -> str:
    """Return the key of the archive that was asked for at a moment."""
    return f"archive:{at:%Y%m%dT%H%M%S.%f}"


@dataclass(frozen=True)
class Archive:
    """Keep cursors of files that are read to their end in a blob."""

    at: datetime
    cursors: dict[str, Cursor]
    lane: str = ""

    @property
    def key(self) -> str:
        """The moment: one archive is written at a time."""
        return archive_key(self.at)


#: How the keys of recalls begin.
RECALL = "recall:"


@dataclass(frozen=True)
class Recall:
    """Look up how far files were read, in the archives, newest first."""

    blobs: tuple[str, ...]
    archives: tuple[str, ...]
    attempt: int = 0
    lane: str = ""

    @property
    def key(self) -> str:
        """Files and archives: a file may leave the state several times."""
        return f"{RECALL}{short(' '.join((*self.blobs, *self.archives)))}{_attempt(self.attempt)}"


#: Bytes of decoded rows. Larger batches stay as they are: merging needs the rows of all in memory.
LARGE = 64 * 1024 * 1024


@dataclass(frozen=True)
class Merge:
    """Merge batches of a window into one, or into few where their columns are of several types."""

    window: str
    collection: Collection
    deployment: str
    batches: tuple[Batch, ...]
    reference: str
    lane: str = ""

    @property
    def key(self) -> str:
        """Window and batches."""
        return merge_key(self.window) + self.of

    @property
    def of(self) -> str:
        """Name of the set of batches."""
        return short(" ".join(batch.rows for batch in self.batches))


def merge_key(window: str) -> str:
    """Return the begin of the keys of a window's merges."""
    return f"merge:{window}:"


@dataclass(frozen=True)
class Count:
    """Count a window's rows where a log service keeps them; `served` and `scored` by deployment."""

    window: str
    start: datetime
    end: datetime
    served: tuple[tuple[str, str], ...]
    scored: tuple[tuple[str, str], ...]
    reference: str
    lane: str = ""

    @property
    def key(self) -> str:
        """The window: it is counted once."""
        return f"count:{self.window}"


@dataclass(frozen=True)
class CountTraffic:
    """Count the requests of an interval where a log service keeps them."""

    start: datetime
    end: datetime
    lane: str = ""

    @property
    def key(self) -> str:
        """Where the interval begins: the next one begins at its end."""
        return f"count-traffic:{self.start:%Y%m%dT%H%M%S}"


@dataclass(frozen=True)
class Assess:
    """Hold a window's sketches against the reference.

    `days` names the windows of `before`, and `known` is the moment up to which announced events
    tell what class a day is of; None where days are not told apart. `history` are earlier days
    with their sketches and events, oldest first, `happened` what was noted around the model, and
    `health` what its labels say: they tell why something moved. `outside` counts the window's
    values out of their declared range. `rows` names the rows behind the sketches of `sketches` and
    `before` where these may have been counted with the bins of an older ruler.
    """

    window: str
    of: str
    sketches: tuple[str, ...]
    before: tuple[str, ...]
    flags: tuple[tuple[str, ...], ...]
    events: tuple[str | None, ...]
    outputs: tuple[str, ...]
    reference: str
    scores: str
    champion: str
    event: str | None
    expected: float | None
    lane: str = ""
    days: tuple[str, ...] = ()
    known: datetime | None = None
    history: tuple[tuple[str, str, str | None], ...] = ()
    happened: tuple[Happening, ...] = ()
    health: str = ""
    outside: dict[str, int] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)

    @property
    def special(self) -> frozenset[str]:
        """Earlier days that lie in an announced event."""
        return frozenset(day for day, _, event in self.history if event is not None)

    @property
    def key(self) -> str:
        """Window, batches and reference."""
        return f"assess:{self.window}:{self.of}:{short(self.reference)}"


@dataclass(frozen=True)
class Join:
    """Put a window's labels beside what was predicted."""

    window: str
    of: str
    inputs: tuple[str, ...]
    outputs: tuple[tuple[str, str], ...]
    traffic: tuple[str, ...]
    names: dict[str, str]
    labels: tuple[str, ...]
    trailing: tuple[tuple[str, str, str | None], ...]
    champion: str
    challenger: str | None
    shadowed: bool
    cuts: tuple[datetime, ...]
    baseline: str | None
    reference: str
    challenger_rate: float | None
    starts: datetime
    ends: datetime
    event: str | None
    lane: str = ""

    @property
    def key(self) -> str:
        """Window and rows, with the roles that the answer depends on."""
        return f"join:{self.window}:{self.of}"


@dataclass(frozen=True)
class Measure:
    """Judge the service-level objectives with what was counted since the last time."""

    at: datetime
    history: str
    counts: tuple[TrafficCount, ...]
    fresh_at: datetime | None
    fresh_was: datetime | None
    lane: str = ""

    @property
    def key(self) -> str:
        """The history it goes on from, and the moment."""
        return f"measure:{self.history[:16]}:{self.at:%Y%m%dT%H%M%S}"


@dataclass(frozen=True)
class BuildReference:
    """Make the reference of a version: from its file, or from the days it was trained on.

    `by`, `reason` and `data` (a table) are an operator's who asked for another one; its counts are
    taken with the bins of the reference `ruler`, where there is one. With `renew`, the reference
    `ruler` itself gets the bins of the newest format.
    """

    version: str
    of: str
    days: tuple[tuple[str, str, str], ...]
    ruler: str
    scores: str
    data: str = ""
    by: str = ""
    reason: str = ""
    lane: str = ""
    renew: bool = False

    @property
    def key(self) -> str:
        """Version and days."""
        return f"reference:{self.version}:{self.of}"


#: How the keys of reports begin.
REPORT = "report:"


@dataclass(frozen=True)
class BuildReport:
    """Draw the rows of a window beside those of its reference, for an alert or a command `of`.

    `past` are all days that rows are kept of, with their blobs; `features` are shown first.
    """

    window: str
    of: str
    rows: tuple[str, ...]
    reference: str
    past: tuple[tuple[str, str], ...]
    features: tuple[str, ...] = ()
    lane: str = ""

    @property
    def key(self) -> str:
        """Window, and what it is for."""
        return f"{REPORT}{self.window}:{short(self.of)}"


@dataclass(frozen=True)
class Gate:
    """Compare a version with the champion on rows that neither was trained on.

    `days` may be held out, `past` are all that are known: what the version learned is among them.
    """

    id: str
    version: str
    champion: str
    days: tuple[tuple[str, str], ...]
    past: tuple[tuple[str, str], ...]
    need: Need
    lane: str = ""

    @property
    def key(self) -> str:
        """One gate a challenger."""
        return f"gate:{self.id}"


#: Effects that compute: a worker pays them, and each returns one fact.
Work = (
    ReadLog
    | ReadLabels
    | Merge
    | Archive
    | Recall
    | Count
    | CountTraffic
    | Assess
    | Join
    | Measure
    | BuildReference
    | BuildReport
    | Gate
)

"""Lines about windows: assessments, joins, reports, references and announced events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fleet.model.lines.omitted import OMITTED


@dataclass(frozen=True)
class Assessed:
    """A window was compared with the reference; see `fleet.model.facts.Assessed`.

    `event` names the announced event that the window lies in, `quality` gives the reasons of its
    data-quality problems.
    """

    window: str
    rows: int
    verdict: str
    stream: Mapping[str, str]
    psi: Mapping[str, float | None]
    score_psi: float | None
    event: str | None
    quality: tuple[str, ...]
    report: str
    against: str = field(default="", metadata=OMITTED)
    since: Mapping[str, str] = field(default_factory=dict, metadata=OMITTED)
    estimate: Mapping[str, tuple[float, float, float]] = field(
        default_factory=dict, metadata=OMITTED
    )


@dataclass(frozen=True)
class Joined:
    """A window's labels were joined with its predictions; see `fleet.model.facts.Joined`."""

    window: str
    labelled: int
    expected: int
    contradictions: int
    health: str
    reason: str
    scores: Mapping[str, Mapping[str, float | None]]
    rolling: Mapping[str, float | None]
    rows: str
    explained_by: str | None = None


@dataclass(frozen=True)
class Unjudged:
    """A window's `inputs` were not assessed, or its `labels` not joined, because that failed."""

    window: str
    of: str
    reason: str


@dataclass(frozen=True)
class Reference:
    """The model has this reference, of so many days and rows.

    `before` is the reference that it replaces. `by`, `reason`, `first` and `last` belong to one
    that an operator asked for. `note` says which rows were left out, or why its bins are others.
    """

    version: str
    reference: str
    days: int
    rows: int
    before: str = field(default="", metadata=OMITTED)
    by: str | None = field(default=None, metadata=OMITTED)
    reason: str = field(default="", metadata=OMITTED)
    first: str = field(default="", metadata=OMITTED)
    last: str = field(default="", metadata=OMITTED)
    note: str = field(default="", metadata=OMITTED)


@dataclass(frozen=True)
class Report:
    """The report of a window for an alert or a command `of`: its blob, or a note why not."""

    window: str
    of: str
    report: str = field(default="", metadata=OMITTED)
    note: str = field(default="", metadata=OMITTED)


@dataclass(frozen=True)
class Event:
    """An announced event is over; `windows` and `alerts` count those in it."""

    event: str
    first: str
    last: str
    category: str
    source: str
    outcome: str
    reason: str
    windows: int
    alerts: int

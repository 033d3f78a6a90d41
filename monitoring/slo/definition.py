"""What a service-level objective is, as a document defines it; numbers are exact.

The terms are those of OpenSLO v1 (https://github.com/OpenSLO/OpenSLO). `monitoring.slo.openslo`
makes these of documents, and `monitoring.slo.evaluation` judges them on counts by the minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction


class Method(StrEnum):
    """How a budget is counted: by events, by good slices, or by the ratios of slices."""

    OCCURRENCES = "Occurrences"
    TIMESLICES = "Timeslices"
    RATIO_TIMESLICES = "RatioTimeslices"


class Unit(StrEnum):
    """Units of a duration; those of a calendar have no fixed length."""

    MINUTE = "m"
    HOUR = "h"
    DAY = "d"
    WEEK = "w"
    MONTH = "M"
    QUARTER = "Q"
    YEAR = "Y"


class Op(StrEnum):
    """A comparison: value, operator, limit."""

    LTE = "lte"
    LT = "lt"
    GTE = "gte"
    GT = "gt"


@dataclass(frozen=True)
class Rolling:
    """The last `length`."""

    length: timedelta


@dataclass(frozen=True)
class Calendar:
    """Periods of `count` units, one of which begins at `start`, a local time in `zone`."""

    count: int
    unit: Unit
    start: datetime
    zone: str


@dataclass(frozen=True)
class Source:
    """Where a number comes from: the type of the metric's source, and its own specification."""

    type: str
    spec: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Ratio:
    """Events of which some are good: counted by `total` and either `good` or `bad`.

    `counter` says that the numbers only grow, so that their differences count.
    """

    total: Source
    good: Source | None = None
    bad: Source | None = None
    counter: bool = False


@dataclass(frozen=True)
class Raw:
    """A ratio that the source has computed, of good events, or of bad ones with `failure`."""

    source: Source
    failure: bool = False


@dataclass(frozen=True)
class Threshold:
    """A number that an objective compares with its limit."""

    source: Source


Metric = Ratio | Raw | Threshold


@dataclass(frozen=True)
class Objective:
    """One objective of an SLO: a share `target` of good events, or of good slices.

    `op` and `value` are the limit of a threshold metric. A slice of `slice_window` is good where
    its share of good events reaches `slice_target`; with ratios of slices it has no target.
    """

    name: str
    target: Fraction
    op: Op | None = None
    value: Fraction | None = None
    slice_target: Fraction | None = None
    slice_window: timedelta | None = None


@dataclass(frozen=True)
class Condition:
    """The burn rate over `lookback` compares with `threshold`, for `after` without a break."""

    name: str
    severity: str
    op: Op
    threshold: Fraction
    lookback: timedelta
    after: timedelta = timedelta(0)


@dataclass(frozen=True)
class AlertPolicy:
    """Fires while all its conditions hold.

    `guarded` policies notify only of what chance does not explain at low traffic; see
    `monitoring.slo.evaluation`. `targets` are the receivers that the document names.
    """

    name: str
    conditions: tuple[Condition, ...]
    no_data: bool = False
    resolved: bool = False
    breaching: bool = True
    guarded: bool = False
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Slo:
    """One SLO: a metric, a window, a method, and the objectives that are judged.

    Without `policies` of its own it has the built-in ones. `where` is its place in a file, and
    `indicator` is the name of its indicator, by which tables of counts are given.
    """

    name: str
    service: str
    metric: Metric
    window: Rolling | Calendar
    method: Method
    objectives: tuple[Objective, ...]
    policies: tuple[AlertPolicy, ...] = ()
    display: str = ""
    description: str = ""
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    indicator: str = ""


class Level(StrEnum):
    """How grave a problem of a document is: an error refuses it."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """What is wrong with a document, and where."""

    file: str
    line: int
    level: Level
    text: str

    def __str__(self) -> str:
        """Format it as `slo.yaml:12: SLO answered: …`."""
        return f"{self.file}:{self.line}: {self.text}"

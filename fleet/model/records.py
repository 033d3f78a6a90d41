"""What facts are made of: batches, counts, troubles and pairs of losses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from monitoring.slo.objective import Verdict as Objectively


class Collection(StrEnum):
    """What the lines of a log file are."""

    inputs = "model_inputs"
    outputs = "model_outputs"
    traffic = "traffic"
    labels = "labels"


@dataclass(frozen=True)
class Batch:
    """Decoded rows of one log range that belong to one window.

    `rows` names the blob with the rows, `sketch` the one with their bin counts (inputs only),
    `outside` counts values out of their declared range by feature. `size` is that of the decoded
    rows in bytes, 0 where it is not known. Batches `apart` are merged with no others.
    """

    window: str
    count: int
    rows: str
    sketch: str = ""
    outside: dict[str, int] = field(default_factory=dict)
    size: int = 0
    apart: bool = False


@dataclass(frozen=True)
class Dropped:
    """Rows that a reader left out because of their days, `first` to `last`."""

    rows: int
    first: str
    last: str


@dataclass(frozen=True)
class TrafficCount:
    """What one deployment answered in one interval of live traffic.

    `slow` counts answers above the policy's limit, `over` those above each latency objective's;
    None and left out where the source of the counts knows no latencies.
    """

    deployment: str
    start: datetime
    end: datetime
    requests: int
    errors: int
    slow: int | None
    over: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Trouble:
    """One data-quality problem of a window."""

    kind: str
    page: bool
    reason: str
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class DayPair:
    """Paired losses of challenger and champion on the same shadow rows of one day."""

    rows: int
    difference: float
    champion: float
    constant: float | None


@dataclass(frozen=True)
class LossCount:
    """Labelled rows of an interval by the arm that served them, and the large losses among them."""

    n_c: int
    n_s: int
    bad_c: int
    bad_s: int
    start: datetime
    end: datetime


@dataclass(frozen=True)
class ObjectiveStatus:
    """How one service-level objective stands; `page` is None where nothing burns."""

    name: str
    verdict: Objectively
    page: bool | None
    reasons: tuple[str, ...]
    attained: float | None
    budget_left: float | None

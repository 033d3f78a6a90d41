"""Data quality of one window: its limits, and the problems that a window may have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field

import engine.policy
from engine.policy import MOST_ROWS, ShortText
from monitoring.alerts.lifecycle import Severity
from monitoring.ranges import Range


class Policy(engine.policy.Policy):
    """How much worse than the reference the data may be."""

    missing_jump: float = Field(
        0.1,
        ge=1e-6,
        le=1,
        description="Rise of a missing share over the reference that opens a ticket.",
    )
    missing_page: float = Field(
        0.5, ge=1e-6, le=1, description="Rise of a missing share over the reference that pages."
    )
    max_unseen: float = Field(
        0.1, ge=1e-6, le=1, description="Largest share of values that the reference lacks."
    )
    min_volume: float = Field(
        0.5, ge=0, le=1, description="Least share of the expected rows, as on the same weekday."
    )
    max_repeated: float = Field(
        0.05, ge=1e-6, le=1, description="Largest share of rows that were logged before."
    )
    ranges: dict[ShortText, Range] = Field(
        default_factory=dict, description="Values that numeric features may have, by feature."
    )
    max_outside: float = Field(
        0.01, ge=0, le=1, description="Largest share of values outside of their range."
    )
    min_rows: int = Field(
        30,
        ge=1,
        le=MOST_ROWS,
        description="Shares of fewer rows than this are not judged, unless all missing.",
    )


class Kind(StrEnum):
    """The kinds of problems, the worst first."""

    NO_ROWS = "no_rows"
    TYPE_CHANGE = "type_change"
    ALL_MISSING = "all_missing"
    MISSING_JUMP = "missing_jump"
    LOW_VOLUME = "low_volume"
    UNSEEN = "unseen"
    OUTSIDE = "outside"
    STUCK = "stuck"
    REPEATED = "repeated"


@dataclass(frozen=True)
class Measured:
    """One feature in one window.

    `rows` and `missing` count the window's rows, `unseen` its values of no reference level and
    `outside` those out of their range; `reference_missing` is the largest share that any window of
    the reference missed, `reference_unseen` the largest share of values in any window of the
    reference that none of its other windows has.
    """

    name: str
    rows: int
    missing: int
    reference_missing: float = 0.0
    unseen: int = 0
    reference_unseen: float = 0.0
    outside: int = 0


@dataclass(frozen=True)
class Problem:
    """One kind of problem with every affected feature; none for the window as a whole."""

    kind: Kind
    features: tuple[str, ...]
    severity: Severity
    reason: str

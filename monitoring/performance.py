"""How good the predictions were, once their labels came: metrics, completeness, verdict.

Binary classification: scores are probabilities of label 1. Rows of one day share their weather,
campaign or outage, so every interval here counts days, not rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import stdtrit

import engine.policy
from monitoring.calendars import bounds, days_of
from monitoring.labels import Joined
from monitoring.metrics import measures

__all__ = [
    "Baseline",
    "Interval",
    "Performance",
    "Policy",
    "Rolling",
    "Verdict",
    "assess",
    "clustered",
    "last_day",
    "measures",
    "reference",
    "rolling",
]

Floats = NDArray[np.float64]


class Policy(engine.policy.Policy):
    """When labelled performance is good enough, and when there is too little to say."""

    rolling_days: int = Field(7, ge=1, description="Days of labelled rows judged together.")
    wait: timedelta = Field(
        timedelta(days=1),
        ge=timedelta(0),
        description="How long after its day ends a label may come before it counts as missing.",
    )
    min_labels: int = Field(200, ge=1, description="Fewer labelled rows than this say nothing.")
    min_days: int = Field(3, ge=2, description="Fewer labelled days than this say nothing.")
    min_completeness: float = Field(
        0.5, ge=0, le=1, description="Say nothing when less than this share of rows has a label."
    )
    max_calibration_gap: float = Field(
        0.05, gt=0, le=1, description="Largest tolerated |mean score - mean label|."
    )
    max_skill_drop: float = Field(
        0.05, gt=0, description="Largest tolerated loss of Brier skill since the reference."
    )
    confidence: float = Field(
        0.99, gt=0.5, lt=1, description="Level of the two-sided day-clustered intervals."
    )


class Verdict(StrEnum):
    """What the labels say; `INSUFFICIENT` is never good news."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True)
class Interval:
    """An estimate, its standard error over `days` days, and the interval around it."""

    value: float
    error: float
    days: int
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether noise between days alone does not account for the value."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Baseline:
    """Brier skill at reference time: its value, day-clustered standard error, and days."""

    skill: float
    error: float
    days: int


@dataclass(frozen=True)
class Performance:
    """The judged days, what was measured on them, and what follows.

    `thin` are days whose labels are mostly missing; they stay in, and are shown.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    first: date | None
    last: date | None
    rows: int
    labelled: int
    completeness: float | None
    metrics: dict[str, float | None] = field(default_factory=dict)
    gap: Interval | None = None
    skill: Interval | None = None
    thin: tuple[date, ...] = ()


@dataclass(frozen=True)
class Rolling:
    """Metrics of the days that end on `last`; a metric without a value is None."""

    last: date
    rows: int
    labelled: int
    metrics: dict[str, float | None]


def assess(
    joined: Joined, policy: Policy, zone: str, now: datetime, baseline: Baseline | None = None
) -> Performance:
    """Judge the last `rolling_days` days whose labels had time to come.

    Degraded only where a limit is exceeded and the day-clustered interval excludes zero.
    """
    days = days_of(joined.time, zone)
    last = last_day(policy, zone, now)
    first = last - timedelta(days=policy.rolling_days - 1)
    window = (days >= np.datetime64(first)) & (days <= np.datetime64(last))
    known = window & ~np.isnan(joined.label) & ~np.isnan(joined.score)
    label, score, day = joined.label[known], joined.score[known], days[known]
    rows, labelled = int(window.sum()), len(label)
    gap, skilled = clustered(label, score, day, policy.confidence)
    missing = _insufficient(rows, labelled, len(np.unique(day)), policy)
    thin = _thin(days[window], day, policy.min_completeness)
    verdict, reasons = Verdict.INSUFFICIENT, missing
    if not missing:
        reasons = _faults(gap, skilled, policy, baseline)
        verdict = Verdict.DEGRADED if reasons else Verdict.HEALTHY
    if thin:
        reasons += (f"labels mostly missing on {', '.join(map(str, thin))}",)
    return Performance(
        verdict=verdict,
        reasons=reasons,
        first=first if rows else None,
        last=last if rows else None,
        rows=rows,
        labelled=labelled,
        completeness=labelled / rows if rows else None,
        metrics=measures(label, score),
        gap=gap,
        skill=skilled,
        thin=thin,
    )


def rolling(joined: Joined, policy: Policy, zone: str) -> tuple[Rolling, ...]:
    """Metrics of the `rolling_days` that end on each day with predictions, oldest first."""
    days = days_of(joined.time, zone)
    known = ~np.isnan(joined.label) & ~np.isnan(joined.score)
    windows = []
    for last in np.unique(days):
        within = (days <= last) & (days > last - np.timedelta64(policy.rolling_days, "D"))
        use = within & known
        metrics = measures(joined.label[use], joined.score[use])
        windows.append(Rolling(last.item(), int(within.sum()), int(use.sum()), metrics))
    return tuple(windows)


def last_day(policy: Policy, zone: str, now: datetime) -> date:
    """The last local day whose labels had `wait` to come after it ended."""
    from_now = (now - policy.wait).date() + timedelta(days=1)
    while bounds(from_now, zone)[1] + policy.wait > now:
        from_now -= timedelta(days=1)
    return from_now


def reference(joined: Joined, zone: str, confidence: float = 0.99) -> Baseline | None:
    """The skill later windows are compared with; None without both labels on two days."""
    known = ~np.isnan(joined.label) & ~np.isnan(joined.score)
    day = days_of(joined.time[known], zone)
    _, skilled = clustered(joined.label[known], joined.score[known], day, confidence)
    return Baseline(skilled.value, skilled.error, skilled.days) if skilled else None


def clustered(
    label: Floats, score: Floats, day: NDArray[np.datetime64], confidence: float
) -> tuple[Interval | None, Interval | None]:
    """Calibration gap and Brier skill with intervals from leaving out one day at a time.

    Jackknife over D days, Student's t with D - 1 degrees of freedom (Efron & Tibshirani 1993,
    ch. 11). None with fewer than two days, or where a left-out day leaves no value.
    """
    days, code = np.unique(day, return_inverse=True)
    if len(days) < 2:
        return None, None
    columns = (np.ones(len(label)), score, label, (score - label) ** 2)
    sums = np.array([np.bincount(code, column, len(days)) for column in columns])
    whole = sums.sum(axis=1, keepdims=True)
    both = np.concatenate([whole, whole - sums], axis=1)
    n, scores, labels, losses = both
    rate = labels / n
    spread = rate * (1 - rate)
    gap = _jackknife((scores - labels) / n, confidence)
    if not (spread > 0).all():
        return gap, None
    return gap, _jackknife(1 - losses / n / spread, confidence)


def _jackknife(values: Floats, confidence: float) -> Interval:
    value, left_out = float(values[0]), values[1:]
    count = len(left_out)
    error = float(np.sqrt((count - 1) / count * np.sum((left_out - left_out.mean()) ** 2)))
    return _interval(value, error, count, confidence)


def _interval(value: float, error: float, days: int, confidence: float) -> Interval:
    reach = float(stdtrit(days - 1, (1 + confidence) / 2)) * error
    return Interval(value, error, days, value - reach, value + reach)


def _insufficient(rows: int, labelled: int, days: int, policy: Policy) -> tuple[str, ...]:
    reasons = []
    if not rows:
        return ("no predictions in the window",)
    if labelled / rows < policy.min_completeness:
        reasons.append(
            f"{labelled} of {rows} rows have a label ({labelled / rows:.0%}, "
            f"at least {policy.min_completeness:.0%} are needed)"
        )
    if labelled < policy.min_labels:
        reasons.append(f"{labelled} labelled rows, at least {policy.min_labels} are needed")
    if days < policy.min_days:
        reasons.append(f"{days} labelled days, at least {policy.min_days} are needed")
    return tuple(reasons)


def _faults(
    gap: Interval | None, skilled: Interval | None, policy: Policy, baseline: Baseline | None
) -> tuple[str, ...]:
    reasons = []
    if gap and abs(gap.value) > policy.max_calibration_gap and gap.excludes_zero:
        direction = "too high" if gap.value > 0 else "too low"
        reasons.append(
            f"calibration gap {gap.value:+.3f} (scores {direction}; days vary within "
            f"{gap.low:+.3f} … {gap.high:+.3f}; limit {policy.max_calibration_gap:g})"
        )
    if skilled and baseline:
        drop = _drop(skilled, baseline, policy.confidence)
        if drop.value > policy.max_skill_drop and drop.excludes_zero:
            reasons.append(
                f"Brier skill {skilled.value:.3f}, {baseline.skill:.3f} at the reference "
                f"(drop {drop.value:.3f}, within {drop.low:+.3f} … {drop.high:+.3f}; "
                f"limit {policy.max_skill_drop:g})"
            )
    return tuple(reasons)


def _drop(skilled: Interval, baseline: Baseline, confidence: float) -> Interval:
    # Fewer days of the two sides rule the width: both sides' noise counts.
    days = min(skilled.days, baseline.days)
    error = float(np.hypot(skilled.error, baseline.error))
    return _interval(baseline.skill - skilled.value, error, days, confidence)


def _thin(
    days: NDArray[np.datetime64], labelled: NDArray[np.datetime64], least: float
) -> tuple[date, ...]:
    every, count = np.unique(days, return_counts=True)
    position = np.searchsorted(every, labelled)
    share = np.bincount(position, minlength=len(every)) / count
    return tuple(every[share < least].tolist())

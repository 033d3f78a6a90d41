"""Labelled performance: metrics, completeness, verdict.

Scores are probabilities of label 1, or a regression's numbers. Rows of one day share their weather,
campaign or outage, so every interval is clustered by day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

import engine.policy
from engine.duration import Duration
from engine.policy import MOST_ROWS, ShortText
from monitoring.calendars import bounds, days_of
from monitoring.clustered import Baseline, Interval, clustered, drop
from monitoring.drift.wording import level, percent
from monitoring.labels import Joined
from monitoring.metrics import Task, measures

Floats = NDArray[np.float64]


class Policy(engine.policy.Policy):
    """When labelled performance is good enough, and when there is too little to say."""

    task: Task = Field(
        Task.CLASSIFICATION,
        description="What the model predicts: the probability of label 1, or a number.",
    )
    rolling_days: int = Field(7, ge=1, le=366, description="Days of labelled rows judged together.")
    wait: Duration = Field(
        timedelta(days=1),
        description="How long after its day ends a label may come before it counts as missing.",
    )
    min_labels: int = Field(
        200, ge=1, le=MOST_ROWS, description="Labelled rows below which there is no verdict."
    )
    min_days: int = Field(
        3, ge=2, le=366, description="Labelled days below which there is no verdict."
    )
    min_completeness: float = Field(
        0.5, ge=0, le=1, description="Share of rows with a label below which there is no verdict."
    )
    max_calibration_gap: float = Field(
        0.05,
        ge=1e-6,
        le=1,
        description="Largest tolerated |mean score - mean label| of a classification.",
    )
    max_bias: float = Field(
        0.1,
        ge=1e-4,
        le=100,
        description="Largest tolerated |mean score - mean label| of a regression, in standard "
        "deviations of the labels.",
    )
    max_skill_drop: float = Field(
        0.05,
        ge=1e-4,
        le=10,
        description="Largest tolerated loss of Brier skill (of a regression: of R²) since the "
        "reference.",
    )
    confidence: float = Field(
        0.99, gt=0.5, lt=1, description="Level of the two-sided day-clustered intervals."
    )
    min_agreement: float = Field(
        0.9,
        ge=0.01,
        le=1,
        description="Agreement (NDCG) between the features' association with the score in a window "
        "and at the reference; a lower one opens a ticket.",
    )
    segments: tuple[ShortText, ...] = Field(
        (),
        description="Features whose 20 most frequent levels are also judged on their own: a page "
        "names the worst; a fault that only a segment shows opens a ticket.",
    )

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.min_days > self.rolling_days:
            raise ValueError(
                f"min_days {self.min_days} is never reached in rolling_days {self.rolling_days}"
            )
        return self


class Verdict(StrEnum):
    """The verdict on labelled performance; `INSUFFICIENT` is never good news."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True)
class Performance:
    """The judged days, their metrics, and the verdict.

    `thin` are days whose labels are mostly missing; they are judged with the others, and named.
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


def assess(
    joined: Joined, policy: Policy, zone: str, now: datetime, baseline: Baseline | None = None
) -> Performance:
    """Judge the last `rolling_days` days whose labels had time to arrive.

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
        reasons = faults(gap, skilled, policy, baseline, gap_limit(label, policy))
        verdict = Verdict.DEGRADED if reasons else Verdict.HEALTHY
    if thin:
        least, named = level(policy.min_completeness), ", ".join(map(str, thin))
        reasons += (
            f"fewer than {least} of the rows of {named} have a label; check the label feed",
        )
    return Performance(
        verdict=verdict,
        reasons=reasons,
        first=first if rows else None,
        last=last if rows else None,
        rows=rows,
        labelled=labelled,
        completeness=labelled / rows if rows else None,
        metrics=measures(label, score, policy.task),
        gap=gap,
        skill=skilled,
        thin=thin,
    )


def last_day(policy: Policy, zone: str, now: datetime) -> date:
    """The last local day that ended at least `wait` ago."""
    from_now = (now - policy.wait).date() + timedelta(days=1)
    while bounds(from_now, zone)[1] + policy.wait > now:
        from_now -= timedelta(days=1)
    return from_now


def reference(joined: Joined, zone: str, confidence: float = 0.99) -> Baseline | None:
    """The skill that later windows are compared with; None where it has no interval."""
    known = ~np.isnan(joined.label) & ~np.isnan(joined.score)
    day = days_of(joined.time[known], zone)
    _, skilled = clustered(joined.label[known], joined.score[known], day, confidence)
    return Baseline(skilled.value, skilled.error, skilled.days) if skilled else None


def _insufficient(rows: int, labelled: int, days: int, policy: Policy) -> tuple[str, ...]:
    reasons = []
    if not rows:
        return ("no predictions on the judged days",)
    if labelled / rows < policy.min_completeness:
        reasons.append(
            f"too few labels: {labelled} of {rows} rows have one ({percent(labelled / rows)}; "
            f"{level(policy.min_completeness)} are needed)"
        )
    if labelled < policy.min_labels:
        reasons.append(f"too few labels: {labelled} rows have one, {policy.min_labels} are needed")
    if days < policy.min_days:
        reasons.append(f"too few labelled days: {days}, {policy.min_days} are needed")
    return tuple(reasons)


def faults(
    gap: Interval | None,
    skilled: Interval | None,
    policy: Policy,
    baseline: Baseline | None,
    limit: float | None,
) -> tuple[str, ...]:
    """Name the limits that are exceeded beyond the noise between days.

    `limit` is the largest tolerated gap, None without one.
    """
    reasons, sure = [], f"{level(policy.confidence)} interval over days"
    if gap and limit is not None and abs(gap.value) > limit and gap.excludes_zero:
        side = "above" if gap.value > 0 else "below"
        low, high = _signed(gap.low, policy), _signed(gap.high, policy)
        reasons.append(
            f"{_gap_word(policy)} {_signed(gap.value, policy)} (mean score {side} mean label; "
            f"{sure} {low} … {high}; limit {limit:.3g})"
        )
    if skilled and baseline:
        lost = drop(skilled, baseline, policy.confidence)
        if lost.value > policy.max_skill_drop and lost.excludes_zero:
            word = "R²" if policy.task is Task.REGRESSION else "Brier skill"
            reasons.append(
                f"{word} fell from {baseline.skill:z.3f} at the reference to {skilled.value:z.3f} "
                f"(drop {lost.value:z.3f}, {sure} {lost.low:+z.3f} … {lost.high:+z.3f}; "
                f"limit {policy.max_skill_drop:g})"
            )
    return tuple(reasons)


def gap_limit(label: Floats, policy: Policy) -> float | None:
    """Largest tolerated gap of mean score and mean label; None where no label varies."""
    if policy.task is Task.CLASSIFICATION:
        return policy.max_calibration_gap
    spread = float(np.std(label)) if len(label) else 0.0
    return policy.max_bias * spread if spread > 0 else None


def _gap_word(policy: Policy) -> str:
    return "bias" if policy.task is Task.REGRESSION else "calibration gap"


def _signed(value: float, policy: Policy) -> str:
    return f"{value:+z.3g}" if policy.task is Task.REGRESSION else f"{value:+z.3f}"


def _thin(
    days: NDArray[np.datetime64], labelled: NDArray[np.datetime64], least: float
) -> tuple[date, ...]:
    every, count = np.unique(days, return_counts=True)
    position = np.searchsorted(every, labelled)
    share = np.bincount(position, minlength=len(every)) / count
    return tuple(every[share < least].tolist())

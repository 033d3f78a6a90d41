"""The offline gate and the look at a shadow: is the challenger as good, and is there a reason?

Both compare challenger and champion on the same rows, later than either was trained on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pydantic import Field

import engine.policy
from engine.policy import LARGEST, MOST_ROWS
from retrain.paired import Paired, paired


class Policy(engine.policy.Policy):
    """When a challenger is good enough to replace the champion."""

    margin: float | None = Field(
        None,
        ge=1e-12,
        le=LARGEST,
        description="Non-inferiority margin as an absolute mean loss; when left out, "
        "`margin_share` rules.",
    )
    margin_share: float = Field(
        0.02,
        ge=1e-4,
        le=10,
        description="Non-inferiority margin as a share of the champion's mean loss.",
    )
    segment_margin_share: float = Field(
        0.15,
        ge=1e-4,
        le=100,
        description="A segment fails the gate when the challenger is surely worse there by more "
        "than this share of the champion's mean loss in it.",
    )
    confidence: float = Field(
        0.90, gt=0.5, lt=1, description="Two-sided confidence of the day-clustered interval."
    )
    min_skill: float = Field(
        0.01,
        ge=0,
        lt=1,
        description="The challenger must reduce the mean loss of a constant forecast by this "
        "share, where that loss is known.",
    )
    min_days: int = Field(
        5, ge=2, le=366, description="Days with rows below which the gate is inconclusive."
    )
    min_rows: int = Field(
        200, ge=1, le=MOST_ROWS, description="Rows below which the gate is inconclusive."
    )


class Verdict(StrEnum):
    """The verdict of the gate or of the shadow."""

    passed = "passed"
    failed = "failed"
    inconclusive = "inconclusive"


@dataclass(frozen=True)
class DayLoss:
    """Both models' losses on the same rows of one day.

    `difference` is the sum over `rows` of challenger minus champion, `champion` the champion's sum,
    `constant` the sum of a forecast that always gives the label rate of the challenger's training
    rows, None when it is not known.
    """

    day: date
    rows: int
    difference: float
    champion: float
    constant: float | None = None


@dataclass(frozen=True)
class Need:
    """Reasons to change apart from a better challenger; empty when there is none."""

    degraded: bool = False
    stale: bool = False
    asked_by: str | None = None

    def reason(self) -> str | None:
        """The first reason that holds."""
        if self.asked_by is not None:
            return f"asked for by {self.asked_by}"
        if self.degraded:
            return "the champion is degraded"
        return "the champion is stale" if self.stale else None


@dataclass(frozen=True)
class Decision:
    """The verdict, its reason in one sentence, and the numbers behind it."""

    verdict: Verdict
    reason: str
    paired: Paired | None = None
    margin: float | None = None
    worst_segment: str | None = None


def gate(
    days: Sequence[DayLoss],
    segments: Mapping[str, Sequence[DayLoss]],
    need: Need,
    policy: Policy,
) -> Decision:
    """Judge rows later than the training; `segments` holds the same rows by segment."""
    overall = _compare(days, need, policy)
    if overall.verdict is Verdict.failed:
        return overall
    confidence = _for_all(policy.confidence, len(segments))
    if (worst := _worst_segment(segments, confidence, policy)) is not None:
        name, found, bound = worst
        reason = f"worse in segment {name}: {_told(found, confidence, bound)}"
        return Decision(Verdict.failed, reason, overall.paired, overall.margin, name)
    return overall


def shadow_verdict(days: Sequence[DayLoss], need: Need, policy: Policy) -> Decision:
    """Judge a shadow once, at its end; an earlier look would void its error rate."""
    return _compare(days, need, policy)


def _compare(days: Sequence[DayLoss], need: Need, policy: Policy) -> Decision:
    used = [day for day in days if day.rows > 0]
    rows = sum(day.rows for day in used)
    found = paired([d.difference for d in used], [d.rows for d in used], policy.confidence)
    if found is None or found.days < policy.min_days or rows < policy.min_rows:
        reason = (
            f"too little evidence: {rows} rows on {len(used)} days, "
            f"{policy.min_rows} rows on {policy.min_days} days are needed"
        )
        return Decision(Verdict.inconclusive, reason, found)
    margin = _margin(used, policy.margin, policy.margin_share)
    verdict, why = _judge(found, margin, need)
    if verdict is Verdict.passed and (unskilled := _unskilled(used, policy)) is not None:
        verdict, why = Verdict.failed, f"{why}, but {unskilled}"
    return Decision(verdict, f"{why}: {_told(found, policy.confidence, margin)}", found, margin)


def _told(found: Paired, confidence: float, margin: float) -> str:
    return (
        f"loss per row {found.mean:+z.4g} against the champion's ({100 * confidence:g} % interval "
        f"over days {found.lower:+z.4g} … {found.upper:+z.4g}; margin {margin:.4g}; "
        f"{found.rows} rows on {found.days} days)"
    )


def _judge(found: Paired, margin: float, need: Need) -> tuple[Verdict, str]:
    if found.lower > margin:
        return Verdict.failed, "worse than the champion"
    if found.upper >= margin:
        return Verdict.inconclusive, "not shown to be as good as the champion"
    if found.upper < 0:
        return Verdict.passed, "better than the champion"
    if (why := need.reason()) is not None:
        return Verdict.passed, f"as good as the champion and {why}"
    return Verdict.failed, "as good as the champion but not better, and no other reason to change"


def _unskilled(days: Sequence[DayLoss], policy: Policy) -> str | None:
    """Why the challenger beats no constant forecast; None when it does, or that is not known."""
    constants = [day.constant for day in days if day.constant is not None]
    reference = math.fsum(constants)
    if len(constants) < len(days) or reference <= 0:
        return None
    skill = 1 - math.fsum(d.champion + d.difference for d in days) / reference
    if skill >= policy.min_skill:
        return None
    saved = round(100 * skill, 1)
    side = "above" if saved < 0 else "below"
    return (
        f"its loss is {abs(saved):.1f} % {side} a constant forecast's, and "
        f"{100 * policy.min_skill:.1f} % below is needed"
    )


def _margin(days: Sequence[DayLoss], absolute: float | None, share: float) -> float:
    if absolute is not None:
        return absolute
    return share * abs(math.fsum(d.champion for d in days)) / sum(d.rows for d in days)


def _for_all(confidence: float, segments: int) -> float:
    """Confidence of each segment's interval (Bonferroni): one of many looks bad by chance."""
    return 1 - (1 - confidence) / max(1, segments)


def _worst_segment(
    segments: Mapping[str, Sequence[DayLoss]], confidence: float, policy: Policy
) -> tuple[str, Paired, float] | None:
    """The segment furthest over its margin, by intervals that hold for all segments at once."""
    worst: tuple[float, str, Paired, float] | None = None
    for name, days in sorted(segments.items()):
        found = paired([d.difference for d in days], [d.rows for d in days], confidence)
        if found is None or found.days < policy.min_days:
            continue
        bound = _margin([d for d in days if d.rows > 0], None, policy.segment_margin_share)
        excess = found.lower - bound
        if excess > 0 and (worst is None or excess > worst[0]):
            worst = (excess, name, found, bound)
    return None if worst is None else worst[1:]

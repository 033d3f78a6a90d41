"""Rules that a model's usual traffic is too little for, as far as its reference tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from fleet.document.policies import ModelPolicy
from fleet.document.text import Path

DAY = timedelta(days=1)
#: A guard that needs a larger share of bad requests than this is of no use.
MOST_BAD = 0.5
#: Days of a reference below which the variation from day to day is not known.
CALIBRATED = 8


@dataclass(frozen=True)
class Rows:
    """The counts of a reference."""

    days: int
    rows: int
    labelled: int


def unpowered(policy: ModelPolicy, seen: Rows) -> Iterator[tuple[Path, str]]:
    """Yield each rule that will never decide at the reference's traffic, with its place."""
    per_day, labelled = seen.rows / seen.days, seen.labelled / seen.days
    if seen.days < CALIBRATED:
        yield (
            ("reference", "data"),
            f"{seen.days} days; with fewer than {CALIBRATED} the usual variation from day to day "
            "is unknown, and no drift pages",
        )
    rule = policy.performance
    expected = labelled * rule.rolling_days
    if expected < rule.min_labels:
        yield (
            ("performance",),
            f"no verdict: about {expected:,.0f} labelled rows in {rule.rolling_days} days, "
            f"{rule.min_labels:,} are needed (min_labels)",
        )
    if policy.training is not None:
        yield from _rollout(policy, per_day, labelled)


def _rollout(policy: ModelPolicy, per_day: float, labelled: float) -> Iterator[tuple[Path, str]]:
    gate, held = policy.gate, policy.dataset.holdout_days
    if gate.min_days > held:
        yield (
            ("gate",),
            f"never decides: {held} holdout days (dataset.holdout_days), {gate.min_days} are "
            "needed (min_days)",
        )
    if labelled * held < gate.min_rows:
        yield (
            ("gate",),
            f"never decides: about {labelled * held:,.0f} labelled rows in {held} holdout days, "
            f"{gate.min_rows:,} are needed (min_rows)",
        )
    on_challenger = sum(step.weight / 100 * (step.hold / DAY) for step in policy.rollout.steps)
    requests, needed = per_day * on_challenger, policy.judge.min_expected_bad
    if requests * MOST_BAD < needed:
        yield (
            ("judge",),
            f"no guard is powered: the stages give the challenger about {requests:,.0f} requests, "
            f"of which {needed:g} have to be bad (min_expected_bad); hold the stages longer",
        )

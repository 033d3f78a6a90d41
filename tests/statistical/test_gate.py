"""Rates of the paired comparison on rows that share their day, held to exact binomial bounds.

Each day has its own shift of the loss difference, its own number of rows and independent noise per
row; only the day's sums are drawn, which is the same law.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.stats import binom

from retrain.gate import DayLoss, Need, Policy, Verdict, gate, shadow_verdict

FIRST = date(2013, 7, 1)
MARGIN = 0.005
POLICY = Policy(margin=MARGIN)
ASKED = Need(asked_by="ann")
RARE = 1e-6


def days(
    rng: np.random.Generator, count: int, mean: float, day_sd: float, row_sd: float = 0.1
) -> list[DayLoss]:
    rows = rng.integers(700, 1000, count)
    sums = rows * (mean + rng.normal(0, day_sd, count)) + rng.normal(0, row_sd, count) * np.sqrt(
        rows
    )
    return [
        DayLoss(FIRST + timedelta(days=i), int(n), float(d), 0.18 * float(n))
        for i, (n, d) in enumerate(zip(rows, sums, strict=True))
    ]


def passes(count: int, mean: float, day_sd: float, need: Need, replicates: int, seed: int) -> int:
    rng = np.random.default_rng(seed)
    passed = 0
    for _ in range(replicates):
        verdict = shadow_verdict(days(rng, count, mean, day_sd), need, POLICY).verdict
        passed += verdict is Verdict.passed
    print(f"{passed} of {replicates} passed")
    return passed


def near(rate: float, replicates: int, slack: float) -> tuple[int, int]:
    """Bounds for a rate within `slack` of the nominal one."""
    return (
        int(binom.ppf(RARE, replicates, rate - slack)),
        int(binom.ppf(1 - RARE, replicates, rate + slack)),
    )


@pytest.mark.parametrize("count", [7, 14])
@pytest.mark.parametrize("day_sd", [0.0, 0.01])
def test_a_challenger_at_the_margin_is_promoted_one_time_in_twenty(
    count: int, day_sd: float
) -> None:
    """Clustered or not; unequal days make the t interval slightly off, hence 0.01 of slack."""
    passed = passes(count, MARGIN, day_sd, ASKED, 3_000, 1)
    low, high = near(0.05, 3_000, 0.01)
    assert low <= passed <= high


def test_rows_taken_for_independent_would_promote_it_far_more_often() -> None:
    """The reason for clustering: with the same draws a row-wise interval errs above 20 %."""
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(1_000):
        drawn = days(rng, 7, MARGIN, 0.01)
        rows = sum(d.rows for d in drawn)
        upper = sum(d.difference for d in drawn) / rows + 1.645 * 0.1 / rows**0.5
        wrong += upper < MARGIN
    assert wrong >= binom.ppf(1 - RARE, 1_000, 0.20)


def test_an_equal_challenger_without_need_is_seldom_taken_for_better() -> None:
    passed = passes(7, 0.0, 0.005, Need(), 3_000, 3)
    assert passed <= binom.ppf(1 - RARE, 3_000, 0.06)


def test_a_clearly_better_challenger_passes() -> None:
    assert passes(7, -0.01, 0.005, Need(), 1_000, 4) >= binom.ppf(RARE, 1_000, 0.95)


def test_a_clearly_worse_challenger_never_passes() -> None:
    assert passes(7, 0.04, 0.01, ASKED, 1_000, 5) <= binom.ppf(1 - RARE, 1_000, 1e-4)


def test_twenty_good_segments_seldom_fail_the_gate() -> None:
    """Each segment sits exactly at its bound; all of them together err in 5 % at most."""
    rng = np.random.default_rng(6)
    bound = POLICY.segment_margin_share * 0.18
    failed = 0
    for _ in range(300):
        segments = {f"s{i}": days(rng, 10, bound, 0.02) for i in range(20)}
        better = days(rng, 10, -0.03, 0.001)
        failed += gate(better, segments, Need(), POLICY).verdict is Verdict.failed
    print(f"{failed} of 300 failed")
    assert failed <= binom.ppf(1 - RARE, 300, 0.06)


@pytest.mark.slow
@pytest.mark.parametrize("count", [5, 7, 14, 28])
@pytest.mark.parametrize("day_sd", [0.0, 0.003, 0.01, 0.03])
def test_wrong_promotions_at_full_size(count: int, day_sd: float) -> None:
    passed = passes(count, MARGIN, day_sd, ASKED, 10_000, 7)
    low, high = near(0.05, 10_000, 0.005)
    assert low <= passed <= high

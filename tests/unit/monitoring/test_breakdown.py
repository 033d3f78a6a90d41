"""Segments judged like the total, with the number of tests controlled."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.stats import binom

from monitoring.breakdown import MOST, Breakdown, Part, baselines, breakdown
from monitoring.labels import Joined
from monitoring.metrics import Task
from monitoring.performance import Policy

NOW = datetime(2013, 7, 9, tzinfo=UTC)
LEVELS = ["AA", "DL", "UA", "WN"]


def week(rng: np.random.Generator, rows: int = 1200, days: int = 7) -> tuple[Joined, np.ndarray]:
    """Calibrated scores with a little noise between days, and a carrier for every row."""
    chance = rng.uniform(0.05, 0.6, (days, rows))
    shifted = np.clip(chance + rng.normal(0, 0.02, (days, 1)), 0.01, 0.99)
    label = (rng.random((days, rows)) < shifted).astype(float)
    start = np.datetime64("2013-07-08") - days
    time = (start + np.arange(days))[:, None] + np.full((1, rows), np.timedelta64(12, "h"))
    carrier = rng.choice(LEVELS, days * rows).astype(object)
    times = time.astype("datetime64[us]").ravel()
    return Joined(chance.ravel(), label.ravel(), times), carrier


def judged(joined: Joined, carrier: np.ndarray, policy: Policy | None = None) -> Breakdown:
    return breakdown(joined, {"carrier": carrier}, policy or Policy(), "UTC", NOW, {})


def test_the_worst_segment_comes_first_with_its_interval() -> None:
    joined, carrier = week(np.random.default_rng(1))
    joined.score[carrier == "UA"] += 0.3
    joined.score[carrier == "DL"] += 0.15
    found = judged(joined, carrier)
    assert [part.name for part in found.degraded] == ["carrier=UA", "carrier=DL"]
    assert found.judged == 4
    assert found.degraded[0].worst == pytest.approx(0.3 / 0.05, rel=0.2)
    assert found.reason.startswith("2 of 4 segments degraded: carrier=UA (")
    assert "calibration gap +0." in found.reason
    assert "99.875 % interval over days +0." in found.reason


def test_nothing_wrong_is_no_reason() -> None:
    found = judged(*week(np.random.default_rng(2)))
    assert (found.judged, found.degraded, found.reason) == (4, (), "")


def test_lost_skill_is_found_against_the_segments_own_baseline() -> None:
    rng = np.random.default_rng(3)
    before, usual = week(rng, days=40)
    joined, carrier = week(rng)
    mine = np.flatnonzero(carrier == "WN")
    joined.score[mine] = rng.permutation(joined.score[mine])
    known = baselines(before, {"carrier": usual}, "UTC")
    assert set(known) == {f"carrier={level}" for level in LEVELS}
    found = breakdown(joined, {"carrier": carrier}, Policy(), "UTC", NOW, known)
    assert [part.name for part in found.degraded] == ["carrier=WN"]
    assert found.degraded[0].reasons[0].startswith("Brier skill")
    assert judged(joined, carrier).degraded == ()


def test_a_regression_is_judged_by_its_bias() -> None:
    rng = np.random.default_rng(4)
    joined, carrier = week(rng)
    label = rng.normal(100, 20, len(carrier))
    score = label + rng.normal(0, 5, len(carrier)) - 8 * (carrier == "AA")
    policy = Policy(task=Task.REGRESSION)
    found = judged(Joined(score, label, joined.time), carrier, policy)
    assert [part.name for part in found.degraded] == ["carrier=AA"]
    assert found.degraded[0].reasons[0].startswith("bias -8")


def test_rows_without_a_segment_or_of_rare_levels_are_in_none() -> None:
    joined, carrier = week(np.random.default_rng(5))
    carrier[::2] = None
    carrier[1:200:2] = "rare"
    carrier[201::2] = [f"level-{i % (MOST + 5)}" for i in range(len(carrier[201::2]))]
    policy = Policy(min_labels=120)
    assert judged(joined, carrier, policy).judged == MOST
    assert judged(joined, np.full(len(carrier), None)).judged == 0


def test_days_outside_the_window_are_not_judged() -> None:
    joined, carrier = week(np.random.default_rng(6), days=14)
    old = joined.time < np.datetime64("2013-07-01")
    joined.score[old] += 0.3
    assert judged(joined, carrier).degraded == ()


def test_a_long_list_is_cut() -> None:
    parts = tuple(Part(f"c={i}", 200, ("bias +1",), 2.0) for i in range(5))
    assert Breakdown(9, parts).reason.endswith("; and 2 more")


@pytest.mark.usefixtures("heavy")
def test_many_segments_raise_no_more_alarms_than_the_total() -> None:
    """Nominal 1 % of windows; days differ by a calibration error of 0.02, shared by segments."""
    rng, trials, alarms = np.random.default_rng(7), 150, 0
    for _ in range(trials):
        joined, _ = week(rng, 1200)
        features = {
            name: rng.choice([f"l{i}" for i in range(4)], len(joined.score)).astype(object)
            for name in "abc"
        }
        found = breakdown(joined, features, Policy(max_calibration_gap=1e-6), "UTC", NOW, {})
        assert found.judged == 12
        alarms += bool(found.degraded)
    assert alarms <= binom.ppf(1 - 1e-6, trials, 0.01)

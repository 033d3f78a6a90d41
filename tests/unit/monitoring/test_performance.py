"""Verdicts on labelled performance against noise between days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from monitoring.clustered import Baseline, clustered
from monitoring.labels import Joined
from monitoring.metrics import Task, skill
from monitoring.performance import (
    Policy,
    Verdict,
    assess,
    last_day,
    reference,
)

Floats = NDArray[np.float64]
UTC_DAY = "UTC"
NOW = datetime(2013, 7, 9, tzinfo=UTC)
"""With a wait of one day the last judged day is 7 July."""


def test_the_clustered_error_is_the_jackknife_written_out() -> None:
    label = np.array([1.0, 0, 0, 1, 1, 0, 1])
    score = np.array([0.5, 0.25, 0.5, 0.5, 0.75, 0.0, 0.25])
    day = np.array(["2013-07-01"] * 3 + ["2013-07-02"] * 2 + ["2013-07-04"] * 2, "datetime64[D]")
    left = [score[day != d].mean() - label[day != d].mean() for d in np.unique(day)]
    error = np.sqrt(2 / 3 * sum((value - np.mean(left)) ** 2 for value in left))
    gap, skilled = clustered(label, score, day, 0.95)
    assert gap is not None
    assert gap.value == pytest.approx(score.mean() - label.mean())
    assert gap.error == pytest.approx(error)
    # Student's t at 0.975 with two degrees of freedom, from a printed table.
    assert gap.high - gap.value == pytest.approx(4.302653 * error, rel=1e-6)
    assert skilled is not None
    assert skilled.value == pytest.approx(skill(label, score))


def year(rng: np.random.Generator, days: int, rows: int, bias: float, noise: float) -> Joined:
    """Scores calibrated up to `bias`, with the base rate shifted by `noise` on whole days."""
    chance = rng.uniform(0.05, 0.5, (days, rows))
    shifted = np.clip(chance + bias + rng.normal(0, noise, (days, 1)), 0.01, 0.99)
    label = (rng.random((days, rows)) < shifted).astype(float)
    start = np.datetime64("2013-07-08") - days
    time = (start + np.arange(days))[:, None] + np.full((1, rows), np.timedelta64(12, "h"))
    return Joined(chance.ravel(), label.ravel(), time.astype("datetime64[us]").ravel())


def with_labels(joined: Joined, label: Floats) -> Joined:
    return Joined(joined.score, label, joined.time)


def test_a_calibrated_week_is_healthy_and_says_what_was_measured() -> None:
    report = assess(year(np.random.default_rng(1), 7, 400, 0, 0), Policy(), UTC_DAY, NOW)
    assert (report.verdict, report.reasons) == (Verdict.HEALTHY, ())
    assert (report.first, report.last) == (date(2013, 7, 1), date(2013, 7, 7))
    assert (report.rows, report.labelled, report.completeness) == (2800, 2800, 1.0)
    assert report.metrics["auc"] is not None


def test_scores_that_promise_too_little_degrade() -> None:
    report = assess(year(np.random.default_rng(2), 7, 400, 0.15, 0.02), Policy(), UTC_DAY, NOW)
    assert report.verdict is Verdict.DEGRADED
    assert report.reasons[0].startswith("calibration gap -0.1")
    assert "(mean score below mean label; 99 % interval over days -0." in report.reasons[0]


def test_two_wild_days_are_a_gap_but_no_evidence() -> None:
    joined = year(np.random.default_rng(3), 7, 400, 0, 0)
    wild = np.isin(
        joined.time.astype("datetime64[D]"), np.array(["2013-07-02", "2013-07-05"], "M8")
    )
    report = assess(with_labels(joined, np.where(wild, 1.0, joined.label)), Policy(), UTC_DAY, NOW)
    assert report.gap is not None
    assert report.gap.value < -0.15
    assert report.verdict is Verdict.HEALTHY


def test_lost_skill_degrades_against_the_reference_only() -> None:
    rng = np.random.default_rng(4)
    before, after = year(rng, 60, 300, 0, 0.01), year(rng, 7, 400, 0, 0.01)
    shuffled = with_labels(after, rng.permutation(after.label))
    baseline = reference(before, UTC_DAY)
    assert isinstance(baseline, Baseline)
    assert baseline.days == 60
    assert assess(after, Policy(), UTC_DAY, NOW, baseline).verdict is Verdict.HEALTHY
    assert assess(shuffled, Policy(), UTC_DAY, NOW).verdict is Verdict.HEALTHY
    report = assess(shuffled, Policy(), UTC_DAY, NOW, baseline)
    assert report.verdict is Verdict.DEGRADED
    assert report.reasons[0].startswith("Brier skill")


def test_missing_labels_are_never_good_news() -> None:
    joined = year(np.random.default_rng(5), 7, 400, 0.3, 0)
    label = joined.label.copy()
    label[np.random.default_rng(6).random(len(label)) < 0.6] = np.nan
    report = assess(with_labels(joined, label), Policy(), UTC_DAY, NOW)
    assert report.verdict is Verdict.INSUFFICIENT
    assert report.reasons[0].endswith(" %; 50 % are needed)")
    assert len(report.thin) == 7


def test_a_day_without_labels_is_tolerated_and_shown() -> None:
    joined = year(np.random.default_rng(7), 7, 400, 0, 0)
    day = joined.time.astype("datetime64[D]") == np.datetime64("2013-07-03")
    report = assess(
        with_labels(joined, np.where(day, np.nan, joined.label)), Policy(), UTC_DAY, NOW
    )
    assert report.verdict is Verdict.HEALTHY
    assert report.reasons == (
        "fewer than 50 % of the rows of 2013-07-03 have a label; check the label feed",
    )
    assert report.completeness == pytest.approx(6 / 7)


@pytest.mark.parametrize(
    ("days", "rows", "complaint"),
    [
        (0, 0, "no predictions on the judged days"),
        (7, 20, "too few labels: 140 rows have one, 200 are needed"),
        (2, 400, "too few labelled days: 2, 3 are needed"),
    ],
)
def test_too_little_is_insufficient(days: int, rows: int, complaint: str) -> None:
    report = assess(year(np.random.default_rng(8), days, rows, 0.3, 0), Policy(), UTC_DAY, NOW)
    assert (report.verdict, report.reasons) == (Verdict.INSUFFICIENT, (complaint,))


def test_labels_still_on_their_way_are_not_counted_as_missing() -> None:
    joined = year(np.random.default_rng(9), 7, 400, 0, 0)
    young = joined.time >= np.datetime64("2013-07-05")
    label = np.where(young, np.nan, joined.label)
    report = assess(with_labels(joined, label), Policy(), UTC_DAY, NOW - timedelta(days=3))
    assert (report.last, report.completeness) == (date(2013, 7, 4), 1.0)


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (datetime(2013, 7, 9, 3, 59, tzinfo=UTC), date(2013, 7, 6)),
        (datetime(2013, 7, 9, 4, 0, tzinfo=UTC), date(2013, 7, 7)),
    ],
)
def test_a_day_is_mature_once_the_wait_after_its_local_midnight_is_over(
    now: datetime, last: date
) -> None:
    assert last_day(Policy(), "America/New_York", now) == last


def false_alarms(trials: int, seed: int) -> tuple[int, int]:
    rng = np.random.default_rng(seed)
    clusters = rows = 0
    for _ in range(trials):
        joined = year(rng, 7, 400, 0, 0.15)
        report = assess(joined, Policy(), UTC_DAY, NOW)
        clusters += report.verdict is Verdict.DEGRADED
        z = abs(np.mean(joined.score) - np.mean(joined.label)) / np.sqrt(0.25 / len(joined.label))
        rows += z > 2.576
    return clusters, rows


def test_weather_between_days_raises_few_alarms_where_counting_rows_raises_many() -> None:
    trials = 400
    clusters, rows = false_alarms(trials, 11)
    # Nominal 1 %; days clipped at 0.01 and 0.99 leave a small true gap, hence 3 %.
    assert clusters <= binom.ppf(1 - 1e-6, trials, 0.03)
    assert rows >= binom.ppf(1e-6, trials, 0.6)


def test_a_gap_of_a_tenth_is_found_through_weather() -> None:
    rng, trials = np.random.default_rng(12), 200
    found = sum(
        assess(year(rng, 7, 400, 0.1, 0.03), Policy(), UTC_DAY, NOW).verdict is Verdict.DEGRADED
        for _ in range(trials)
    )
    assert found >= binom.ppf(1e-6, trials, 0.95)


def numbers(rng: np.random.Generator, days: int, bias: float, noise: float) -> Joined:
    """A regression of labels around 40 with a spread of 10, its days a little off by chance."""
    like = year(rng, days, 300, 0, 0)
    label = rng.normal(40, 10, len(like.label))
    daily = np.repeat(rng.normal(0, 0.3, days), 300)
    return Joined(label + bias + daily + rng.normal(0, noise, len(label)), label, like.time)


def test_a_regression_is_judged_by_bias_and_lost_r_squared() -> None:
    rng, policy = np.random.default_rng(13), Policy(task=Task.REGRESSION)
    baseline = reference(numbers(rng, 40, 0, 4), UTC_DAY)
    assert baseline is not None
    assert baseline.skill == pytest.approx(0.84, abs=0.02)
    well = assess(numbers(rng, 7, 0, 4), policy, UTC_DAY, NOW, baseline)
    assert (well.verdict, well.reasons) == (Verdict.HEALTHY, ())
    assert well.metrics.keys() == {"mae", "rmse", "mean_label", "bias", "r2"}
    high = assess(numbers(rng, 7, 2.5, 4), policy, UTC_DAY, NOW, baseline)
    assert high.verdict is Verdict.DEGRADED
    assert high.reasons[0].startswith("bias +2.")
    assert "(mean score above mean label; 99 % interval over days +" in high.reasons[0]
    vague = assess(numbers(rng, 7, 0, 6), policy, UTC_DAY, NOW, baseline)
    assert vague.verdict is Verdict.DEGRADED
    assert vague.reasons[0].startswith("R² fell from 0.8")

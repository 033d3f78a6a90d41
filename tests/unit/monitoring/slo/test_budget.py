"""Burn rates against the workbook's numbers, the Poisson guard against scipy.stats and by rates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from monitoring.alerts.lifecycle import Severity
from monitoring.slo.budget import (
    Bucket,
    Buckets,
    Window,
    burn,
    fold,
    remaining,
    standard,
)

NOW = datetime(2013, 7, 31, tzinfo=UTC)
MONTH = timedelta(days=30)
MINUTE = timedelta(minutes=1)
GUARD = 1e-4


def minutes(good: np.ndarray, bad: np.ndarray, last: datetime = NOW) -> Buckets:
    """One bucket a minute, the last one ending at `last`."""
    start = np.datetime64(last.replace(tzinfo=None), "us") - np.arange(len(good), 0, -1) * (
        np.timedelta64(60_000_000, "us")
    )
    return Buckets(start, good.astype(np.int64), bad.astype(np.int64))


def steady(rate: int, bad_every: int, days: int = 30) -> Buckets:
    count = days * 1440
    bad = (np.arange(count) % bad_every == 0).astype(int)
    return minutes(np.full(count, rate) - bad, bad)


def test_the_shipped_windows_are_the_workbooks() -> None:
    assert [(w.long, w.short, w.severity) for w in standard()] == [
        (timedelta(hours=1), timedelta(minutes=5), Severity.PAGE),
        (timedelta(hours=6), timedelta(minutes=30), Severity.PAGE),
        (timedelta(days=1), timedelta(hours=2), Severity.TICKET),
        (timedelta(days=3), timedelta(hours=6), Severity.TICKET),
    ]
    assert [w.rate(MONTH) for w in standard()] == pytest.approx([14.4, 6, 3, 1])


def test_a_window_pair_must_be_in_order() -> None:
    with pytest.raises(ValueError, match="is not shorter than"):
        Window(long=MINUTE, short=MINUTE, budget=0.1, severity=Severity.PAGE)


def test_rates_by_hand() -> None:
    # 60 requests a minute, one bad: 1/60 of a budget of 1 % burns 1.67 times too fast.
    found = [burn(steady(60, 1, 4), w, 0.99, MONTH, GUARD, NOW) for w in standard()]
    assert [one.long_rate for one in found] == pytest.approx([1 / 0.6] * 4)
    assert [one.short_rate for one in found] == pytest.approx([1 / 0.6] * 4)
    assert [one.total for one in found] == [3600, 21_600, 86_400, 259_200]
    assert [one.firing for one in found] == [False, False, False, True]
    assert found[0].chance == pytest.approx(poisson.sf(59, 36))


def test_both_windows_must_burn() -> None:
    bad = np.zeros(1440, int)
    bad[-60:-10] = 30
    over = minutes(100 - bad, bad)
    hour = standard()[0]
    one = burn(over, hour, 0.99, MONTH, GUARD, NOW)
    assert one.long_rate == pytest.approx(25)
    assert (one.short_rate, one.firing) == (0, False)
    assert burn(over, hour, 0.99, MONTH, GUARD, NOW - 10 * MINUTE).firing


def test_one_failure_at_low_traffic_is_no_evidence() -> None:
    bad = np.zeros(60, int)
    bad[-2] = 1
    one = burn(minutes(1 - bad, bad), standard()[0], 0.999, MONTH, GUARD, NOW)
    assert one.long_rate == pytest.approx(1000 / 60)
    assert one.long_rate > one.needed
    assert (one.chance, one.firing) == (pytest.approx(poisson.sf(0, 0.06)), False)


def test_nothing_counted_is_no_rate() -> None:
    empty = Buckets.of([])
    one = burn(empty, standard()[0], 0.99, MONTH, GUARD, NOW)
    assert (one.long_rate, one.short_rate, one.firing) == (None, None, False)
    assert remaining(empty, 0.99, MONTH, NOW) is None


def test_the_budget_left_is_a_share_and_may_be_overspent() -> None:
    assert remaining(steady(100, 2), 0.99, MONTH, NOW) == pytest.approx(0.5)
    assert remaining(steady(100, 1), 0.995, MONTH, NOW) == pytest.approx(-1)


def test_shorter_objectives_have_lower_rates_for_the_same_share_of_budget() -> None:
    assert [w.rate(timedelta(days=7)) for w in standard()] == pytest.approx(
        [3.36, 1.4, 0.7, 7 / 30]
    )


ROWS = st.lists(
    st.builds(
        Bucket,
        st.integers(1, 50 * 1440).map(lambda back: NOW - back * MINUTE),
        st.integers(0, 50),
        st.integers(0, 5),
    ),
    max_size=40,
)


@given(ROWS)
def test_folding_keeps_the_counts_and_folds_once(rows: list[Bucket]) -> None:
    buckets = Buckets.of(rows)
    folded = fold(buckets, NOW)
    for back in (MONTH, timedelta(hours=72), timedelta(hours=2), timedelta(minutes=5)):
        # Folded hours begin on the hour; NOW is on the hour, so the long windows agree as well.
        assert folded.counted(NOW - back, NOW) == buckets.counted(NOW - back, NOW)
    assert fold(folded, NOW).rows() == folded.rows()
    assert Buckets.of(folded.rows()).rows() == folded.rows()


def test_a_months_minutes_fold_into_a_state_of_a_thousand_rows() -> None:
    assert len(fold(steady(1, 10, 40), NOW).start) == 360 + 31 * 24 - 6


def test_coarse_buckets_are_seen_by_short_windows() -> None:
    hour = timedelta(hours=1)
    rows = [Bucket(NOW - hour * (i + 1), 80, 20) for i in range(6)]
    one = burn(Buckets.of(rows, hour), standard()[0], 0.99, MONTH, GUARD, NOW)
    assert one.short_rate == pytest.approx(20)
    assert one.firing


def pages(rng: np.random.Generator, target: float, per_minute: float, guard: float) -> int:
    """Pages a service at half its budget gets in 30 days, looked at every ten minutes."""
    count = 31 * 1440
    total = rng.poisson(per_minute, count)
    bad = rng.binomial(total, (1 - target) / 2)
    buckets = minutes(total - bad, bad)
    paged, was = 0, False
    for back in range(30 * 144, -1, -1):
        at = NOW - 10 * back * MINUTE
        rows = [w for w in standard() if w.severity is Severity.PAGE]
        firing = any(burn(buckets, w, target, MONTH, guard, at).firing for w in rows)
        paged += firing and not was
        was = firing
    return paged


@pytest.mark.usefixtures("heavy")
@pytest.mark.parametrize(("target", "per_minute"), [(0.999, 1.0), (0.99, 0.1)])
def test_low_traffic_at_half_budget_pages_nobody_with_the_guard(
    target: float, per_minute: float
) -> None:
    # Reference figures: 20.1 (99.9 %) and 10 (99 %) pages a month unguarded, none guarded.
    unguarded = pages(np.random.default_rng(1), target, per_minute, 2.0)
    guarded = pages(np.random.default_rng(1), target, per_minute, GUARD)
    assert unguarded >= 4
    assert guarded == 0


def test_twenty_percent_errors_at_one_request_a_minute_are_found_within_half_an_hour() -> None:
    rng, trials, found, within = np.random.default_rng(2), 300, 0, []
    for _ in range(trials):
        bad = np.zeros(120, int)
        bad[60:] = rng.random(60) < 0.2
        buckets = minutes(1 - bad, bad)
        hits = [
            m
            for m in range(1, 61)
            if burn(buckets, standard()[0], 0.999, MONTH, GUARD, NOW - (60 - m) * MINUTE).firing
        ]
        found += bool(hits) and hits[0] <= 30
        within.append(hits[0] if hits else 61)
    # Three failures are needed: 95.6 % of half hours hold them (binomial, n = 30, p = 0.2).
    assert found >= binom.ppf(1e-6, trials, 0.956)
    assert np.median(within) <= 20

"""Paired intervals: by hand and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from engine.errors import Refused
from retrain.paired import paired


def test_equal_days_are_a_t_interval_of_day_means() -> None:
    means = np.array([0.01, -0.02, 0.005, 0.015, -0.01, 0.0, 0.02])
    found = paired(list(means * 50), [50] * 7)
    assert found is not None
    low, high = stats.t.interval(0.90, 6, means.mean(), stats.sem(means))
    assert found.mean == pytest.approx(means.mean(), abs=1e-15)
    assert (found.lower, found.upper) == pytest.approx((low, high), abs=1e-12)


def test_unequal_days_by_hand() -> None:
    """Sums 2, 6 over 10, 20 rows: mean 8/30; residuals ∓2/3; var = 2/1 · (8/9) / 900."""
    found = paired([2.0, 6.0], [10, 20])
    assert found is not None
    error = (2 * (8 / 9) / 900) ** 0.5
    assert found.mean == pytest.approx(8 / 30)
    assert found.upper - found.mean == pytest.approx(stats.t.ppf(0.95, 1) * error)
    assert (found.days, found.rows) == (2, 30)


def test_days_without_rows_do_not_count() -> None:
    assert paired([1.0, 0.0, 2.0], [5, 0, 5]) == paired([1.0, 2.0], [5, 5])
    assert paired([1.0, 0.0], [5, 0]) is None
    assert paired([], []) is None


def test_a_loss_that_is_no_number_is_refused() -> None:
    with pytest.raises(Refused, match="finite"):
        paired([1.0, float("nan")], [5, 5])

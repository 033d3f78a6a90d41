"""The tests of significance against laws computed elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitoring.drift.parts import normal_scores
from monitoring.drift.significance import (
    benjamini_hochberg,
    categorical_p,
    cauchy,
    missing_p,
    numeric_p,
    ordinal_p,
)


def test_normal_scores_are_orthonormal_and_follow_the_normal_law() -> None:
    w = np.array([0.1, 0.2, 0.3, 0.25, 0.15])
    h1, h2 = normal_scores(w)
    for h in (h1, h2):
        assert (w * h).sum() == pytest.approx(0, abs=1e-12)
        assert (w * h * h).sum() == pytest.approx(1, abs=1e-12)
    assert (w * h1 * h2).sum() == pytest.approx(0, abs=1e-12)
    # mean of a standard normal within each of its quantile cells
    cuts = stats.norm.ppf(np.concatenate([[0], np.cumsum(w)]).clip(0, 1))
    means = np.array([stats.truncnorm(low, high).mean() for low, high in pairwise(cuts)])
    assert h1 == pytest.approx(means / np.sqrt((w * means**2).sum()), abs=1e-9)


def exact(a: int, m: int, c: int, n: int) -> float:
    """The smaller tail, and of the other one its end as far as it is no likelier."""
    law = stats.hypergeom(m + n, a + c, n)
    lower, upper = law.cdf(c), law.sf(c - 1)
    tail = min(lower, upper)
    ends = law.sf(np.arange(n + 1) - 1) if lower <= upper else law.cdf(np.arange(n + 1))
    return tail + max(ends[ends <= tail], default=0.0)


def test_two_cells_are_fishers_exact_test() -> None:
    p = numeric_p(np.array([[80.0, 120.0]]), np.array([[30.0, 20.0]]))
    assert p[0] == pytest.approx(exact(80, 200, 30, 50), rel=0.1)


def test_the_missing_share_has_fishers_exact_test() -> None:
    p = missing_p(np.array([[5.0, 995.0], [0.0, 10.0]]), np.array([[9.0, 191.0], [0.0, 10.0]]))
    assert p[0] == pytest.approx(exact(5, 1_000, 9, 200), rel=0.1)
    assert np.isnan(p[1])


def test_many_categories_combine_chi_square_and_largest_cell() -> None:
    reference, current = np.array([[0.0, 500, 300, 200]]), np.array([[0.0, 40, 40, 20]])
    square = stats.chi2_contingency([reference[0, 1:], current[0, 1:]], correction=False).pvalue
    largest = 2 * exact(300, 1_000, 40, 100)
    terms = [1 / np.tan(np.pi * value) for value in (square, min(largest, 0.99))]
    assert categorical_p(reference, current)[0] == pytest.approx(
        np.arctan2(1, np.mean(terms)) / np.pi, rel=0.2
    )


@pytest.mark.parametrize(
    ("levels", "m", "n"), [(5, 60, 1_000), (12, 200, 1_000), (40, 500, 100_000)]
)
def test_levels_that_are_all_replaced_are_seen_however_few_rows_each_had(
    levels: int, m: int, n: int
) -> None:
    known = np.full(levels, m // levels, float)
    reference = np.array([[0.0, *known]])
    assert categorical_p(reference, np.array([[float(n), *np.zeros(levels)]]))[0] < 1e-6
    assert categorical_p(reference, np.array([[0.8 * n, 0.2 * n, *np.zeros(levels - 1)]]))[0] < 1e-6
    assert categorical_p(reference, np.array([[0.01 * n, *known / m * 0.99 * n]]))[0] > 0.01


def test_values_in_order_are_never_tested_weaker_than_as_levels() -> None:
    levels = np.array([0.2, 0.01, 0.9, np.nan])
    rising = np.array([[100.0, 100, 100]] * 4), np.array([[20.0, 30, 50]] * 4)
    p = ordinal_p(*rising, None, levels)
    assert (p[:3] <= levels[:3]).all()
    # Location alone, on normal scores instead of ranks.
    ranks = [[0, 1, 2] * 100, [0] * 20 + [1] * 30 + [2] * 50]
    assert p[3] == pytest.approx(stats.mannwhitneyu(*ranks).pvalue, rel=0.5)


def test_cauchy_of_one_is_itself_and_absent_parts_give_up_their_weight() -> None:
    p = np.array([[0.03, 0.2], [np.nan, 0.2]])
    assert cauchy(p, (0.8, 0.2)) == pytest.approx([0.03, 0.2])
    assert np.isnan(cauchy(np.array([[np.nan]]), (1.0,)))[0]
    assert cauchy(np.array([[1e-300], [0.9]]), (0.5, 0.5))[0] == pytest.approx(2e-300)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_q_values_are_scipys(p: list[float]) -> None:
    assert benjamini_hochberg(np.array(p)) == pytest.approx(
        stats.false_discovery_control(p), abs=1e-12
    )


def test_q_values_of_several_models_leave_absent_features_out() -> None:
    p = np.array([[0.01, np.nan, 0.04], [0.5, 0.02, 0.03]])
    q = benjamini_hochberg(p)
    assert q[0, [0, 2]] == pytest.approx(stats.false_discovery_control([0.01, 0.04]))
    assert np.isnan(q[0, 1])
    assert q[1] == pytest.approx(stats.false_discovery_control(p[1]))


def test_slices_widen_a_law_that_rows_in_clumps_make_too_narrow() -> None:
    rng = np.random.default_rng(11)
    shares = np.full(10, 0.1)
    slices: np.ndarray = 25.0 * rng.multinomial(
        40, shares, size=(20, 6)
    )  # every draw counts 25 rows
    reference: np.ndarray = slices.sum(0)
    current: np.ndarray = 25.0 * rng.multinomial(40, shares, size=6)
    assert (numeric_p(reference, current) < 1e-6).all()
    assert (numeric_p(reference, current, slices) > 1e-3).all()


@pytest.mark.parametrize("test", [numeric_p, categorical_p])
def test_models_are_independent_of_each_other(test: Callable[..., Any]) -> None:
    rng = np.random.default_rng(2)
    reference, current = rng.poisson(40, (2, 3, 4, 8)).astype(float)
    slices = rng.poisson(5, (10, 3, 4, 8)).astype(float)
    for parts in (None, slices):
        whole = test(reference, current, parts)
        one = test(reference[1], current[1], None if parts is None else parts[:, 1])
        assert whole.shape == (3, 4)
        assert whole[1] == pytest.approx(one, rel=1e-9)


@pytest.mark.parametrize("test", [numeric_p, categorical_p])
def test_one_cell_has_no_p_value_and_empty_sides_do_not_fail(test: Callable[..., Any]) -> None:
    rows = np.array([[0.0, 50, 0], [0, 0, 0], [0, 1, 1]])
    other = np.array([[0.0, 60, 0], [0, 5, 5], [0, 0, 0]])
    with np.errstate(all="ignore"):
        p = test(rows, other)
    assert np.isnan(p[0]) or p[0] > 0.9
    assert ((p > 0) | np.isnan(p)).all()


def test_levels_that_move_together_from_day_to_day_are_no_drift() -> None:
    """Days trade rows between the first and the second half of ten levels."""
    rng = np.random.default_rng(12)
    half = np.repeat([1.0, -1.0], 5)
    law = 0.1 * (1 + 0.04 * rng.normal(size=(12 + 1, 400, 1)) * half)
    days = np.array([[rng.multinomial(10_000, one) for one in day] for day in law], float)
    days = np.concatenate([np.zeros((13, 400, 1)), days], -1)[:, :, None]
    naive = categorical_p(days[:-1].sum(0), days[-1])
    p = categorical_p(days[:-1].sum(0), days[-1], days[:-1])
    assert (naive < 0.01).mean() > 0.3
    assert (p < 0.01).sum() <= 14  # once in ten thousand at one in a hundred

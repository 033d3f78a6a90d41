"""Exact tests of shares against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from monitoring.drift.exact import largest_cell_p, share_p

counts = st.tuples(
    st.integers(30, 5_000), st.floats(0, 1), st.integers(30, 5_000), st.floats(0, 1)
).map(lambda drawn: (round(drawn[0] * drawn[1]), drawn[0], round(drawn[2] * drawn[3]), drawn[2]))


def of(a: int, m: int, c: int, n: int, **others: float) -> float:
    one, other = np.array([a, m], float), np.array([c, n], float)
    return float(share_p((one[:1], one[1:]), (other[:1], other[1:]), **others)[0])


@given(counts)
def test_a_share_is_tested_alike_from_every_side(table: tuple[int, ...]) -> None:
    a, m, c, n = table
    same = pytest.approx(of(a, m, c, n), rel=1e-9)
    assert of(c, n, a, m) == same
    assert of(m - a, m, n - c, n) == same
    assert of(n - c, n, m - a, m) == same


@given(counts)
@example((0, 30, 1, 2501))
def test_the_p_lies_between_one_tail_and_two(table: tuple[int, ...]) -> None:
    a, m, c, n = table
    law = stats.hypergeom(m + n, a + c, n)
    # Both tails hold the table itself, so that either may be near 1: above a half there is no
    # evidence, and the p says no more than that.
    tail = min(law.cdf(c), law.sf(c - 1), 0.5)
    found = of(a, m, c, n)
    if tail > 1e-20:
        assert 0.8 * tail <= found <= min(1, 2.4 * tail)


def test_known_tables() -> None:
    assert of(8736, 8736, 1303, 1344) == pytest.approx(2.9e-36, rel=0.1)
    assert of(200, 10_000, 100, 1_000) < 1e-25
    assert of(0, 10, 0, 10) == of(10, 10, 5, 5) == 1


def test_clumps_make_a_share_less_certain() -> None:
    plain, clumped = of(100, 1_000, 150, 1_000), of(100, 1_000, 150, 1_000, factor=4.0)
    assert plain == pytest.approx(stats.fisher_exact([[100, 900], [150, 850]]).pvalue, rel=0.05)
    assert clumped == pytest.approx(stats.fisher_exact([[25, 225], [37, 213]]).pvalue, rel=0.2)
    assert of(100, 1_000, 150, 1_000, factor=4.0, freedom=10.0) > clumped


def test_the_largest_cell_is_the_same_from_both_sides_and_counts_for_all() -> None:
    a, c = np.array([[900.0, 50, 0, 50, 0]]), np.array([[900.0, 50, 12, 38, 0]])
    found = largest_cell_p(a, c, None, None)
    assert found == pytest.approx(3 * of(0, 1_000, 12, 1_000))
    assert largest_cell_p(c, a, None, None) == pytest.approx(found)
    assert largest_cell_p(a[:, ::-1], c[:, ::-1], None, None) == pytest.approx(found)

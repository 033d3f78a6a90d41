"""Slices: their grid, and what of them counts."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from monitoring.slo.definition import Op
from monitoring.slo.evaluation.series import Series
from monitoring.slo.evaluation.slices import good_slices, grid, slice_ratios
from tests.unit.monitoring.slo.evaluation.made import counts


def sums(found: Series) -> list[tuple[int, int]]:
    """Total and bad of each minute."""
    pairs = zip(np.diff(found.total), np.diff(found.bad), strict=True)
    return [(int(total), int(bad)) for total, bad in pairs]


@pytest.mark.parametrize(
    ("begin", "end", "width", "periods", "wanted"),
    [
        (1440, 1460, 10, None, [1440, 1450, 1460]),
        (1445, 1455, 10, None, [1440, 1450, 1460]),
        (-5, 5, 10, None, [-10, 0, 10]),
        (3, 20, 10, [-7, 15, 40], [3, 13, 15, 25]),
        (0, 30, 60, [0, 23, 30, 99], [0, 23, 30]),
    ],
)
def test_edges(
    begin: int, end: int, width: int, periods: list[int] | None, wanted: list[int]
) -> None:
    found = grid(begin, end, width, None if periods is None else np.array(periods))
    assert found.tolist() == wanted


def test_a_slice_counts_at_the_minute_before_its_end() -> None:
    rows = counts(0, np.array([10, 10, 10, 10, -1, -1, 10, 10]), np.array([0, 1, 1, 1, 0, 0, 2, 0]))
    minutes = Series.of(rows, 0, 9)
    found = good_slices(minutes, grid(0, 9, 2, None), Fraction(95, 100))
    # One of twenty is bad: 95 % is reached. A slice without events counts as neither.
    assert sums(found) == [(0, 0), (1, 0), (0, 0), (1, 1), (0, 0), (0, 0), (0, 0), (1, 1), (0, 0)]


def test_ratios_of_slices_weigh_the_same() -> None:
    rows = counts(0, np.array([2, 1, 50, 50, -1, -1]), np.array([1, 0, 20, 20, 0, 0]))
    found = slice_ratios(Series.of(rows, 0, 6), grid(0, 6, 2, None))
    assert found.unit == 15
    assert sums(found) == [(0, 0), (15, 5), (0, 0), (15, 6), (0, 0), (0, 0)]


def test_ratios_without_a_short_common_denominator_are_compared_exactly() -> None:
    """1/p and 1 - 1/p over primes p: half of each is bad in all, by hair's breadth."""
    primes = [p for p in range(100, 2000) if all(p % d for d in range(2, 45))]
    total = np.repeat(primes, 2)
    bad = np.array([n for p in primes for n in (1, p - 1)])
    found = slice_ratios(Series.of(counts(0, total, bad), 0, len(total)), np.arange(len(total) + 1))
    assert found.unit == 2**512
    assert found.rests
    whole = np.array([0]), np.array([len(total)])
    for op, wanted in ((Op.GTE, True), (Op.LTE, True), (Op.GT, False), (Op.LT, False)):
        assert found.compare(*whole, op, Fraction(1, 2)).tolist() == [wanted]
    assert found.compare(*whole, Op.GT, Fraction(1, 2) - Fraction(1, 2**600)).all()

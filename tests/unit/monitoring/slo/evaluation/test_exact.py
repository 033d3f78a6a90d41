"""Sums, products and comparisons that neither round nor overflow."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from monitoring.slo.definition import Op
from monitoring.slo.evaluation.exact import compares, running, shares, times


@pytest.mark.parametrize(
    ("bad", "total", "target", "burn", "sign"),
    [
        (432, 3000, "0.99", "14.4", 0),
        (433, 3000, "0.99", "14.4", 1),
        (6, 1000, "0.999", "6", 0),
        (1, 1000, "0.9999", "10", 0),
        (7, 10, "0.95", "14", 0),
        (3, 7, "0.9", "4.285714285714286", -1),
        (2**61 + 1, 2**62, "0.5", "1", 1),
        (3 * 10**40, 10**41, "0.9", "3", 0),
    ],
)
def test_a_burn_rate_is_compared_as_it_is(
    bad: int, total: int, target: str, burn: str, sign: int
) -> None:
    """With floats 0.144 / (1 - 0.99) is 14.400000000000013, and over 14.4."""
    kind = np.int64 if total < 2**63 else object
    limit = Fraction(burn) * (1 - Fraction(target))
    sides = np.array([bad], kind), np.array([total], kind)
    found = {op: bool(shares(*sides, op, limit)[0]) for op in Op}
    wanted = {Op.LT: sign < 0, Op.LTE: sign <= 0, Op.GT: sign > 0, Op.GTE: sign >= 0}
    assert found == wanted
    assert {op: compares(Fraction(bad, total), op, limit) for op in Op} == wanted


@pytest.mark.parametrize("op", Op)
def test_nothing_compares_with_no_events(op: Op) -> None:
    assert not shares(np.array([0]), np.array([0]), op, Fraction(1, 2)).any()


@pytest.mark.parametrize("largest", [1, 2**31, 2**61, 2**62, 2**63 - 1])
def test_sums_and_products_of_large_numbers(largest: int) -> None:
    numbers = np.array([largest, 0, largest, largest])
    assert running(numbers).tolist() == [0, largest, largest, 2 * largest, 3 * largest]
    assert times(numbers, 3).tolist() == [3 * largest, 0, 3 * largest, 3 * largest]


def test_ordinary_numbers_stay_machine_integers() -> None:
    assert running(np.arange(1000)).dtype == np.int64
    assert times(np.arange(1000), 1000).dtype == np.int64

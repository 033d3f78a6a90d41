"""Arithmetic of counts without rounding: int64 where it fits, Python's integers elsewhere."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import numpy as np
from numpy.typing import NDArray

from monitoring.slo.definition import Op

#: Integers: of int64, or of `object` where a value or a product could overflow.
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Products stay below this, so that two of them can be added.
MOST = 2**62
OPS: dict[Op, np.ufunc] = {
    Op.LTE: np.less_equal,
    Op.LT: np.less,
    Op.GTE: np.greater_equal,
    Op.GT: np.greater,
}


def wide(values: Ints) -> Ints:
    """Return the same numbers as Python's integers, which do not overflow."""
    return cast(Ints, values.astype(object))


def running(values: Ints) -> Ints:
    """Return the sums before each place of non-negative numbers, and the sum of all.

    >>> running(np.array([3, 0, 4])).tolist()
    [0, 3, 3, 7]
    """
    largest = int(values.max(initial=0))
    if largest * len(values) >= MOST:
        values = wide(values)
    sums = np.zeros(len(values) + 1, values.dtype)
    np.cumsum(values, out=sums[1:])
    return sums


def times(values: Ints, factor: int) -> Ints:
    """Multiply non-negative numbers by one that is not negative.

    >>> times(np.array([2**40]), 2**40).tolist() == [2**80]
    True
    """
    largest = int(values.max(initial=0))
    if largest * factor >= MOST:
        values = wide(values)
    return values * factor


def shares(bad: Ints, total: Ints, op: Op, limit: Fraction) -> Bools:
    """Tell where bad / total compares with a limit; nowhere where the total is 0.

    >>> shares(np.array([432, 433]), np.array([3000, 3000]), Op.GT, Fraction(144, 1000)).tolist()
    [False, True]
    """
    left, right = times(bad, limit.denominator), times(total, limit.numerator)
    return cast(Bools, OPS[op](left, right) & (total > 0))


def compares(value: Fraction, op: Op, limit: Fraction) -> bool:
    """Compare two numbers."""
    sign = (value > limit) - (value < limit)
    return bool(OPS[op](sign, 0))

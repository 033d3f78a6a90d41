"""Minutes gathered into slices: each counts once, at the minute before its end."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import cast

import numpy as np

from monitoring.slo.definition import Op
from monitoring.slo.evaluation.exact import Ints, running, shares
from monitoring.slo.evaluation.series import Minutes, Series

#: The longest common denominator of the ratios of slices, in bits; beyond it they are rounded.
LONGEST = 512


def grid(begin: int, end: int, width: int, periods: Minutes | None) -> Minutes:
    """Return the edges of the slices that touch [begin, end).

    Without periods they are the multiples of `width` since 1970. With them each period begins with
    a slice, and its last one is cut where the period ends.

    >>> grid(0, 20, 8, None).tolist(), grid(0, 20, 8, np.array([-3, 15, 40])).tolist()
    ([0, 8, 16, 24], [-3, 5, 13, 15, 23])
    """
    if periods is None:
        return np.arange(begin // width * width, end + width, width)
    parts = [
        np.arange(first, last, width)
        for first, last in zip(periods[:-1].tolist(), periods[1:].tolist(), strict=True)
    ]
    edges = np.concatenate([*parts, periods[-1:]])
    left = max(int(np.searchsorted(edges, begin, "right")) - 1, 0)
    return edges[left : int(np.searchsorted(edges, end)) + 1]


def good_slices(minutes: Series, edges: Minutes, target: Fraction) -> Series:
    """Count the slices with events; those whose good share is below `target` are bad."""
    total, bad = minutes.between(edges[:-1], edges[1:])
    missed = shares(bad, total, Op.GT, 1 - target)
    return _placed(minutes, edges, (total > 0).astype(np.int64), missed.astype(np.int64), 1)


def slice_ratios(minutes: Series, edges: Minutes) -> Series:
    """Count each slice with events as one, of which the share of its bad events is bad."""
    total, bad = minutes.between(edges[:-1], edges[1:])
    some = np.flatnonzero(total > 0)
    ratios = [Fraction(int(bad[one]), int(total[one])) for one in some]
    unit = 1
    for denominator in {ratio.denominator for ratio in ratios}:
        unit = math.lcm(unit, denominator)
        if unit.bit_length() > LONGEST:
            unit = 1 << LONGEST
            break
    weights, shares_of = np.zeros(len(total), object), np.zeros(len(total), object)
    weights[some] = unit
    rests: dict[int, Fraction] = {}
    for place, ratio in zip(some.tolist(), ratios, strict=True):
        whole, rest = divmod(ratio.numerator * unit, ratio.denominator)
        shares_of[place] = whole
        if rest:
            rests[int(edges[place + 1]) - 1] = Fraction(rest, ratio.denominator)
    found = _placed(minutes, edges, cast(Ints, weights), cast(Ints, shares_of), unit)
    return Series(found.base, found.total, found.bad, unit, rests)


def _placed(minutes: Series, edges: Minutes, total: Ints, bad: Ints, unit: int) -> Series:
    """Put each slice at the minute before its end; those that end later are left out."""
    place = edges[1:] - 1 - minutes.base
    inside = (place >= 0) & (place < minutes.end - minutes.base)
    sums = []
    for column in (total, bad):
        dense = np.zeros(minutes.end - minutes.base, column.dtype)
        dense[place[inside]] = column[inside]
        sums.append(running(dense))
    return Series(minutes.base, sums[0], sums[1], unit)

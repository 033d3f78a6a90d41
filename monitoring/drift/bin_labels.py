"""Labels of numeric bins: intervals, and the values that have a bin of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from monitoring.drift.atoms import Floats, after, before


def interval_labels(edges: Sequence[float], atoms: Floats) -> tuple[str, ...]:
    """One label per bin, e.g. `(0.5, 2]`; an atom's is its value, and `(2, 7)` ends before one.

    Numbers have 12 digits, or 17 where two labels would be the same.
    """
    lower, upper = (dict(zip(ends(atoms), atoms, strict=True)) for ends in (before, after))
    ends = [-math.inf, *edges, math.inf]
    short = tuple(_interval(*pair, lower, upper, 12) for pair in pairwise(ends))
    if len(set(short)) == len(short):
        return short
    return tuple(_interval(*pair, lower, upper, 17) for pair in pairwise(ends))


def _interval(
    low: float, high: float, lower: Mapping[float, float], upper: Mapping[float, float], digits: int
) -> str:
    """Label (low, high] by the atoms that it ends in front of (`lower`) or begins after."""
    if low in lower and high in upper:
        return f"{upper[high]:.{digits}g}"
    begin = f"({upper.get(low, low):.{digits}g}"
    if high in lower:
        return f"{begin}, {lower[high]:.{digits}g})"
    return f"{begin}, inf)" if high == math.inf else f"{begin}, {high:.{digits}g}]"

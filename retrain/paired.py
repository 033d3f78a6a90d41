"""Mean paired differences with intervals clustered by day.

Rows of one day share weather, traffic and incidents, so the day is the unit: the mean paired
difference is a ratio of sums over days, its variance the cluster-robust one with G days,

    mean = ΣD_g / Σn_g,   var = G/(G-1) · Σ(D_g - mean·n_g)² / (Σn_g)²

(Liang and Zeger 1986), and its interval uses Student's t with G - 1 degrees of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import Refused


@dataclass(frozen=True)
class Paired:
    """Mean loss difference per row (challenger minus champion) with its interval."""

    mean: float
    lower: float
    upper: float
    days: int
    rows: int


def paired(sums: Sequence[float], counts: Sequence[int], confidence: float = 0.90) -> Paired | None:
    """The day-clustered interval of a mean paired difference.

    Parameters
    ----------
    sums, counts
        One entry per day: the sum of the differences and the number of rows. Days without rows
        are left out.
    confidence
        Two-sided; the upper end of a 90 % interval is a 95 % one-sided bound.

    Returns
    -------
    Paired or None
        None with fewer than two days, since one day says nothing about days.
    """
    days = [(d, n) for d, n in zip(sums, counts, strict=True) if n > 0]
    if len(days) < 2:
        return None
    if not all(math.isfinite(d) for d, _ in days):
        raise Refused("paired losses: every day's sum must be a finite number")
    # Deferred: scipy.special costs half a second of the light import of the entry points.
    from scipy.special import stdtrit

    rows = sum(n for _, n in days)
    mean = math.fsum(d for d, _ in days) / rows
    squares = math.fsum((d - mean * n) ** 2 for d, n in days)
    error = math.sqrt(len(days) / (len(days) - 1) * squares) / rows
    half = float(stdtrit(len(days) - 1, (1 + confidence) / 2)) * error
    return Paired(mean, mean - half, mean + half, len(days), rows)

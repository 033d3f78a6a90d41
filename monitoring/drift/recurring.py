"""Recurring drift: every Monday, on the first of the month, or at irregular times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

#: F from which on two levels are distinguished; it is large because the split is the best of many.
CLEAR = 40.0
#: Share of their distance that has to be empty between the windows of two levels.
APART = 0.4
#: Repetitions on one day of the week that make a weekly rhythm.
MIN_WEEKS = 3
WEEK = timedelta(days=7)

Floats = NDArray[np.float64]


def begins(series: Floats) -> tuple[int, ...]:
    """Places where a change begins, the present one last; none where it does not recur.

    series: each window's position between the reference (0) and the newest window (1), which is the
    last one. A window has changed if its position is above one half.

    >>> begins(np.array([0.0, 1, 1, 0, 0.1, 0, -0.1, 0, 0.9, 1]))
    (1, 8)
    >>> begins(np.array([0.0, 0, 0, 0, 0.1, 0, -0.1, 0, 0.9, 1]))
    ()
    """
    high = series > 0.5
    found = np.flatnonzero(np.diff(high.astype(int), prepend=0) == 1)
    # The newest window defines the position 1, so it is no evidence itself.
    if len(found) < 2 or not _parted(series[:-1], high[:-1]):
        return ()
    return tuple(found.tolist())


def rhythm(starts: Sequence[str]) -> str:
    """Name the rhythm in which a change begins; empty where there is none.

    >>> rhythm(["2024-03-04", "2024-03-11", "2024-03-18"])
    'every Monday'
    """
    try:
        days = [date.fromisoformat(start) for start in starts]
    except ValueError:
        return ""
    if len(days) >= MIN_WEEKS and all(later - day == WEEK for day, later in pairwise(days)):
        return f"every {days[-1]:%A}"
    if len(days) > 1 and len({day.day for day in days}) == 1:
        return f"on day {days[-1].day} of the month"
    return ""


def _parted(series: Floats, high: NDArray[np.bool_]) -> bool:
    """Whether two groups of windows are two separate levels."""
    above, below = series[high], series[~high]
    between = float(above.mean() - below.mean())
    if above.min() - below.max() < APART * between:
        return False
    within = float(np.sum((above - above.mean()) ** 2) + np.sum((below - below.mean()) ** 2))
    total = float(np.sum((series - series.mean()) ** 2))
    return total - within > CLEAR * within / max(len(series) - 3, 1)

"""The expected duration and cost of the next training, from the past ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median


@dataclass(frozen=True)
class Past:
    """One finished run; `cost` in the currency of the budget, None when it was not metered."""

    duration: timedelta
    cost: float | None = None


@dataclass(frozen=True)
class Estimate:
    """Medians over `runs` past runs; `cost` is None when none of them was metered."""

    duration: timedelta
    cost: float | None
    runs: int


def estimate(past: Sequence[Past]) -> Estimate | None:
    """The median run, None without a past; one stuck run hardly moves a median.

    >>> estimate([Past(timedelta(minutes=m), 1.0 * m) for m in (4, 6, 90)])
    Estimate(duration=datetime.timedelta(seconds=360), cost=6.0, runs=3)
    """
    if not past:
        return None
    costs = [run.cost for run in past if run.cost is not None]
    seconds = median(run.duration.total_seconds() for run in past)
    return Estimate(timedelta(seconds=seconds), median(costs) if costs else None, len(past))

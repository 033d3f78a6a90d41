"""What one objective is judged on: its events or slices, and the windows over them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

import numpy as np

from monitoring.slo.definition import Calendar, Method, Objective, Slo
from monitoring.slo.evaluation import slices
from monitoring.slo.evaluation.exact import Bools
from monitoring.slo.evaluation.periods import MINUTE, boundaries
from monitoring.slo.evaluation.rules import Clause
from monitoring.slo.evaluation.series import Counts, Minutes, Series


@dataclass(frozen=True, eq=False)
class Ledger:
    """`minutes` are the events, `series` what the method counts of them.

    `allowed` is the share that may be bad. The window is the last `length` minutes, or reaches back
    to the last of the `periods`' boundaries.
    """

    minutes: Series
    series: Series
    allowed: Fraction
    length: int
    periods: Minutes | None
    shortest: int = 1

    def since(self, at: Minutes, lookback: int | None) -> Minutes:
        """Return where a lookback begins, or the objective's window; a slice is looked at whole."""
        if lookback is not None:
            return at - max(lookback, self.shortest)
        if self.periods is None:
            return at - self.length
        return self.periods[np.searchsorted(self.periods, at, "right") - 1]

    def compare(self, clause: Clause, at: Minutes) -> Bools:
        """Tell where the burn rate compares with the clause's threshold, at minute boundaries."""
        since, limit = self.since(at, clause.lookback), clause.threshold * self.allowed
        return self.series.compare(since, at, clause.op, limit)

    def period_end(self, at: int) -> int | None:
        """Return where the calendar period of a minute boundary ends; None for a rolling window."""
        if self.periods is None:
            return None
        return int(self.periods[np.searchsorted(self.periods, at, "right")])


def ledger(slo: Slo, objective: Objective, counts: Counts, base: int, end: int) -> Ledger:
    """Lay out the counts of an objective from `base` to `end`, by its window and method.

    Slices are those of UTC, counted from 1970; those of calendar windows begin with each period.
    """
    minutes = Series.of(counts, base, end)
    periods = boundaries(slo.window, base, end) if isinstance(slo.window, Calendar) else None
    length = 0 if isinstance(slo.window, Calendar) else slo.window.length // MINUTE
    allowed = 1 - objective.target
    if slo.method is Method.OCCURRENCES:
        return Ledger(minutes, minutes, allowed, length, periods)
    width = (objective.slice_window or timedelta(minutes=1)) // MINUTE
    edges = slices.grid(base, end, width, periods)
    if slo.method is Method.RATIO_TIMESLICES:
        series = slices.slice_ratios(minutes, edges)
    else:
        target = objective.target if objective.slice_target is None else objective.slice_target
        series = slices.good_slices(minutes, edges, target)
    return Ledger(minutes, series, allowed, length, periods, width)

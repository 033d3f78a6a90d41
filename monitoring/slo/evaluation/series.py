"""Counts by the minute with running sums, so that any window of them costs two look-ups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from monitoring.slo.definition import Op
from monitoring.slo.evaluation.exact import Bools, Ints, compares, running, shares

#: Minutes since 1970-01-01T00:00Z.
Minutes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Counts:
    """The minutes that have data, ascending and once each, and their events.

    `unit` is how many of the integers make one event: ratios are counted in decimal fractions.
    """

    minute: Minutes
    total: Ints
    bad: Ints
    unit: int = 1


@dataclass(frozen=True, eq=False)
class Series:
    """Sums of the minutes from `base` on: `total[i]` is that of [base, base + i).

    Where the bad share of a minute had to be rounded down, `rests` has what is missing there, less
    than 1 each; its total is `unit`.
    """

    base: int
    total: Ints
    bad: Ints
    unit: int = 1
    rests: Mapping[int, Fraction] = field(default_factory=dict)

    @classmethod
    def of(cls, counts: Counts, base: int, end: int) -> Series:
        """Lay counts out minute by minute from `base` to `end`; others are left out."""
        left, right = np.searchsorted(counts.minute, [base, end])
        place = counts.minute[left:right] - base
        sums = []
        for column in (counts.total, counts.bad):
            dense = np.zeros(end - base, column.dtype)
            dense[place] = column[left:right]
            sums.append(running(dense))
        return cls(base, sums[0], sums[1], counts.unit)

    @property
    def end(self) -> int:
        """The minute after the last one."""
        return self.base + len(self.total) - 1

    def between(self, since: Minutes, until: Minutes) -> tuple[Ints, Ints]:
        """Return total and bad of the minutes [since, until), pair by pair."""
        first, last = self._place(since), self._place(until)
        return self.total[last] - self.total[first], self.bad[last] - self.bad[first]

    def compare(self, since: Minutes, until: Minutes, op: Op, limit: Fraction) -> Bools:
        """Tell where the bad share of [since, until) compares with a limit; not without events."""
        total, bad = self.between(since, until)
        found = shares(bad, total, op, limit)
        if self.rests:
            unsure = found != shares(bad + total // self.unit, total, op, limit)
            for place in np.flatnonzero(unsure):
                minutes = range(int(since[place]), int(until[place]))
                rest = sum((self.rests.get(one, Fraction(0)) for one in minutes), Fraction(0))
                share = (int(bad[place]) + rest) / int(total[place])
                found[place] = compares(share, op, limit)
        return found

    def _place(self, minute: Minutes) -> Minutes:
        return np.clip(minute - self.base, 0, len(self.total) - 1)

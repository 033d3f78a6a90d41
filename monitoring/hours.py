"""The usual number of requests at an hour of the week, from the weeks before.

Counts vary more than a Poisson law allows: whole days are busier, and callers come in bursts. The
excess is estimated from the history, over stretches as long as the silence, which includes levels
shared by neighbouring hours without a model of them (negative binomial by moments: Johnson, Kemp &
Kotz, Univariate Discrete Distributions, 3rd ed. 2005, ch. 5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import scipy
from numpy.typing import NDArray

HOUR = 3600
WEEK = 168
#: Longest stretch, in hours, over which the spread is estimated; it does not grow beyond.
LONGEST_SPREAD = 24
#: Mean requests from which on an empty hour of the week counts as a gap.
BUSY = 1.0
MEDIAN = np.pi / 2
"""Variance of a median of normal values relative to that of their mean."""

Floats = NDArray[np.float64]
Special = Callable[[date], bool]


@dataclass(frozen=True)
class Rules:
    """How many weeks an hour is compared with, how many are needed, and the share of an event.

    `event_share` is the share of the usual requests that is expected on the days of an event.
    """

    weeks: int
    min_weeks: int
    event_share: float


class History:
    """Requests up to the last hour with any, by the local clock, which daily seasons follow.

    An hour that the clocks skip is unknown, one that comes twice is the mean of both.
    """

    def __init__(
        self, first: int, counts: Sequence[int], rules: Rules, zone: str, special: Special
    ) -> None:
        self.rules, self.zone, self.special = rules, ZoneInfo(zone), special
        self.last, self.days = first + len(counts) - 1, dict[int, bool]()
        places = np.array([self._local(hour) for hour in range(first, self.last + 1)])
        self.start, self.end = int(places[0]), int(places[-1]) + 1
        size = self.end - self.start
        sums = np.bincount(places - self.start, counts, size)
        times = np.bincount(places - self.start, minlength=size)
        odd = [self._odd(place) for place in range(self.start, self.end)]
        if odd.count(False) < rules.min_weeks * WEEK:
            # An event over nearly all of the history is the usual state and explains no silence.
            odd, self.special = [False] * size, _ordinary
            self.days.clear()
        with np.errstate(invalid="ignore"):
            self.values = np.where(odd, np.nan, sums / times)
        self.hours = size
        self.weeks = size // WEEK
        self.spreads: dict[int, float] = {}
        self.busy, self.zero, self.stays = self._gaps()

    def silence(self, length: int) -> tuple[float, float]:
        """Chance of `length` hours without a request after the last one; requests expected in them.

        The chance is the larger of two: by the negative binomial, and by the gaps in the history,
        without the longest one, which may have been an outage.
        """
        chance, expected = self.fewer(self.last + 1 + length, length, 0)
        begin = self._local(self.last + 1)
        busy = sum(bool(self.busy[(begin + i) % WEEK]) for i in range(length))
        gap = self.zero * self.stays ** max(busy - 1, 0) if busy else 0.0
        return max(chance, gap), expected

    def fewer(self, until: int, length: int, count: int) -> tuple[float, float]:
        """Chance of at most `count` requests in `length` hours before `until`.

        The second number is how many are expected.
        """
        begin = self._local(until - length)
        usual = self._usual(begin, length)
        if len(usual) < self.rules.min_weeks or not np.median(usual) > 0:
            return 1.0, 0.0
        expected = float(np.median(usual))
        # A median of few weeks is uncertain itself: that adds to the spread.
        doubt = MEDIAN / len(usual)
        spread = self._spread(min(length, LONGEST_SPREAD))
        spread = max(spread * (1 + doubt) + doubt / expected, 1e-9)
        return float(
            scipy.special.betainc(1 / spread, count + 1, 1 / (1 + spread * expected))
        ), expected

    def _usual(self, begin: int, length: int) -> Floats:
        """Requests of the same hours in each earlier week in which all of them are known."""
        share = self.rules.event_share
        weights = [share if self._odd(begin + i) else 1.0 for i in range(length)]
        found = []
        for week in range(1, self.rules.weeks + 1):
            place = begin - week * WEEK - self.start
            part = self.values[place : place + length] if place >= 0 else self.values[:0]
            if len(part) == length:
                found.append(float(np.dot(part, weights)))
        sums: Floats = np.array([total for total in found if not np.isnan(total)], np.float64)
        return sums

    def _spread(self, length: int) -> float:
        """Variance beyond a Poisson law's over the squared mean, for sums over `length` hours."""
        if length not in self.spreads:
            sums = np.convolve(self.values, np.ones(length), "valid")
            cells = _by_week(sums)
            weeks = np.sum(~np.isnan(cells), 0)
            cells, weeks = cells[:, weeks >= 2], weeks[weeks >= 2]
            value = 0.0
            if cells.size:
                mean, spread = np.nanmean(cells, 0), np.nanvar(cells, 0, ddof=1)
                squares = float(np.sum(np.maximum(mean**2 - spread / weeks, 0.0)))
                over = float(np.sum(spread - mean))
                value = max(over / squares, 0.0) if squares > 0 else 0.0
                # Hours of one day share a level, so a day counts as one observation.
                value *= 1 + 2 / np.sqrt(7 * max(float(weeks.max()) - 1, 1.0))
            self.spreads[length] = value
        return self.spreads[length]

    def _gaps(self) -> tuple[NDArray[np.bool_], float, float]:
        """Busy hours of the week; share of them that are empty; chance that the next is, too."""
        cells = _by_week(self.values)
        known = np.sum(~np.isnan(cells), 0)
        mean = np.divide(np.nansum(cells, 0), known, out=np.zeros(WEEK), where=known > 0)
        # Rows end with the newest hour: put the columns in the order of the local clock.
        busy = np.roll(mean >= BUSY, self.end % WEEK)
        at = busy[np.arange(self.start, self.end) % WEEK] & ~np.isnan(self.values)
        empty = self.values[at] == 0
        runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], empty, [0]]))))[::2]
        counted = np.delete(runs, np.argmax(runs)) if len(runs) else runs
        total = int(counted.sum())
        if not total:
            return busy, 0.0, 0.0
        return busy, total / len(empty), (total - len(counted)) / total

    def _local(self, hour: int) -> int:
        at = datetime.fromtimestamp(hour * HOUR, self.zone)
        offset = at.utcoffset() or timedelta(0)
        return hour + int(offset.total_seconds() // HOUR)

    def _odd(self, place: int) -> bool:
        day = place // 24
        if day not in self.days:
            self.days[day] = self.special(date(1970, 1, 1) + timedelta(days=day))
        return self.days[day]


def _by_week(values: Floats) -> Floats:
    """Shape (weeks, 168), the newest value last; missing hours of the oldest week are NaN."""
    weeks = -(-len(values) // WEEK)
    padded = np.full(weeks * WEEK, np.nan)
    padded[len(padded) - len(values) :] = values
    return padded.reshape(weeks, WEEK)


def _ordinary(day: date) -> bool:
    del day
    return False

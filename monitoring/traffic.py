"""An endpoint that falls silent: requests by hour, held against the same hours of the weeks before.

Counts vary more than Poisson's: by days that are all of them busier, by callers that come in
bursts. How much more is estimated from the history itself, over stretches as long as the silence,
so that a level shared by neighbouring hours is found without being modelled (negative binomial by
moments: Johnson, Kemp & Kotz, Univariate Discrete Distributions, 3rd ed. 2005, ch. 5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import betainc

import engine.policy

HOUR = 3600
WEEK = 168
#: Hours that are remembered: one week more than a silence is ever held against.
KEPT = 6 * WEEK
#: Stretches over which the spread is estimated are no longer: longer ones have no more of it.
LONGEST_SPREAD = 24
#: An hour with so many requests in the mean is one in which silence says something.
BUSY = 1.0
QUIET_HOURS = 3
#: Hours of silence at which it is asked whether it is one, before it is asked in between.
LENGTHS = (1, 2, 3, 4, 6, 9, 12, 15, 18, 24, 36, 48, 60, 72, 96, 120, 144, WEEK)
MEDIAN = np.pi / 2
"""Variance of a median of normal values over that of their mean."""

Floats = NDArray[np.float64]
Special = Callable[[date], bool]


class Policy(engine.policy.Policy):
    """When no requests are too few."""

    silence: bool = Field(
        True, description="Whether an endpoint that falls silent pages; its traffic log tells."
    )
    weeks: int = Field(
        5, ge=2, le=5, description="How many weeks an hour is held against, at the same hour."
    )
    min_weeks: int = Field(2, ge=2, le=5, description="Fewer weeks of history say nothing.")
    level: float = Field(
        3e-4,
        gt=0,
        lt=0.01,
        description="How improbable a silence is, from what has been usual, when it pages.",
    )
    lag: timedelta = Field(
        timedelta(minutes=10),
        ge=timedelta(0),
        description="How long after an hour its requests are awaited, on top of what is usual.",
    )
    event_share: float = Field(
        0.1,
        gt=0,
        le=1,
        description="Share of the usual requests that is expected on the days of an event.",
    )


class Verdict(StrEnum):
    """What the newest hours say; `INSUFFICIENT` is never good news."""

    NORMAL = "normal"
    QUIET = "quiet"
    SILENT = "silent"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True)
class Heard:
    """Requests by hour: `counts[i]` are those of hour `first + i`, hours counted since 1970 UTC."""

    first: int = 0
    counts: tuple[int, ...] = ()

    @property
    def last(self) -> int | None:
        """The newest hour with a request in it."""
        for back, count in enumerate(reversed(self.counts)):
            if count:
                return self.first + len(self.counts) - 1 - back
        return None

    def plus(self, requests: Mapping[int, int]) -> Heard:
        """Add requests by hour; what is out of the newest `KEPT` hours is let go."""
        if not requests:
            return self
        ends = [max(requests), *([self.first + len(self.counts) - 1] if self.counts else [])]
        starts = [min(requests), *([self.first] if self.counts else [])]
        first = max(min(starts), max(ends) - KEPT + 1)
        counts = [0] * (max(ends) - first + 1)
        known = {self.first + i: count for i, count in enumerate(self.counts)}
        for found in (known, requests):
            for hour, count in found.items():
                if hour >= first:
                    counts[hour - first] += count
        return Heard(first, tuple(counts))


@dataclass(frozen=True)
class Finding:
    """A verdict on the newest hours; `since` is the last heard hour where they are silent."""

    verdict: Verdict
    reason: str
    since: datetime | None = None
    expected: float | None = None


def judge(heard: Heard, until: int, policy: Policy, zone: str, special: Special) -> Finding:
    """Judge the whole hours before `until` (hours since 1970).

    special: whether a local day is one of an event, whose requests are neither usual nor expected.
    """
    last = heard.last
    if last is None:
        return Finding(Verdict.INSUFFICIENT, "no request was ever heard")
    history = _History(heard, last, policy, zone, special)
    if history.weeks < policy.min_weeks:
        return Finding(
            Verdict.INSUFFICIENT,
            f"{history.hours / WEEK:.1f} weeks of requests are known, "
            f"at least {policy.min_weeks} are needed",
        )
    length = min(until - last - 1, WEEK)
    if length > 0:
        chance, expected = history.silence(length)
        if chance <= policy.level:
            return _silent(last, expected)
    return _quiet(heard, until, history, policy)


def due(heard: Heard, policy: Policy, zone: str, special: Special) -> int | None:
    """The hour by whose begin silence will be one, if no request comes from now on.

    None where there is too little history, or too little traffic to tell within a week.
    """
    last = heard.last
    if last is None:
        return None
    history = _History(heard, last, policy, zone, special)
    if history.weeks < policy.min_weeks:
        return None
    shorter = 0
    for length in LENGTHS:
        if history.silence(length)[0] <= policy.level:
            between = range(shorter + 1, length)
            exact = (hours for hours in between if history.silence(hours)[0] <= policy.level)
            return last + 1 + next(exact, length)
        shorter = length
    return None


def moment(hour: int) -> datetime:
    """The instant at which an hour begins."""
    return datetime.fromtimestamp(hour * HOUR, UTC)


def hour_of(instant: datetime) -> int:
    """The hour that an instant lies in."""
    return int(instant.timestamp() // HOUR)


def _silent(last: int, expected: float) -> Finding:
    since = moment(last)
    return Finding(
        Verdict.SILENT,
        f"no request since the hour of {since:%Y-%m-%d %H:%M} UTC, about {expected:,.0f} were "
        "expected: often a caller's expired credential",
        since,
        expected,
    )


def _quiet(heard: Heard, until: int, history: _History, policy: Policy) -> Finding:
    counts = [_count(heard, hour) for hour in range(until - QUIET_HOURS, until)]
    while counts and not counts[0]:
        # What was silent before is told as silence, not once more as little traffic.
        counts.pop(0)
    if counts:
        chance, expected = history.fewer(until, len(counts), sum(counts))
        if chance <= policy.level and sum(counts) < expected / 2:
            reason = (
                f"{sum(counts):,} requests in {len(counts)} h, about {expected:,.0f} were expected"
            )
            return Finding(Verdict.QUIET, reason, None, expected)
    return Finding(Verdict.NORMAL, "requests come as usual")


def _count(heard: Heard, hour: int) -> int:
    place = hour - heard.first
    return heard.counts[place] if 0 <= place < len(heard.counts) else 0


def _ordinary(day: date) -> bool:
    del day
    return False


class _History:
    """The hours up to the last heard one by the local clock: a daily season follows people.

    An hour that the clocks skip is unknown, one that comes twice is the mean of both.
    """

    def __init__(
        self, heard: Heard, last: int, policy: Policy, zone: str, special: Special
    ) -> None:
        self.policy, self.zone, self.special = policy, ZoneInfo(zone), special
        self.last, self.days = last, dict[int, bool]()
        places = np.array([self._local(hour) for hour in range(heard.first, last + 1)])
        self.start, self.end = int(places[0]), int(places[-1]) + 1
        size = self.end - self.start
        sums = np.bincount(places - self.start, heard.counts[: len(places)], size)
        times = np.bincount(places - self.start, minlength=size)
        odd = [self._odd(place) for place in range(self.start, self.end)]
        if odd.count(False) < policy.min_weeks * WEEK:
            # An event that leaves too little else is what has been usual: nothing lifts a silence.
            odd, self.special = [False] * size, _ordinary
            self.days.clear()
        with np.errstate(invalid="ignore"):
            self.values = np.where(odd, np.nan, sums / times)
        self.hours = size
        self.weeks = size // WEEK
        self.spreads: dict[int, float] = {}
        self.busy, self.zero, self.stays = self._gaps()

    def silence(self, length: int) -> tuple[float, float]:
        """Chance of `length` hours without a request after the last one, and how many are usual.

        The greater of two: that of a negative binomial, and that of such a gap by the gaps there
        were, of which the longest does not count: it may have been an outage.
        """
        chance, expected = self.fewer(self.last + 1 + length, length, 0)
        begin = self._local(self.last + 1)
        busy = sum(bool(self.busy[(begin + i) % WEEK]) for i in range(length))
        gap = self.zero * self.stays ** max(busy - 1, 0) if busy else 0.0
        return max(chance, gap), expected

    def fewer(self, until: int, length: int, count: int) -> tuple[float, float]:
        """Chance of at most `count` requests in the `length` hours before `until`; the usual."""
        begin = self._local(until - length)
        usual = self._usual(begin, length)
        if len(usual) < self.policy.min_weeks or not np.median(usual) > 0:
            return 1.0, 0.0
        expected = float(np.median(usual))
        # What is usual is itself known from few weeks only: that widens what may come.
        doubt = MEDIAN / len(usual)
        spread = self._spread(min(length, LONGEST_SPREAD))
        spread = max(spread * (1 + doubt) + doubt / expected, 1e-9)
        return float(betainc(1 / spread, count + 1, 1 / (1 + spread * expected))), expected

    def _usual(self, begin: int, length: int) -> Floats:
        """Requests of the same hours in each of the weeks before that is known in full."""
        share = self.policy.event_share
        weights = [share if self._odd(begin + i) else 1.0 for i in range(length)]
        found = []
        for week in range(1, self.policy.weeks + 1):
            place = begin - week * WEEK - self.start
            part = self.values[place : place + length] if place >= 0 else self.values[:0]
            if len(part) == length:
                found.append(float(np.dot(part, weights)))
        sums: Floats = np.array([total for total in found if not np.isnan(total)], np.float64)
        return sums

    def _spread(self, length: int) -> float:
        """Variance beyond Poisson's over the squared mean, of sums over `length` hours."""
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
                # A level that a whole day shares leaves a day as one observation.
                value *= 1 + 2 / np.sqrt(7 * max(float(weeks.max()) - 1, 1.0))
            self.spreads[length] = value
        return self.spreads[length]

    def _gaps(self) -> tuple[NDArray[np.bool_], float, float]:
        """Busy hours of the week; share of busy hours that are empty; how often one more is."""
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
    """Shape (weeks, 168), the newest value last; what is lacking of the oldest week is NaN."""
    weeks = -(-len(values) // WEEK)
    padded = np.full(weeks * WEEK, np.nan)
    padded[len(padded) - len(values) :] = values
    return padded.reshape(weeks, WEEK)

"""A judge of objectives, minute by minute in fractions; it shares no code with the product.

Slow and plain: every window is summed anew from lists at every evaluation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from monitoring.slo.definition import Calendar, Method, Objective, Rolling, Slo

Pair = tuple[Fraction, Fraction]
#: The begin of an interval and its end, or when something is told, and what.
Told = tuple[int, int | str | None]
START = datetime(1970, 1, 1, tzinfo=UTC)
WORDS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks", "M": "months", "Y": "years"}
NOMINAL = {"m": 1, "h": 60, "d": 1440, "w": 10080, "M": 43200, "Q": 129600, "Y": 525600}
#: Factor over 30 days, short and long window in minutes, name.
ROWS = (
    (Fraction(144, 10), 5, 60, "page-1h"),
    (Fraction(6), 30, 360, "page-6h"),
    (Fraction(3), 120, 1440, "ticket-1d"),
    (Fraction(1), 360, 4320, "ticket-3d"),
)


@dataclass(frozen=True)
class Asked:
    """One condition: operator, threshold, minutes looked back (None: the window), minutes held."""

    op: str
    threshold: Fraction
    lookback: int | None
    after: int


@dataclass(frozen=True)
class Alert:
    """One policy."""

    name: str
    asked: tuple[Asked, ...]
    no_data: bool
    resolved: bool
    breaching: bool
    guarded: bool


def alerts(slo: Slo) -> list[Alert]:
    """The policies of an SLO, or the built-in ones."""
    if slo.policies:
        return [
            Alert(
                one.name,
                tuple(
                    Asked(c.op.value, c.threshold, round(c.lookback.total_seconds() / 60),
                          round(c.after.total_seconds() / 60))
                    for c in one.conditions
                ),
                one.no_data, one.resolved, one.breaching, one.guarded,
            )
            for one in slo.policies
        ]  # fmt: skip
    if isinstance(slo.window, Rolling):
        scale = Fraction(round(slo.window.length.total_seconds() / 60), 43200)
    else:
        scale = Fraction(slo.window.count * NOMINAL[slo.window.unit.value], 43200)
    found = [
        Alert(
            name,
            (Asked("gt", factor * scale, short, 0), Asked("gt", factor * scale, long, 0)),
            False, True, True, True,
        )
        for factor, short, long, name in ROWS
        if long < scale * 43200
    ]  # fmt: skip
    spent = (Asked("gte", Fraction(1), None, 0),)
    found.append(Alert("exhausted", spent, False, True, True, True))
    first = found[0]
    found[0] = Alert(first.name, first.asked, True, True, True, True)
    return found


class Reference:
    """One objective on rows {minute: (total, bad)}; `start` is before all of them."""

    def __init__(self, slo: Slo, objective: Objective, rows: Mapping[int, Pair], end: int) -> None:
        self.slo, self.objective, self.rows, self.end = slo, objective, rows, end
        self.allowed = 1 - objective.target
        self.first = min((one for one, (total, _) in rows.items() if total), default=None)

    @cached_property
    def starts(self) -> list[int]:
        """Begins of calendar periods, a few years around."""
        window = self.slo.window
        assert isinstance(window, Calendar)
        zone, found = ZoneInfo(window.zone), []
        low, high = min(self.rows) - 3000, self.end + 3000
        count, word = window.count, WORDS.get(window.unit.value, "months")
        count *= 3 if window.unit.value == "Q" else 1
        for number in range(-3000, 3000):
            if window.unit.value in "mh":
                begin = window.start.replace(tzinfo=zone).astimezone(UTC)
                begin += timedelta(**{word: count * number})
            else:
                try:
                    local = window.start + relativedelta(**{word: count * number})
                except (ValueError, OverflowError):
                    continue
                begin = local.replace(tzinfo=zone).astimezone(UTC)
            minute = int((begin - START).total_seconds() // 60)
            found.append(minute)
        inside = [one for one in found if low <= one <= high]
        before = max(one for one in found if one < low)
        after = min(one for one in found if one > high)
        return sorted({before, *inside, after})

    def window(self, at: int) -> int:
        """Where the objective's own window begins."""
        if isinstance(self.slo.window, Rolling):
            return at - round(self.slo.window.length.total_seconds() / 60)
        return max(one for one in self.starts if one <= at)

    @cached_property
    def width(self) -> int:
        assert self.objective.slice_window is not None
        return round(self.objective.slice_window.total_seconds() / 60)

    @cached_property
    def weights(self) -> dict[int, Pair]:
        """What counts, by the minute at whose end it is known."""
        if self.slo.method is Method.OCCURRENCES:
            return dict(self.rows)
        found: dict[int, Pair] = {}
        for since, until in self._slices():
            events = [self.rows[one] for one in range(since, until) if one in self.rows]
            total = sum((one for one, _ in events), Fraction(0))
            bad = sum((one for _, one in events), Fraction(0))
            if not total:
                continue
            if self.slo.method is Method.RATIO_TIMESLICES:
                found[until - 1] = (Fraction(1), bad / total)
            else:
                missed = (total - bad) / total < self.objective.slice_target
                found[until - 1] = (Fraction(1), Fraction(missed))
        return found

    def _slices(self) -> list[tuple[int, int]]:
        low = min(self.rows) - 3000
        if isinstance(self.slo.window, Rolling):
            begin = low - low % self.width
            edges = range(begin, self.end + self.width, self.width)
            return [(one, one + self.width) for one in edges]
        found = []
        for since, until in zip(self.starts, self.starts[1:], strict=False):
            at = since
            while at < until:
                found.append((at, min(at + self.width, until)))
                at += self.width
        return found

    @cached_property
    def dense(self) -> tuple[int, list[Fraction | int], list[Fraction | int]]:
        low = min(self.rows) - 3000
        minutes = range(low, self.end + 1)
        pairs = [self.weights.get(one, (0, 0)) for one in minutes]
        whole = all(Fraction(n).denominator == 1 for pair in pairs for n in pair)
        cast: Callable[[Fraction | int], Fraction | int] = int if whole else Fraction
        return low, [cast(one) for one, _ in pairs], [cast(one) for _, one in pairs]

    def sums(self, since: int, until: int) -> Pair:
        low, total, bad = self.dense
        left, right = max(since - low, 0), max(until - low, 0)
        return Fraction(sum(total[left:right])), Fraction(sum(bad[left:right]))

    def back(self, at: int, lookback: int | None) -> int:
        if lookback is None:
            return self.window(at)
        if self.slo.method is not Method.OCCURRENCES:
            lookback = max(lookback, self.width)
        return at - lookback

    def holds(self, asked: Asked, at: int) -> bool:
        total, bad = self.sums(self.back(at, asked.lookback), at)
        if not total:
            return False
        burn = bad / total / self.allowed
        match asked.op:
            case "gt":
                return burn > asked.threshold
            case "gte":
                return burn >= asked.threshold
            case "lt":
                return burn < asked.threshold
        return burn <= asked.threshold

    def fires(self, alert: Alert, at: int) -> bool:
        for asked in alert.asked:
            if not all(self.holds(asked, one) for one in range(at - asked.after, at + 1)):
                return False
        if not alert.guarded:
            return True
        reach = [one.lookback for one in alert.asked]
        since = self.back(at, None if None in reach else max(reach))
        total, bad = self.sums(since, at)
        return tail(math.ceil(bad), float(total * self.allowed)) < 1e-6

    def empty(self, alert: Alert, at: int) -> bool:
        reach = [one.lookback for one in alert.asked if one.lookback is not None]
        return not self.sums(self.back(at, min(reach) if reach else None), at)[0]

    def unusual(self, at: int) -> bool:
        """Whether the gap before `at` is too long for chance; see the product's documentation."""
        if self.first is None or self.first >= at:
            return False
        start = at
        while not self._events(start - 1):
            start -= 1
        seen = min(start - self.first, 10080)
        empty = sum(not self._events(one) for one in range(start - seen, start))
        chance = Fraction(1)
        for one in range(at - start):
            chance *= Fraction(empty + 1 + one, seen + one)
        if chance >= Fraction(1, 10**6):
            return False
        for shift in (10080, 1440):
            if start - shift >= self.first:
                stretch = range(start - shift, at - shift)
                return math.exp(-float(sum(map(self._events, stretch)))) < 1e-6
        return True

    def _events(self, minute: int) -> Fraction:
        return self.rows.get(minute, (Fraction(0), Fraction(0)))[0]

    def judge(self, alert: Alert, begin: int, end: int) -> dict[str, list[Told]]:
        """Intervals and notifications of a policy at the boundaries in (begin, end]."""
        told: list[Told] = []
        firing, missing, known = [], [], "nothing"
        for at in range(begin + 1, end + 1):
            fires, empty = self.fires(alert, at), self.empty(alert, at)
            firing.append(fires)
            missing.append(empty)
            if fires and known != "firing":
                known = "firing"
                if alert.breaching:
                    told.append((at, "firing"))
            elif empty:
                if alert.no_data and known != "no data" and self.unusual(at):
                    known = "no data"
                    told.append((at, "no-data"))
            elif not fires and known != "nothing":
                known = "nothing"
                if alert.resolved:
                    told.append((at, "resolved"))
        return {"firing": runs(firing, begin), "no_data": runs(missing, begin), "told": told}

    def left(self, at: int) -> Fraction | None:
        total, bad = self.sums(self.window(at), at)
        return 1 - bad / (total * self.allowed) if total else None

    def exhaustion(self, at: int) -> int | None:
        """The first boundary without budget if the mean minute of the last hour goes on."""
        left = self.left(at)
        if left is None or left <= 0:
            return None if left is None else at
        since = self.back(at, 60)
        minutes = at - since
        total, bad = self.sums(since, at)
        if not total:
            return None
        rolling = isinstance(self.slo.window, Rolling)
        last = at + at - self.window(at) if rolling else min(x for x in self.starts if x > at) - 1
        start = self.window(at)
        low, totals, bads = self.dense
        share, whole = self.allowed.as_integer_ratio()
        # Integers where all are, which compare sooner.
        cast: Callable[[Fraction], Fraction | int] = Fraction
        if isinstance(totals[0], int):
            cast = int
        some, some_bad, more, more_bad = map(cast, (*self.sums(start, at), total, bad))
        for ahead in range(1, last - at + 1):
            if rolling and low <= start < at:
                some, some_bad = some - totals[start - low], some_bad - bads[start - low]
            start += rolling
            everything = minutes * some + more * ahead
            if everything * share <= (minutes * some_bad + more_bad * ahead) * whole:
                return at + ahead
        return None


def runs(state: list[bool], begin: int) -> list[Told]:
    """Runs of a state: its first evaluation and the one after it."""
    found: list[Told] = []
    since: int | None = None
    for place, one in enumerate(state):
        if one and since is None:
            since = begin + 1 + place
        if not one and since is not None:
            found.append((since, begin + 1 + place))
            since = None
    return [*found, (since, None)] if since is not None else found


def tail(least: int, mean: float) -> float:
    """P(Poisson(mean) >= least), summed from the top of the tail."""
    if least <= 0:
        return 1.0
    last = max(least, math.ceil(mean)) + 2000
    terms = [math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(least, last)]
    return math.fsum(terms)

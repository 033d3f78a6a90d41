"""Geometry of the pages' drawings: days from left to right, values from bottom to top.

A drawing is as wide as its axis has days and is stretched to the page; nothing in it is text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

HEIGHT = 100
FEWEST_DAYS = 28
MOST_DAYS = 400
WEEKLY = 70
LOG_FLOOR = 0.01
STEPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class Tick:
    """A label beside or below a drawing, at a percentage of its height or width."""

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """Consecutive local days of one zone, each one unit wide."""

    first: date
    days: int
    zone: str

    @classmethod
    def over(cls, known: Sequence[date], zone: str) -> Axis:
        """Return an axis over the known days, or the newest of them; at least four weeks."""
        days = min(max((known[-1] - known[0]).days + 1, FEWEST_DAYS), MOST_DAYS)
        first = max(known[0], known[-1] - timedelta(days=MOST_DAYS - 1))
        return cls(first, days, zone)

    def place(self, moment: date | datetime) -> float:
        """Return the place of a day's begin or of an instant, clipped to the axis."""
        if isinstance(moment, datetime):
            local = moment.astimezone(ZoneInfo(self.zone))
            share = (local.hour * 60 + local.minute) / 1440
            offset = (local.date() - self.first).days + share
        else:
            offset = (moment - self.first).days
        return min(max(offset, 0.0), float(self.days))

    def holds(self, day: date) -> bool:
        """Whether the day is drawn."""
        return 0 <= (day - self.first).days < self.days

    def share(self, place: float) -> float:
        """Return a place as a percentage of the width."""
        return round(100 * place / self.days, 3)

    def ticks(self) -> tuple[Tick, ...]:
        """Label months, or weeks where there are few days."""
        # A label further to the right would cross the edge.
        every = [self.first + timedelta(days=n) for n in range(self.days - self.days // 25)]
        if self.days <= WEEKLY:
            return tuple(
                Tick(self.share(self.place(d)), f"{d.day} {d:%b}") for d in every if not d.weekday()
            )
        firsts = [day for day in every if day.day == 1]
        return tuple(
            Tick(self.share(self.place(d)), f"{d:%b %Y}" if d.month == 1 or not n else f"{d:%b}")
            for n, d in enumerate(firsts)
        )


@dataclass(frozen=True)
class Scale:
    """Values from `low` at the bottom to `high` at the top, by their logarithm where asked."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def over(cls, values: Sequence[float], *, log: bool = False) -> Scale:
        """Return a scale over all values, with a margin above and below."""
        known = [max(v, LOG_FLOOR) for v in values] if log else list(values)
        if log:
            return cls(LOG_FLOOR, 1.2 * max(known, default=1.0), log)
        low, high = min(known, default=0.0), max(known, default=1.0)
        room = (high - low) * 0.08 or abs(high) * 0.05 or 0.5
        return cls(low - room, high + room)

    def place(self, value: float) -> float:
        """Return how far from the top of the drawing a value lies."""
        low, high = self._moved(self.low), self._moved(self.high)
        return round(HEIGHT * (high - self._moved(value)) / (high - low), 2)

    def ticks(self) -> tuple[Tick, ...]:
        """Label two to five round values."""
        if self.log:
            top = math.floor(math.log10(self.high))
            return tuple(Tick(self.place(10.0**n), f"{10.0**n:g}") for n in range(-1, top + 1))
        step = _step(self.high - self.low)
        decimals = max(0, -math.floor(math.log10(step)))
        begin, end = math.ceil(self.low / step), math.floor(self.high / step)
        values = [step * n for n in range(begin, end + 1)]
        return tuple(Tick(self.place(value), f"{value:.{decimals}f}") for value in values)

    def _moved(self, value: float) -> float:
        return math.log10(max(value, LOG_FLOOR)) if self.log else value


def _step(span: float) -> float:
    """A round step that divides the span into two to five."""
    power = 10.0 ** math.floor(math.log10(span / 2.5))
    return next(step * power for step in STEPS if span / (step * power) <= 5)


def curve(points: Sequence[tuple[float, float | None]], scale: Scale) -> str:
    """Return the path through points (x, value); a missing value breaks it."""
    parts: list[str] = []
    drawing = False
    for x, value in points:
        if value is None:
            drawing = False
            continue
        parts.append(f"{'L' if drawing else 'M'}{number(x)} {number(scale.place(value))}")
        # A lone point is drawn as a dot, which takes a line of some length.
        parts.append("" if drawing else "h.01")
        drawing = True
    return "".join(parts)


def number(value: float) -> str:
    """Write a coordinate briefly.

    >>> number(3.0), number(0.256)
    ('3', '.26')
    """
    text = f"{value:z.2f}".rstrip("0").rstrip(".")
    return text.removeprefix("0") if text.startswith("0.") else text

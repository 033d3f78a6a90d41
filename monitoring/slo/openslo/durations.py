"""Durations as OpenSLO writes them: a whole number and a unit, as in 5m, 12h, 30d, 4w or 1M."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from monitoring.slo.definition import Unit
from monitoring.slo.openslo.node import Node
from monitoring.slo.openslo.values import shown

SHORTHAND = re.compile(r"(\d{1,6})([mhdwMQY])", re.ASCII)
FORMS = "write a whole number and a unit, as in 5m, 12h, 30d, 4w, 1M, 1Q, 1Y"
DAY = timedelta(days=1)
#: Months, quarters and years have no fixed length; these are used where one is needed.
LENGTHS = {
    Unit.MINUTE: timedelta(minutes=1),
    Unit.HOUR: timedelta(hours=1),
    Unit.DAY: DAY,
    Unit.WEEK: 7 * DAY,
    Unit.MONTH: 30 * DAY,
    Unit.QUARTER: 90 * DAY,
    Unit.YEAR: 365 * DAY,
}
OPEN = {Unit.MONTH: "month", Unit.QUARTER: "quarter", Unit.YEAR: "year"}
LONGEST = timedelta(days=3660)


@dataclass(frozen=True)
class Duration:
    """A number of units; `length` is nominal for months, quarters and years."""

    count: int
    unit: Unit

    @property
    def length(self) -> timedelta:
        """Its length, where a month has 30 days, a quarter 90 and a year 365."""
        return self.count * LENGTHS[self.unit]


def duration(node: Node) -> Duration:
    """Return a duration of at least one unit."""
    found = _duration(node)
    if not found.count:
        raise node.fault(f"{shown(node.value)} is no time; {FORMS}")
    return found


def rolling(node: Node) -> timedelta:
    """Return the length of a duration that ends now; OpenSLO gives a rolling month no length."""
    found = duration(node)
    if found.unit in OPEN:
        node.warn(
            f"{found.count}{found.unit} has no fixed length in OpenSLO; {found.length.days} days "
            f"are used, write {found.length.days}d"
        )
    return found.length


def delay(node: Node) -> timedelta:
    """Return a duration that may be zero, as OpenSLO's own default `0m` is."""
    return rolling(node) if _duration(node).count else timedelta(0)


def slice_of(node: Node) -> timedelta:
    """Return the length of a slice; a bare number is minutes."""
    value = node.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value != value // 1 or not 1 <= value <= LONGEST / LENGTHS[Unit.MINUTE]:
            raise node.fault(f"{shown(value)} is no whole number of minutes")
        return timedelta(minutes=int(value))
    found = duration(node)
    if found.unit in OPEN:
        raise node.fault(f"{shown(value)}: a {OPEN[found.unit]} has no fixed length; write days")
    return found.length


def _duration(node: Node) -> Duration:
    value = node.value
    match = SHORTHAND.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise node.fault(f"{shown(value)} is no duration; {FORMS}")
    found = Duration(int(match[1]), Unit(match[2]))
    if found.length > LONGEST:
        raise node.fault(f"{shown(value)} is longer than ten years")
    return found

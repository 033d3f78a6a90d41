"""The window of an SLO: the last days, or periods of the calendar."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from monitoring.near import near
from monitoring.slo.definition import Calendar, Rolling, Unit
from monitoring.slo.openslo.durations import DAY, LENGTHS, duration, rolling
from monitoring.slo.openslo.node import Node
from monitoring.slo.openslo.values import shown, word

LOCAL = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?", re.ASCII)
FORM = "write local time as 2026-01-01 00:00:00"
YEARS = range(1970, 2200)
DEFAULT = Rolling(30 * DAY)


def window(spec: Node) -> Rolling | Calendar:
    """Return the window of an SLO's specification."""
    if not spec.has("timeWindow"):
        spec.warn("timeWindow is missing and has no default in OpenSLO; 30 days are used")
        return DEFAULT
    windows = spec.field("timeWindow").items()
    if len(windows) != 1:
        raise spec.field("timeWindow").fault(f"{len(windows)} windows, exactly one is needed")
    (node,) = windows
    node.fields(("duration", "isRolling", "calendar"))
    stated, calendar = node.get("isRolling"), node.get("calendar")
    moves = stated.flag() if stated is not None else calendar is None
    if moves and calendar is not None:
        raise node.fault("a rolling window has no calendar; leave out calendar or isRolling")
    _months(node.field("duration"))
    if moves:
        return Rolling(rolling(node.field("duration")))
    if calendar is None:
        raise node.fault("a window that is not rolling needs a calendar")
    return _calendar(node, calendar)


def nominal(found: Rolling | Calendar) -> timedelta:
    """Return the length of a window, where a month has 30 days, a quarter 90 and a year 365."""
    return found.length if isinstance(found, Rolling) else found.count * LENGTHS[found.unit]


def _months(node: Node) -> None:
    """Tell a window of minutes: `1m` is often written for a month."""
    found = duration(node)
    if found.unit is Unit.MINUTE and found.length < LENGTHS[Unit.HOUR]:
        told = f"{shown(node.value)} is {found.count} min"
        node.warn(f"{told}; months are written {found.count}{Unit.MONTH}")


def _calendar(node: Node, calendar: Node) -> Calendar:
    calendar.fields(("startTime", "timeZone"))
    found = duration(node.field("duration"))
    start = _start(calendar.field("startTime"))
    return Calendar(found.count, found.unit, start, _zone(calendar.field("timeZone")))


def _start(node: Node) -> datetime:
    value = node.value
    if isinstance(value, str) and LOCAL.fullmatch(value):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise node.fault(f"{shown(value)}: {error}") from error
    if not isinstance(value, datetime):
        raise node.fault(f"{shown(value)} is no date with a time; {FORM}")
    if value.tzinfo is not None:
        raise node.fault(f"{value} has a zone, which timeZone names; {FORM}")
    if value.second or value.microsecond:
        raise node.fault(f"{value} is not on a whole minute; {FORM}")
    if value.year not in YEARS:
        raise node.fault(f"{value} is not in the years {YEARS[0]} to {YEARS[-1]}")
    return value


def _zone(node: Node) -> str:
    name = node.text()
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        told = f"{word(name)}: no zone of the IANA database{near(word(name), _zones())}"
        raise node.fault(told) from error


@cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))

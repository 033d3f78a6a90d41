"""Calendar periods: their boundaries in UTC, from local times of a zone."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from monitoring.slo.definition import Calendar, Rolling, Unit
from monitoring.slo.evaluation.series import Minutes

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MONTHS = {Unit.MONTH: 1, Unit.QUARTER: 3, Unit.YEAR: 12}
DAYS = {Unit.DAY: 1, Unit.WEEK: 7}
NOMINAL = {
    Unit.MINUTE: MINUTE,
    Unit.HOUR: timedelta(hours=1),
    Unit.DAY: timedelta(days=1),
    Unit.WEEK: timedelta(days=7),
    Unit.MONTH: timedelta(days=30),
    Unit.QUARTER: timedelta(days=90),
    Unit.YEAR: timedelta(days=365),
}


def minute_of(moment: datetime) -> int:
    """Minutes since 1970, rounded down.

    >>> minute_of(datetime(1970, 1, 2, tzinfo=UTC))
    1440
    """
    return (moment - EPOCH) // MINUTE


def moment_of(minute: int) -> datetime:
    """Return the instant of a minute since 1970."""
    return EPOCH + minute * MINUTE


def length(window: Rolling | Calendar) -> timedelta:
    """Length of a window, by which burn rates scale; a month counts as 30 days, a year as 365."""
    if isinstance(window, Rolling):
        return window.length
    return window.count * NOMINAL[window.unit]


def boundaries(window: Calendar, begin: int, end: int) -> Minutes:
    """Return the boundaries of periods, from the last at or before `begin` to one after `end`.

    Days, weeks, months, quarters and years are steps of local time from `start`, minutes and hours
    of elapsed time. A 31st is the last day of a shorter month; each step is taken from `start`, so
    that the next long month has its 31st again. A local time that the clock skips is that after the
    change, one that it repeats is the first.
    """
    step = window.count * NOMINAL[window.unit]
    first = minute_of(_local(window, 0))
    if window.unit in (Unit.MINUTE, Unit.HOUR):
        size = step // MINUTE
        return np.arange(first + (begin - first) // size * size, end + size + 1, size)
    # A month has at least 28 of its nominal 30 days, and a zone is at most a day from UTC.
    number = (moment_of(begin) - moment_of(first)) // step
    number -= 2 + abs(number) // 30
    found: list[int] = []
    for boundary in _from(window, number):
        if boundary <= begin:
            found.clear()
        found.append(boundary)
        if boundary > end:
            break
    return np.array(found, np.int64)


def _from(window: Calendar, number: int) -> Iterator[int]:
    while True:
        yield minute_of(_local(window, number))
        number += 1


def _local(window: Calendar, number: int) -> datetime:
    """The instant of the boundary that is `number` periods after the first."""
    start = window.start.replace(tzinfo=None)
    count = number * window.count
    if window.unit in MONTHS:
        months = start.year * 12 + start.month - 1 + count * MONTHS[window.unit]
        year, month = months // 12, months % 12 + 1
        day = min(start.day, calendar.monthrange(year, month)[1])
        start = start.replace(year=year, month=month, day=day)
    elif window.unit in DAYS:
        start += timedelta(days=count * DAYS[window.unit])
    return start.replace(tzinfo=ZoneInfo(window.zone), fold=0).astimezone(UTC)

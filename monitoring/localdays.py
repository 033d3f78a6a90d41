"""Local days: the day of an instant, and the instants at which a day begins and ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray


def day_of(instant: datetime, zone: str) -> date:
    """The local day an instant falls on.

    >>> day_of(datetime(2013, 7, 5, 3, 59, tzinfo=UTC), "America/New_York").isoformat()
    '2013-07-04'
    """
    return instant.astimezone(ZoneInfo(zone)).date()


@lru_cache(maxsize=4096)
def bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """First instant of a local day and of the next, in UTC; 23 to 25 hours apart around DST.

    A skipped midnight is the instant of the clock change; a repeated one is its first occurrence.
    """
    local = ZoneInfo(zone)
    start = datetime.combine(day, time(), local)
    end = datetime.combine(day + timedelta(days=1), time(), local)
    return start.astimezone(UTC), end.astimezone(UTC)


def days_of(instants: NDArray[np.datetime64], zone: str) -> NDArray[np.datetime64]:
    """Local days (datetime64[D]) of UTC instants (datetime64, any unit, no NaT)."""
    if not len(instants):
        return np.empty(0, "datetime64[D]")
    moments = instants.astype("datetime64[us]")
    first = day_of(_utc(moments.min()), zone)
    last = day_of(_utc(moments.max()), zone)
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    starts = np.array([bounds(day, zone)[0].replace(tzinfo=None) for day in days], moments.dtype)
    position = np.searchsorted(starts, moments, side="right") - 1
    return np.array(days, "datetime64[D]")[position]


def _utc(moment: np.datetime64) -> datetime:
    plain: datetime = moment.astype("datetime64[us]").item()
    return plain.replace(tzinfo=UTC)

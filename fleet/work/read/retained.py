"""Rows of days that may still have a window; the others are counted and left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fleet.model.records import Dropped
from monitoring.calendars import days_of

LocalDays = NDArray[np.datetime64]


@dataclass
class Days:
    """Rows by local day: those outside the days `first` to `last` are counted and left out."""

    zone: str
    first: str
    last: str
    late: Dropped | None = None
    ahead: Dropped | None = None

    def kept(self, table: pa.Table) -> tuple[pa.Table, LocalDays]:
        """Return the rows of days that may have a window, and the day of each."""
        days = local_days(table, self.zone)
        if not self.first:
            return table, days
        late, ahead = days < np.datetime64(self.first), days > np.datetime64(self.last)
        self.late = _added(self.late, days[late])
        self.ahead = _added(self.ahead, days[ahead])
        left = late | ahead
        return (table.filter(pa.array(~left)), days[~left]) if left.any() else (table, days)


def _added(before: Dropped | None, days: LocalDays) -> Dropped | None:
    if not len(days):
        return before
    first, last = str(days.min()), str(days.max())
    if before is None:
        return Dropped(len(days), first, last)
    return Dropped(before.rows + len(days), min(before.first, first), max(before.last, last))


def local_days(table: pa.Table, zone: str) -> LocalDays:
    """Return the local day of every row by its `time`."""
    return days_of(table["time"].cast(pa.timestamp("us", "UTC")).to_numpy(), zone)

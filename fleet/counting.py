"""Feature logs that a log service keeps as rows: counted where they lie, or read by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from monitoring.capacity import Vital
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch


@dataclass(frozen=True)
class LogSource:
    """One endpoint's rows in one table.

    Attributes
    ----------
    workspace : the log workspace's id; the host's own where empty.
    table : the table's name; docs/log-analytics.md says which columns it needs.
    endpoint : whose rows.
    deployment : whose rows; all of the endpoint's where empty.
    """

    workspace: str
    table: str
    endpoint: str
    deployment: str = ""


class Counting(Protocol):
    """Counts and reads rows of feature logs by time."""

    def count(self, source: LogSource, ruler: Ruler, start: datetime, end: datetime) -> Sketch:
        """Return the bin counts of all rows in [start, end); no row leaves the service.

        Of a numeric feature only numbers count, of a categorical one the text of a value, `true`
        or `7`; any other value is missing.
        """
        ...

    def rows(
        self, source: LogSource, start: datetime, end: datetime, columns: Sequence[str]
    ) -> pa.Table:
        """Return the rows in [start, end): correlationid, index, time (UTC), then `columns`.

        A feature that is called like one of the first three is asked for as `data.<name>`; one
        that no row has is a column of nulls.
        """
        ...

    def traffic(
        self, source: LogSource, limits: Mapping[str, float], start: datetime, end: datetime
    ) -> pa.Table:
        """Return requests in [start, end) by deployment and hour.

        Columns: deployment, hour (UTC), requests, errors, and `over:<name>` for each of `limits`,
        in milliseconds. Hours without requests are left out. Where no requests are logged, counts
        may come from metrics: they have no columns `over:`, and hours without data are left out.
        """
        ...

    def vitals(self, source: LogSource, start: datetime, end: datetime) -> tuple[Vital, ...]:
        """Return how each deployment of the endpoint did that was asked in [start, end)."""
        ...

    def complete_until(self, source: LogSource) -> datetime:
        """Return the instant before which no more rows are to be expected."""
        ...

"""The port `fleet.counting.Counting` on Log Analytics, and on the platform's metrics beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import pyarrow as pa

from engine.errors import Refused, Unavailable
from fleet.counting import LogSource
from hosts.azure.logs.analytics import Analytics
from hosts.azure.logs.platform import Platform
from hosts.azure.logs.traffic import traffic_counts
from hosts.azure.settings import ANALYTICS, lacking
from monitoring.capacity import Vital
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch


class AzureCounting:
    """Queries the workspace of the app's settings, if there is one, where a source names none.

    Errors are those of `hosts.azure.logs.analytics.Analytics` and of
    `hosts.azure.logs.metrics.Metrics`.

    Parameters
    ----------
    workspace : the log workspace's id; empty where the app has none.
    """

    def __init__(self, analytics: Analytics, workspace: str, platform: Platform) -> None:
        self._analytics, self._workspace, self._platform = analytics, workspace, platform

    def count(self, source: LogSource, ruler: Ruler, start: datetime, end: datetime) -> Sketch:
        """See `fleet.counting.Counting`."""
        return self._analytics.count(self._at(source), ruler, start, end)

    def rows(
        self, source: LogSource, start: datetime, end: datetime, columns: Sequence[str]
    ) -> pa.Table:
        """See `fleet.counting.Counting`."""
        return self._analytics.rows(self._at(source), start, end, columns)

    def traffic(
        self, source: LogSource, limits: Mapping[str, float], start: datetime, end: datetime
    ) -> pa.Table:
        """See `fleet.counting.Counting`.

        An endpoint without a diagnostic setting has no lines in the log, and a workspace that never
        got a line has no such table: the metrics then say whether there were requests.
        """
        if not source.workspace and not self._workspace:
            return self._platform.traffic(source.endpoint, start, end)
        try:
            found = traffic_counts(self._analytics, self._at(source), limits, start, end)
        except Refused:
            return self._platform.traffic(source.endpoint, start, end)
        if found.num_rows:
            return found
        measured = self._platform.traffic(source.endpoint, start, end)
        return measured if measured.num_rows else found

    def vitals(self, source: LogSource, start: datetime, end: datetime) -> tuple[Vital, ...]:
        """See `fleet.counting.Counting`."""
        return self._platform.vitals(source.endpoint, start, end)

    def complete_until(self, source: LogSource) -> datetime:
        """See `fleet.counting.Counting`."""
        return self._analytics.complete_until(self._at(source))

    def _at(self, source: LogSource) -> LogSource:
        workspace = source.workspace or self._workspace
        if not workspace:
            raise Unavailable(f"table {source.table}: {lacking([ANALYTICS])}")
        return replace(source, workspace=workspace)

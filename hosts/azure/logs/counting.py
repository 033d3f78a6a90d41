"""The port `fleet.counting.Counting` on one Log Analytics workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import pyarrow as pa

from engine.errors import Unavailable
from fleet.counting import LogSource
from hosts.azure.logs.analytics import Analytics
from hosts.azure.logs.traffic import traffic_counts
from hosts.azure.settings import ANALYTICS, lacking
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch


class AzureCounting:
    """Queries the workspace of the app's settings, if there is one, where a source names none.

    Errors are those of `hosts.azure.logs.analytics.Analytics`.
    """

    def __init__(self, analytics: Analytics, workspace: str) -> None:
        self._analytics, self._workspace = analytics, workspace

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
        """See `fleet.counting.Counting`."""
        return traffic_counts(self._analytics, self._at(source), limits, start, end)

    def complete_until(self, source: LogSource) -> datetime:
        """See `fleet.counting.Counting`."""
        return self._analytics.complete_until(self._at(source))

    def _at(self, source: LogSource) -> LogSource:
        workspace = source.workspace or self._workspace
        if not workspace:
            raise Unavailable(f"table {source.table}: {lacking([ANALYTICS])}")
        return replace(source, workspace=workspace)

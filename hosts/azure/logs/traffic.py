"""An endpoint's traffic by deployment and hour, from its request log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import pyarrow as pa

from fleet.counting import LogSource
from hosts.azure.logs import kql
from hosts.azure.logs.analytics import Analytics
from monitoring.intake.lines import UTC_TIME


def traffic_counts(
    analytics: Analytics,
    source: LogSource,
    limits: Mapping[str, float],
    start: datetime,
    end: datetime,
) -> pa.Table:
    """Count requests, errors and slow answers by deployment and hour in [start, end).

    From the request log (`AmlOnlineEndpointTrafficLog` of the source's workspace, whatever its
    table): percentile metrics cannot be added up, counts over a limit can. `limits` are in
    milliseconds by name; each makes a column `over:<name>`. 429 means missing capacity and is not
    counted.

    Raises
    ------
    Refused, Unavailable
        As `Analytics.count`.
    """
    log = LogSource(source.workspace, kql.TRAFFIC, source.endpoint, source.deployment)

    def query(start: datetime, end: datetime) -> str:
        return kql.traffic_query(source, list(limits.values()), start, end)

    sums: dict[tuple[datetime, str], Counter[str]] = {}
    names = ["requests", "errors", *(f"over:{name}" for name in limits)]
    for part in analytics.ask_whole(log, query, start, end):
        for deployment, hour, *numbers in part:
            counts = sums.setdefault((hour.astimezone(UTC), deployment), Counter())
            counts.update(dict(zip(names, numbers, strict=True)))
    counted = ((name, pa.int64()) for name in names)
    schema = pa.schema([("deployment", pa.string()), ("hour", UTC_TIME), *counted])
    return _table(sums, schema)


def _table(sums: Mapping[tuple[datetime, str], Counter[str]], schema: pa.Schema) -> pa.Table:
    rows = [
        {
            "deployment": deployment,
            "hour": hour,
            **{name: counts[name] for name in schema.names[2:]},
        }
        for (hour, deployment), counts in sorted(sums.items())
    ]
    return pa.Table.from_pylist(rows, schema)

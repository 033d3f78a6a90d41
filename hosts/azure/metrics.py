"""An endpoint's traffic by deployment and hour: from its request log, or from platform metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from azure.monitor.querymetrics import MetricsClient, MetricsQueryResult

from engine.errors import Broken
from fleet.counting import LogSource
from fleet.work.reading import CAPACITY, MODEL_ERRORS
from hosts.azure import kql
from hosts.azure.analytics import Analytics
from hosts.azure.cloud import Cloud
from hosts.azure.query_errors import answered
from monitoring.intake.lines import UTC_TIME

#: "Supported metrics for Microsoft.MachineLearningServices/workspaces/onlineEndpoints": Average is
#: its only aggregation and one minute its only grain, so a minute's average is its requests.
NAMESPACE = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
REQUESTS = "RequestsPerMinute"
MINUTE = timedelta(minutes=1)
#: Series asked for; the service gives 10 unless told ("Metrics - Batch", `top`).
MOST_SERIES = 1_000
READ_TIMEOUT = 60

REQUEST_COUNTS = pa.schema(
    [
        ("deployment", pa.string()),
        ("hour", UTC_TIME),
        ("requests", pa.int64()),
        ("errors", pa.int64()),
    ]
)


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
    milliseconds by name; each makes a column `over:<name>`. 429 is capacity and counts as nothing.

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
    schema = pa.schema([*list(REQUEST_COUNTS)[:2], *((name, pa.int64()) for name in names)])
    return _table(sums, schema)


class Metrics:
    """Platform metrics of one region's resources."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._client = self._connected()

    def request_counts(self, endpoint: str, start: datetime, end: datetime) -> pa.Table:
        """Count an endpoint's requests and errors by deployment and hour in [start, end).

        Parameters
        ----------
        endpoint : the online endpoint's resource id.
        start, end : whole minutes.

        Returns
        -------
        Columns deployment, hour, requests and errors; errors are 408, 424 and 5xx, and 429 is
        capacity and counts as nothing.

        Raises
        ------
        Refused
            There is no such resource.
        Unavailable
            The service answers late or not at all.
        """
        where = f"metrics of {endpoint.rsplit('/', 1)[-1]}"
        sums: dict[tuple[datetime, str], Counter[str]] = {}
        found = answered(where, lambda: self._asked(endpoint, start, end), self._reconnect)
        for result in found:
            for moment, deployment, status, number in _minutes(result):
                if status == str(CAPACITY) or not start <= moment < end:
                    continue
                hour = moment.replace(minute=0, second=0, microsecond=0)
                counts = sums.setdefault((hour, deployment), Counter())
                counts["requests"] += number
                counts["errors"] += number * (
                    status in map(str, MODEL_ERRORS) or status.startswith("5")
                )
        return _table(sums, REQUEST_COUNTS)

    def _asked(self, endpoint: str, start: datetime, end: datetime) -> list[MetricsQueryResult]:
        return self._client.query_resources(
            resource_ids=[endpoint],
            metric_namespace=NAMESPACE,
            metric_names=[REQUESTS],
            timespan=(start, end),
            granularity=MINUTE,
            aggregations=["Average"],
            filter="deployment eq '*' and statusCode eq '*'",
            max_results=MOST_SERIES,
        )

    def _reconnect(self) -> None:
        self._client.close()
        self._client = self._connected()

    def _connected(self) -> MetricsClient:
        # Waiting is for the loop, which keeps what is owed; a worker that sleeps serves nobody.
        return MetricsClient(
            self._cloud.metrics,
            self._cloud.credential,
            connection_verify=self._cloud.verify,
            retry_total=0,
            read_timeout=READ_TIMEOUT,
        )


def _minutes(result: MetricsQueryResult) -> Iterator[tuple[datetime, str, str, int]]:
    """Yield (minute, deployment, status, requests) of all series."""
    for metric in result.metrics:
        if len(metric.timeseries) >= MOST_SERIES:
            raise Broken(f"metric {metric.name}: more than {MOST_SERIES} series")
        for series in metric.timeseries:
            # The service answers the names of dimensions in lower case.
            names = {name.lower(): value for name, value in series.metadata_values.items()}
            for value in series.data:
                if value.average:
                    minute = value.timestamp.astimezone(UTC)
                    yield minute, names["deployment"], names["statuscode"], round(value.average)


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

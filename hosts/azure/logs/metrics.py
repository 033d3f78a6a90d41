"""Platform metrics of Azure Monitor, by minute, from the endpoint of the resources' region.

Sources: Microsoft Learn, "Metrics - Batch - List", and "Supported metrics" of online endpoints and
their deployments.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.monitor.querymetrics import Metric, MetricsClient, MetricsQueryResult, MetricValue

from engine.errors import Broken, Refused, Unavailable
from hosts.azure.cloud import Cloud
from hosts.azure.logs.metric_points import without_odd
from hosts.azure.logs.query_errors import answered

logger = logging.getLogger("driftwarden.host")

MINUTE = timedelta(minutes=1)
#: The service answers 10 series where a filter splits them and `top` is not set.
MOST_SERIES = 1_000
READ_TIMEOUT = 60
SUCCESS = "Success"


@dataclass(frozen=True)
class Asked:
    """Metrics of resources of one region and kind, split by dimensions."""

    region: str
    resources: tuple[str, ...]
    namespace: str
    names: tuple[str, ...]
    aggregation: str = "Average"
    split: tuple[str, ...] = ()


@dataclass(frozen=True)
class Series:
    """The minutes of one metric that have data; `dimensions` by their names in lower case."""

    resource: str
    metric: str
    dimensions: Mapping[str, str]
    minutes: tuple[tuple[datetime, float], ...]


class Metrics:
    """The metrics query service; one client a region."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._clients: dict[str, MetricsClient] = {}

    def series(self, asked: Asked, start: datetime, end: datetime) -> tuple[Series, ...]:
        """Return every series in [start, end).

        Raises
        ------
        Refused
            There is no such resource or metric, or there are too many series.
        Unavailable
            The service answers late, for a part of the metrics, or not at all.
        """
        name = asked.resources[0].rpartition("/")[2]
        where = f"metrics {', '.join(asked.names)} of {name}"

        def ask() -> list[MetricsQueryResult]:
            return self._asked(where, asked, (start, end))

        try:
            found = answered(where, ask, lambda: self._forget(asked.region))
        except Broken as error:
            # A platform may lack a metric: that is no defect that halts a model.
            raise Refused(str(error)) from None
        return tuple(
            series
            for result in found
            for metric in result.metrics
            for series in _series(where, metric, start, end)
        )

    def _asked(
        self, where: str, asked: Asked, span: tuple[datetime, datetime]
    ) -> list[MetricsQueryResult]:
        def whole(answer: Any, _: object, __: object) -> Any:
            # The SDK's model of it converts times when they are read, and raises there.
            found = answer.http_response.json()
            found = json.loads(found) if isinstance(found, str) else found
            _check(where, found)
            if odd := without_odd(found):
                logger.warning(
                    "%s: %d series or points cannot be read, and are left out", where, odd
                )
            return found

        return self._client(asked.region).query_resources(
            resource_ids=list(asked.resources),
            metric_namespace=asked.namespace,
            metric_names=list(asked.names),
            timespan=span,
            granularity=MINUTE,
            aggregations=[asked.aggregation],
            filter=" and ".join(f"{name} eq '*'" for name in asked.split) or None,
            max_results=MOST_SERIES if asked.split else None,
            cls=whole,
        )

    def _client(self, region: str) -> MetricsClient:
        if region not in self._clients:
            # The loop retries later from its outbox: a worker must not sleep.
            self._clients[region] = MetricsClient(
                self._cloud.metrics.format(region=region),
                self._cloud.credential,
                connection_verify=self._cloud.verify,
                retry_total=0,
                read_timeout=READ_TIMEOUT,
            )
        return self._clients[region]

    def _forget(self, region: str) -> None:
        # A client keeps its token until that expires.
        self._clients.pop(region).close()


def _check(where: str, document: Mapping[str, Any]) -> None:
    """Refuse to take the error of one metric within a good answer for a metric without data."""
    metrics: Sequence[Mapping[str, Any]] = [
        metric for result in document["values"] for metric in result["value"]
    ]
    for metric in metrics:
        code = metric.get("errorCode") or SUCCESS
        if str(code).lower() != SUCCESS.lower():
            said = " ".join(str(metric.get("errorMessage") or "").split())[:200]
            raise Unavailable(f"{where}: {metric['name']['value']}: {code} {said}".rstrip())


def _series(where: str, metric: Metric, start: datetime, end: datetime) -> Iterator[Series]:
    if len(metric.timeseries) >= MOST_SERIES:
        raise Refused(f"{where}: more than {MOST_SERIES} series of {metric.name}")
    resource = metric.id.lower().partition("/providers/microsoft.insights/")[0]
    for found in metric.timeseries:
        minutes = tuple(_minutes(found.data, start, end))
        names = {name.lower(): str(value or "") for name, value in found.metadata_values.items()}
        if minutes:
            yield Series(resource, metric.name, names, minutes)


def _minutes(
    data: Sequence[MetricValue], start: datetime, end: datetime
) -> Iterator[tuple[datetime, float]]:
    """Yield the minutes with data: one without has a time only, which is no zero."""
    for one in data:
        value = one.average if one.average is not None else one.maximum
        minute = one.timestamp.astimezone(UTC)
        if value is not None and start <= minute < end:
            yield minute, value

"""The metrics query service on loopback: POST /subscriptions/{id}/metrics:getBatch.

Rules from Microsoft Learn, "Metrics - Batch - List" (api-version 2024-02-01: metricnames,
metricnamespace and api-version are required, up to 50 resources of one subscription and region,
`top` is 10 where a filter splits the series and it isn't given; a metric may fail within a good
answer; a minute without data has a time only); what is known of each metric from "Supported metrics
for Microsoft.MachineLearningServices/workspaces/onlineEndpoints" and ".../deployments".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.doubles.loopback import BadRequest, Loopback, Request, Response
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

ENDPOINTS = "microsoft.machinelearningservices/workspaces/onlineendpoints"
DEPLOYMENTS = f"{ENDPOINTS}/deployments"
REQUESTS = "RequestsPerMinute"
STATUS = ("deployment", "statusCode", "statusCodeClass", "modelStatusCode")
#: By namespace and metric: its aggregations and its dimensions.
KNOWN: dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    ENDPOINTS: {
        REQUESTS: (("Average",), STATUS),
        "RequestLatency_P99": (("Average",), ("deployment",)),
        "DataCollectionErrorsPerMinute": (
            ("Minimum", "Maximum", "Average"), ("deployment", "reason", "type"),
        ),
    },
    DEPLOYMENTS: dict.fromkeys(
        (
            "CpuUtilizationPercentage", "CpuMemoryUtilizationPercentage",
            "GpuUtilizationPercentage", "GpuMemoryUtilizationPercentage", "DeploymentCapacity",
        ),
        (("Minimum", "Maximum", "Average"), ("instanceId",)),
    ),
}  # fmt: skip
REQUIRED = ("api-version", "metricnames", "metricnamespace")
MINUTE = timedelta(minutes=1)
Minutes = dict[datetime, float]


class MetricsService:
    """One region; use `service` as a context.

    Attributes
    ----------
    resources : by id in lower case, the series by metric and by the values of its dimensions.
    errors : by metric, the code of its error within an answer of 200.
    odd : series that are appended to those of each metric.
    """

    def __init__(self, authority: Authority, credential: LoopbackCredential) -> None:
        self.credential = credential
        self.resources: dict[str, dict[str, dict[tuple[str, ...], Minutes]]] = {}
        self.errors: dict[str, str] = {}
        self.odd: list[Any] = []
        self.service = Loopback(authority)
        self.service.route(
            "POST", "/subscriptions/(?P<subscription>[^/]+)/metrics:getBatch", self._batch
        )

    def add(self, endpoint: str, deployment: str, status: int, at: Iterable[datetime]) -> None:
        """Count one request at each instant."""
        names = {"deployment": deployment, "statusCode": str(status)}
        self.resources.setdefault(f"{endpoint}/deployments/{deployment}".lower(), {})
        for instant in at:
            minute = instant.astimezone(UTC).replace(second=0, microsecond=0)
            series = self._series(endpoint, REQUESTS, names)
            series[minute] = series.get(minute, 0) + 1

    def put(
        self, resource: str, metric: str, minutes: Mapping[datetime, float], **names: str
    ) -> None:
        """Give a metric of a resource its values, by minute."""
        self._series(resource, metric, names).update(minutes)

    def _series(self, resource: str, metric: str, names: Mapping[str, str]) -> Minutes:
        found = self.resources.setdefault(resource.lower(), {}).setdefault(metric, {})
        _, dimensions = KNOWN[_namespace(resource)][metric]
        return found.setdefault(tuple(names.get(name, "") for name in dimensions), {})

    def _batch(self, request: Request) -> Response:
        given = request.headers.get("authorization")
        if given is None:
            raise BadRequest("AuthenticationFailed", "The 'Authorization' header is missing", 401)
        if given != self.credential.bearer:
            raise BadRequest("InvalidAuthenticationToken", "The access token has expired", 401)
        query = request.query
        for name in REQUIRED:
            if not query.get(name):
                raise BadRequest("BadRequest", f"Query parameter {name} is missing")
        body = request.json()
        ids = body.get("resourceids") if isinstance(body, dict) else None
        if not isinstance(ids, list) or not 1 <= len(ids) <= 50:
            raise BadRequest("BadRequest", "resourceids must name 1 to 50 resources")
        if query.get("interval") != "PT1M":
            raise BadRequest("BadRequest", "Detected invalid time grain")
        return Response(200, {"values": [self._one(each, request) for each in ids]})

    def _one(self, resource: str, request: Request) -> dict[str, Any]:
        query = request.query
        if f"/subscriptions/{request.names['subscription']}/" not in resource:
            raise BadRequest("BadRequest", "Resources of several subscriptions in one request")
        if resource.lower() not in self.resources:
            raise BadRequest("ResourceNotFound", f"The resource {resource} was not found", 404)
        if query["metricnamespace"].lower() != _namespace(resource):
            raise BadRequest("BadRequest", "The resource is of another namespace")
        return {
            "starttime": query["starttime"], "endtime": query["endtime"], "interval": "PT1M",
            "namespace": query["metricnamespace"], "resourceregion": "eastus",
            "resourceid": resource,
            "value": [self._metric(resource, m, query) for m in query["metricnames"].split(",")],
        }  # fmt: skip

    def _metric(self, resource: str, metric: str, query: Mapping[str, str]) -> dict[str, Any]:
        known = KNOWN[_namespace(resource)].get(metric)
        if known is None:
            raise BadRequest("BadRequest", f"Failed to find metric configuration for {metric}")
        aggregations, dimensions = known
        split = re.findall(r"(\w+) eq '\*'", query.get("filter", ""))
        if any(name not in dimensions for name in split):
            raise BadRequest("BadRequest", f"Metric {metric} has no dimension {split}")
        if query.get("aggregation") not in aggregations:
            raise BadRequest("BadRequest", f"Metric {metric} has no such aggregation")
        found = self.resources[resource.lower()].get(metric, {})
        series = [] if metric in self.errors else _split(found, dimensions, split, query)
        series += self.odd
        return {
            "id": f"{resource}/providers/Microsoft.Insights/metrics/{metric}",
            "type": "Microsoft.Insights/metrics", "unit": "Count",
            "name": {"value": metric, "localizedValue": metric}, "displayDescription": "",
            "errorCode": self.errors.get(metric, "Success"), "timeseries": series,
        }  # fmt: skip


def _namespace(resource: str) -> str:
    return DEPLOYMENTS if "/deployments/" in resource.lower() else ENDPOINTS


def _split(
    found: Mapping[tuple[str, ...], Minutes],
    dimensions: tuple[str, ...],
    split: list[str],
    query: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Put series together that differ in dimensions that are not split only."""
    together: dict[tuple[tuple[str, str], ...], list[Minutes]] = {}
    for values, minutes in found.items():
        names = dict(zip(dimensions, values, strict=True))
        # The service answers the names of dimensions in lower case.
        key = tuple((name.lower(), names[name]) for name in split)
        together.setdefault(key, []).append(minutes)
    shown = list(together.items())
    if split:
        shown = shown[: int(query.get("top", 10))]
    return [
        {
            "metadatavalues": [
                {"name": {"value": name, "localizedValue": name}, "value": value}
                for name, value in key
            ],
            "data": list(_points(parts, query)),
        }
        for key, parts in shown
    ]


def _points(parts: list[Minutes], query: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    """Yield every minute of the span, empty ones with a time only."""
    minute, end = (datetime.fromisoformat(query[name]) for name in ("starttime", "endtime"))
    aggregation = query["aggregation"].lower()
    while minute < end:
        point: dict[str, Any] = {"timeStamp": minute.isoformat().replace("+00:00", "Z")}
        if values := [part[minute] for part in parts if minute in part]:
            mean = sum(values) / len(values)
            point[aggregation] = float(max(values) if aggregation == "maximum" else mean)
        yield point
        minute += MINUTE

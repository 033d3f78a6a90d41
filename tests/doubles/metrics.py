"""The metrics query service on loopback: POST /subscriptions/{id}/metrics:getBatch.

Rules from Microsoft Learn, "Metrics - Batch - List" (api-version 2024-02-01: metricnames,
metricnamespace and api-version are required, up to 50 resources of one subscription and region,
`top` is 10 where a filter splits the series and it isn't given); what is known of each metric from
"Supported metrics for Microsoft.MachineLearningServices/workspaces/onlineEndpoints".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.doubles.loopback import BadRequest, Loopback, Request, Response
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

NAMESPACE = "microsoft.machinelearningservices/workspaces/onlineendpoints"
METRIC = "RequestsPerMinute"
DIMENSIONS = ("deployment", "statusCode", "statusCodeClass", "modelStatusCode")
REQUIRED = ("api-version", "metricnames", "metricnamespace")
MINUTE = timedelta(minutes=1)


class MetricsService:
    """One region; use `service` as a context. `add` puts requests on an endpoint."""

    def __init__(self, authority: Authority, credential: LoopbackCredential) -> None:
        self.credential = credential
        self.requests: dict[str, dict[tuple[str, str], dict[datetime, int]]] = {}
        self.service = Loopback(authority)
        self.service.route(
            "POST", "/subscriptions/(?P<subscription>[^/]+)/metrics:getBatch", self._batch
        )

    def add(self, endpoint: str, deployment: str, status: int, at: Iterable[datetime]) -> None:
        """Count one request at each instant."""
        series = self.requests.setdefault(endpoint, {}).setdefault((deployment, str(status)), {})
        for instant in at:
            minute = instant.astimezone(UTC).replace(second=0, microsecond=0)
            series[minute] = series.get(minute, 0) + 1

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
        if query["metricnamespace"].lower() != NAMESPACE or query["metricnames"] != METRIC:
            raise BadRequest("BadRequest", f"Failed to find metric {query['metricnames']}")
        if query.get("interval") != "PT1M" or query.get("aggregation") != "Average":
            raise BadRequest("BadRequest", "Detected invalid time grain or aggregation")
        return Response(200, {"values": [self._one(each, request) for each in ids]})

    def _one(self, endpoint: str, request: Request) -> dict[str, Any]:
        if f"/subscriptions/{request.names['subscription']}/" not in endpoint:
            raise BadRequest("BadRequest", "Resources of several subscriptions in one request")
        if endpoint not in self.requests:
            raise BadRequest("ResourceNotFound", f"The resource {endpoint} was not found", 404)
        query = request.query
        split = re.findall(r"(\w+) eq '\*'", query.get("filter", ""))
        if any(name not in DIMENSIONS for name in split):
            raise BadRequest("BadRequest", f"Metric {METRIC} has no dimension {split}")
        low, high = (datetime.fromisoformat(query[name]) for name in ("starttime", "endtime"))
        series = list(self.requests[endpoint].items())[: int(query.get("top", 10))]
        return {
            "starttime": query["starttime"], "endtime": query["endtime"], "interval": "PT1M",
            "namespace": query["metricnamespace"], "resourceregion": "eastus",
            "resourceid": endpoint,
            "value": [{
                "id": f"{endpoint}/providers/Microsoft.Insights/metrics/{METRIC}",
                "type": "Microsoft.Insights/metrics", "unit": "Count",
                "name": {"value": METRIC, "localizedValue": METRIC},
                "displayDescription": "", "errorCode": "Success",
                "timeseries": [_series(*names, counts, low, high) for names, counts in series],
            }],
        }  # fmt: skip


def _series(
    deployment: str, status: str, counts: dict[datetime, int], low: datetime, high: datetime
) -> dict[str, Any]:
    """Every minute of the span, empty ones without a value; dimensions in lower case."""
    names = {"deployment": deployment, "statuscode": status}
    points, minute = [], low
    while minute < high:
        point: dict[str, Any] = {"timeStamp": minute.isoformat().replace("+00:00", "Z")}
        if minute in counts:
            point["average"] = float(counts[minute])
        points.append(point)
        minute += MINUTE
    metadata = [
        {"name": {"value": name, "localizedValue": name}, "value": value}
        for name, value in names.items()
    ]
    return {"metadatavalues": metadata, "data": points}

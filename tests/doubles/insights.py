"""A double of Application Insights' ingestion endpoint.

Sources: azure-rest-api-specs, `applicationinsights/data-plane/Monitor.Exporters/preview/v2.1`
(path, TrackResponse, statuses 200, 206, 400, 402, 429, 500, 503, required members), as generated
into azure/monitor/opentelemetry/exporter/_generated/exporter; Microsoft Learn, "Application
Insights telemetry data model" (kinds of telemetry) and "Troubleshoot missing application telemetry"
(a partly accepted batch is 206 and names each rejected item by index); "Microsoft Entra
authentication for Application Insights" (401 without a token once local authentication is off).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.doubles.loopback import Loopback, Request, Response
from tests.doubles.tls import Authority

KEY = "00000000-1111-2222-3333-444444444444"
DATA = {
    "MetricData": ("ver", "metrics"),
    "RequestData": ("ver", "id", "duration", "success", "responseCode"),
    "RemoteDependencyData": ("ver", "name", "duration"),
    "EventData": ("ver", "name"),
    "MessageData": ("ver", "message"),
    "ExceptionData": ("ver", "exceptions"),
}


class Insights(Loopback):
    """Takes telemetry items; what it took is in `received`, in order.

    Parameters
    ----------
    bearer : returns the Authorization header that is good now: local authentication is off. None
        where the instrumentation key is enough.
    """

    def __init__(
        self, authority: Authority | None = None, bearer: Callable[[], str] | None = None
    ) -> None:
        super().__init__(authority)
        self.received: list[dict[str, Any]] = []
        self._bearer = bearer
        self.route("POST", r"/v2\.1/track", self._post)

    @property
    def connection(self) -> str:
        """The connection string of the resource."""
        return f"InstrumentationKey={KEY};IngestionEndpoint={self.url}/;LiveEndpoint={self.url}/"

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the base data of every item of a kind, each with the item's `tags`."""
        found = [item for item in self.received if item["data"]["baseType"] == kind]
        return [{**item["data"]["baseData"], "tags": item.get("tags", {})} for item in found]

    def _post(self, request: Request) -> Response:
        if self._bearer is not None and request.headers.get("authorization") != self._bearer():
            return Response(401, _told(0, [], [(0, 401, "Authorization is required")]))
        items = _items(request)
        if items is None:
            return Response(400, _told(0, [], [(0, 400, "Invalid JSON")]))
        faults = [(n, 400, fault) for n, item in enumerate(items) if (fault := _fault(item))]
        bad = {n for n, _, _ in faults}
        taken = [item for n, item in enumerate(items) if n not in bad]
        self.received += taken
        status = 200 if not faults else 206 if taken else 400
        return Response(status, _told(len(items), taken, faults))


def _items(request: Request) -> list[dict[str, Any]] | None:
    body = request.body
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    kind = request.headers.get("content-type", "").partition(";")[0]
    try:
        if kind == "application/x-json-stream":
            return [json.loads(line) for line in body.splitlines() if line.strip()]
        found = json.loads(body) if kind == "application/json" else None
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _fault(item: dict[str, Any]) -> str:
    for name in ("name", "time", "iKey"):
        if not item.get(name):
            return _missing(name, "Envelope")
    if item["iKey"] != KEY:
        return "Invalid instrumentation key"
    datetime.fromisoformat(item["time"])
    data = item.get("data") or {}
    kind = data.get("baseType")
    if kind not in DATA:
        return _missing("baseType", "Data")
    for name in DATA[kind]:
        if data.get("baseData", {}).get(name) in (None, "", []):
            return _missing(name, kind)
    if any("name" not in one or "value" not in one for one in data["baseData"].get("metrics", [])):
        return _missing("value", "DataPoint")
    return ""


def _missing(name: str, kind: str) -> str:
    return f"109: Field '{name}' on type '{kind}' is required but missing or empty."


def _told(count: int, taken: list[Any], faults: list[tuple[int, int, str]]) -> dict[str, Any]:
    errors = [{"index": n, "statusCode": code, "message": text} for n, code, text in faults]
    return {"itemsReceived": count, "itemsAccepted": len(taken), "errors": errors}

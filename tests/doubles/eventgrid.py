"""A double of an Event Grid custom topic whose input schema is CloudEvents 1.0.

Sources, on Microsoft Learn unless said otherwise: "Publish events to Azure Event Grid custom topics
using access keys" (path, `aeg-sas-key`, the statuses 200, 400, 401, 404 and 413, the shape of an
error), "CloudEvents v1.0 schema with Azure Event Grid" (media types), "Azure Event Grid event
schema" (an array and each of its events up to 1 MB), "Authenticate Event Grid publishing clients
using Microsoft Entra ID" (Bearer, role EventGrid Data Sender). CloudEvents specification 1.0.2,
"Required Attributes" and "Naming Conventions". The api-version is the SDK's
(azure/eventgrid/_patch.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.doubles.loopback import BadRequest, Loopback, Request, Response
from tests.doubles.tls import Authority

MAX_BYTES = 1024 * 1024
REQUIRED = ("id", "source", "specversion", "type")
BATCH = "application/cloudevents-batch+json"
VERSION = "2018-01-01"
KEY = "loopback-key"


class Topic(Loopback):
    """Takes batches of CloudEvents; what it took is in `received`, in order.

    Parameters
    ----------
    bearer : returns the Authorization header that is good now; None where only the key is.
    """

    def __init__(
        self, authority: Authority | None = None, bearer: Callable[[], str] | None = None
    ) -> None:
        super().__init__(authority)
        self.received: list[dict[str, Any]] = []
        #: Whether whoever the token is for may send.
        self.assigned = True
        self._bearer = bearer
        self.route("POST", "/api/events", self._post)

    @property
    def endpoint(self) -> str:
        """The topic's endpoint."""
        return f"{self.url}/api/events"

    def _post(self, request: Request) -> Response:
        self._admit(request)
        if request.query.get("api-version") != VERSION:
            raise BadRequest("BadRequest", f"api-version {VERSION} is expected")
        if len(request.body) > MAX_BYTES:
            raise BadRequest("PayloadTooLarge", "The array exceeds 1 MB.", 413)
        media = request.headers.get("content-type", "").partition(";")[0].strip()
        if media != BATCH:
            raise BadRequest("BadRequest", f"content type {media!r} is not {BATCH}")
        events = request.json()
        if not isinstance(events, list) or not events:
            raise BadRequest("BadRequest", "a batch is an array of events")
        for event in events:
            _check(event)
        self.received += events
        return Response(200)

    def _admit(self, request: Request) -> None:
        if request.headers.get("aeg-sas-key") == KEY:
            return
        given = request.headers.get("authorization")
        if self._bearer is None or given != self._bearer():
            raise BadRequest("Unauthorized", "The request is not authorized.", 401)
        if not self.assigned:
            raise BadRequest("Forbidden", "The principal may not send to this topic.", 403)


def _check(event: Any) -> None:
    if not isinstance(event, dict):
        raise BadRequest("BadRequest", "an event is an object")
    for name in REQUIRED:
        if not isinstance(event.get(name), str) or not event[name]:
            raise BadRequest("BadRequest", f"attribute {name!r} is required")
    if event["specversion"] != "1.0":
        raise BadRequest("BadRequest", "specversion 1.0 is expected")
    if bad := [name for name in event if not re.fullmatch("[a-z0-9]+|data_base64", name)]:
        raise BadRequest("BadRequest", f"attribute {bad[0]!r}: lower-case letters and digits only")
    if "data" in event and "data_base64" in event:
        raise BadRequest("BadRequest", "data and data_base64 exclude each other")
    if len(json.dumps(event).encode()) > MAX_BYTES:
        raise BadRequest("PayloadTooLarge", "An event exceeds 1 MB.", 413)
    if "time" in event:
        try:
            datetime.fromisoformat(event["time"])
        except (TypeError, ValueError):
            raise BadRequest("BadRequest", "time is not RFC 3339") from None

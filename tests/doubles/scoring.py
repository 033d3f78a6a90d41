"""The data plane of online endpoints: what answers at the scoring address.

Sources (Microsoft Learn): "Troubleshoot online endpoints deployment and scoring" (status codes: 401
without a valid key or token, 404 without a deployment of positive weight, 408 over the request
timeout, 424 with `ms-azureml-model-error-statuscode` where the container fails, 429 with too many
requests pending); "Perform safe rollout of new deployments" (the header `azureml-model-deployment`
takes one deployment whatever the split is); "Deploy MLflow models to online endpoints"
(`input_data` with columns, index and data); quotas page (a payload of at most 1.5 MB).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.doubles.azureml import AzureML
from tests.doubles.loopback import BadRequest, Request, Response

PAYLOAD = 1_500_000
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Scored:
    """One request that a deployment answered; `request` and `client` are the ids in its logs.

    "Troubleshoot online endpoints" (Microsoft Learn): `x-request-id` is overridden unless it is a
    GUID, and `x-ms-client-request-id` keeps 40 characters of letters, digits, - and _.
    """

    endpoint: str
    deployment: str
    rows: Rows
    request: str
    client: str
    pinned: bool


class Scorers:
    """Scores for the endpoints of an `AzureML` double.

    `models` maps a deployment's name to what it does with rows; what it raises is a 424.
    """

    def __init__(self, service: AzureML, models: Mapping[str, Callable[[Rows], Any]]) -> None:
        self.service = service
        self.models = dict(models)
        self.scored: list[Scored] = []
        self.key = "loopback-primary"
        service.route("POST", "/endpoints/(?P<endpoint>[^/]+)/score", self._score)

    def _score(self, request: Request) -> Response:
        name = request.names["endpoint"]
        endpoint = self.service.online.endpoints.get(name)
        if endpoint is None:
            raise _refuse("no such endpoint", 404)
        if request.headers.get("authorization") != self._allowed(endpoint):
            raise _refuse("the key or token is missing, wrong or expired", 401)
        if len(request.body) > PAYLOAD:
            raise _refuse("the payload is too large", 413)
        pinned = request.headers.get("azureml-model-deployment")
        deployment = self._chosen(name, endpoint, pinned)
        if request.headers.get("content-type") != "application/json":
            return _failed(400, "content type")
        try:
            rows = _rows(request.json())
            answer = self.models[deployment](rows)
        except (BadRequest, KeyError, ValueError, TypeError) as error:
            return _failed(500, repr(error))
        sent, client = (request.headers.get(f"x-{one}request-id", "") for one in ("", "ms-client-"))
        kept = sent if GUID.fullmatch(sent) else str(uuid4())
        client = re.sub(r"[^A-Za-z0-9_-]", "", client)[:40]
        self.scored.append(Scored(name, deployment, rows, kept, client, pinned is not None))
        return Response(200, answer, {"azureml-model-deployment": deployment})

    def _allowed(self, endpoint: dict[str, Any]) -> str:
        if endpoint["properties"]["authMode"] == "Key":
            return f"Bearer {self.key}"
        if endpoint["properties"]["authMode"] == "AADToken":
            return self.service.credential.bearer
        return "Bearer loopback"

    def _chosen(self, name: str, endpoint: dict[str, Any], pinned: str | None) -> str:
        traffic = endpoint["properties"]["traffic"]
        heaviest = max(traffic, key=lambda d: traffic[d], default=None)
        chosen = pinned or heaviest
        if chosen is None or (name, chosen) not in self.service.online.deployments:
            raise _refuse("no valid deployment to route to", 404)
        return chosen


def _rows(body: Any) -> Rows:
    split = body["input_data"]
    columns, index, table = split["columns"], split["index"], split["data"]
    if len(index) != len(table) or any(len(row) != len(columns) for row in table):
        raise ValueError("columns, index and data do not fit")
    return [dict(zip(columns, row, strict=True)) for row in table]


def _failed(status: int, reason: str) -> Response:
    headers = {
        "ms-azureml-model-error-statuscode": str(status),
        "ms-azureml-model-error-reason": "model_error",
    }
    return Response(424, {"message": reason}, headers)


def _refuse(message: str, status: int) -> BadRequest:
    return BadRequest("ScoringError", message, status)

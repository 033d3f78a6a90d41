"""Score rows by one version outside the live traffic, through its endpoint's scoring address."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.errors import Refused, Unavailable
from hosts.azure.ml.arm_errors import translated
from hosts.azure.ml.deployments import Deployments
from hosts.azure.ml.workspace import Workspace
from retrain.ports import Registry

#: What the ids of our own requests begin with, so that their log lines can be told apart.
REQUEST = "driftwarden-"
EVALUATION = "driftwarden.evaluation"
ROWS = 1000
#: "Managed online endpoints: payload size" (Microsoft Learn, quotas page) is 1.5 MB.
PAYLOAD = 1_000_000
#: "Managed online endpoints: request timeout" (Microsoft Learn, quotas page) is 180 s at most.
TIMEOUT = 190
ATTEMPTS = 4
#: A longer pause than this is the caller's to make.
PATIENCE = timedelta(seconds=10)
AGAIN = timedelta(minutes=1)
#: "Troubleshoot online endpoints: HTTP status codes" (Microsoft Learn): the model's own failures.
#: A 5xx that reaches us is said to be the infrastructure's, and tried again.
MODEL_ERRORS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.FAILED_DEPENDENCY})
DENIED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True)
class _Door:
    """Where an endpoint scores, and what lets us in; never shown."""

    url: str
    bearer: str

    def __repr__(self) -> str:
        return f"_Door({self.url!r})"


@dataclass(frozen=True)
class _Asked:
    """One block for one deployment; `what` names the version in errors."""

    what: str
    endpoint: str
    deployment: str
    rows: int
    body: bytes


class AzureScoring:
    """Implements `fleet.ports.Scoring` by requests that are pinned to one deployment.

    Parameters
    ----------
    registry : says which columns a version takes, and where its evaluation rows lie.
    read_table : reads the table at an address.
    verify : what the HTTP client trusts.
    """

    def __init__(
        self,
        workspace: Workspace,
        deployments: Deployments,
        registry: Registry,
        endpoint_of: Callable[[str], str],
        read_table: Callable[[str], pa.Table],
        *,
        verify: bool | str = True,
        sleep: Callable[[float], None] = time.sleep,
        timeout: float = TIMEOUT,
    ) -> None:
        self._workspace = workspace
        self._deployments = deployments
        self._registry = registry
        self._endpoint_of = endpoint_of
        self._read_table = read_table
        self._verify = verify
        self._sleep = sleep
        self._timeout = timeout
        self._doors: dict[str, _Door] = {}

    def score(self, model: str, version: str, rows: pa.Table) -> npt.NDArray[np.float64]:
        """See `fleet.ports.Scoring`; a feature that the rows lack is all null.

        Unavailable while the version's deployment is being made, or the endpoint has no capacity.
        """
        if not rows.num_rows:
            return np.empty(0)
        features = self._registry.card(model, version).features or tuple(rows.column_names)
        deployment = self._deployments.ready(model, version)
        what, endpoint = f"{model} {version}", self._endpoint_of(model)
        scores: list[float] = []
        for count, body in _blocks(rows, features):
            scores += self._answered(_Asked(what, endpoint, deployment, count, body))
        return np.array(scores, dtype=np.float64)

    def evaluation(self, model: str, version: str) -> pa.Table | None:
        """See `fleet.ports.Scoring`: the table at the address in the version's tag."""
        address = self._registry.card(model, version).tags.get(EVALUATION)
        return None if address is None else self._read_table(address)

    def _answered(self, asked: _Asked) -> list[float]:
        refreshed = False
        for attempt in range(1, ATTEMPTS + 1):
            status, headers, content = self._post(asked)
            if status == HTTPStatus.OK:
                return _scores(asked, content)
            if status in DENIED and not refreshed:
                # Keys are rotated and tokens run out: what we had is asked for again, once.
                refreshed = True
                self._doors.pop(asked.endpoint, None)
                continue
            pause = _pause(headers, attempt)
            retried = status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500 or not status
            if not retried or attempt == ATTEMPTS or pause > PATIENCE:
                raise _failure(asked, status, headers, content, pause)
            self._sleep(pause.total_seconds())
        raise Unavailable(f"{asked.what}: {asked.endpoint} keeps refusing our credentials", AGAIN)

    def _post(self, asked: _Asked) -> tuple[int, Mapping[str, str], bytes]:
        """Send one block; status 0 where no answer came."""
        from azure.core import PipelineClient
        from azure.core.exceptions import ServiceRequestError, ServiceResponseError
        from azure.core.rest import HttpRequest, HttpResponse

        door = self._door(asked.endpoint)
        name = f"{REQUEST}{uuid4().hex}"
        headers = {
            "Authorization": f"Bearer {door.bearer}",
            "Content-Type": "application/json",
            "azureml-model-deployment": asked.deployment,
            "x-ms-client-request-id": name,
            "x-request-id": name,
        }
        request = HttpRequest("POST", door.url, headers=headers, content=asked.body)
        # Without policies: no redirect is followed and nothing logs what is sent.
        client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(
            door.url, policies=[], connection_verify=self._verify
        )
        with client:
            try:
                response = client.send_request(request, read_timeout=self._timeout)
                return response.status_code, response.headers, response.read()
            except (ServiceRequestError, ServiceResponseError) as error:
                return 0, {}, type(error).__name__.encode()

    def _door(self, endpoint: str) -> _Door:
        known = self._doors.get(endpoint)
        if known is None:
            with translated(f"endpoint {endpoint}: keys", "onlineEndpoints/listKeys/action"):
                operations = self._workspace.client.online_endpoints
                url = str(operations.get(endpoint).scoring_uri or "")
                keys: Any = operations.get_keys(endpoint)
            if not url.startswith("https://"):
                raise Refused(f"endpoint {endpoint}: no https address to score at")
            bearer = getattr(keys, "primary_key", None) or getattr(keys, "access_token", "")
            known = self._doors[endpoint] = _Door(url, str(bearer))
        return known


def _blocks(rows: pa.Table, features: Sequence[str]) -> Iterator[tuple[int, bytes]]:
    """Cut rows into requests, small enough for an endpoint."""
    for start in range(0, rows.num_rows, ROWS):
        yield from _cut(rows.slice(start, ROWS), features)


def _cut(rows: pa.Table, features: Sequence[str]) -> Iterator[tuple[int, bytes]]:
    body = _body(rows, features)
    if len(body) <= PAYLOAD or rows.num_rows == 1:
        yield rows.num_rows, body
        return
    half = rows.num_rows // 2
    yield from _cut(rows.slice(0, half), features)
    yield from _cut(rows.slice(half), features)


def _body(rows: pa.Table, features: Sequence[str]) -> bytes:
    """Write rows as an MLflow deployment takes them.

    Source: "Deploy MLflow models to online endpoints: payload with input_data" (Microsoft Learn);
    a scoring script of one's own gets the same.
    """
    known = set(rows.column_names)
    nothing = [None] * rows.num_rows
    columns = [rows[name].to_pylist() if name in known else nothing for name in features]
    table = [[_plain(value) for value in row] for row in zip(*columns, strict=True)]
    split = {"columns": list(features), "index": list(range(rows.num_rows)), "data": table}
    return json.dumps({"input_data": split}, allow_nan=False, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, date) else value


def _scores(asked: _Asked, content: bytes) -> list[float]:
    try:
        found = json.loads(content)
    except ValueError:
        raise Refused(f"{asked.what} answered {_shown(content)}, not JSON") from None
    found = found.get("score") if isinstance(found, dict) else found
    if not isinstance(found, list):
        raise Refused(f"{asked.what} answered {_shown(content)}, not a list of scores")
    if len(found) != asked.rows:
        raise Refused(f"{asked.what} answered {len(found)} scores for {asked.rows} rows")
    for score in found:
        if type(score) not in (int, float) or not math.isfinite(score):
            raise Refused(f"{asked.what} answered {score!r}, not a finite number")
    return [float(score) for score in found]


def _failure(
    asked: _Asked, status: int, headers: Mapping[str, str], content: bytes, pause: timedelta
) -> Refused | Unavailable:
    """Return what an answer means: the version's failure, or the outside's."""
    where = f"{asked.what}: deployment {asked.deployment} on {asked.endpoint}"
    if status in MODEL_ERRORS:
        inner = headers.get("ms-azureml-model-error-statuscode")
        said = f"{status}, the model {inner}" if inner else f"{status}"
        return Refused(f"{where} failed ({said}): {_shown(content)}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Unavailable(f"{where} has no capacity (429)", max(pause, PATIENCE))
    if status in DENIED:
        return Unavailable(f"{where} does not let us in ({status}): is the role assigned?", AGAIN)
    if status == HTTPStatus.NOT_FOUND:
        return Refused(f"{where} is not there (404)")
    if not status or status >= 500:
        said = f"answered {status}" if status else f"did not answer ({_shown(content)})"
        return Unavailable(f"{where} {said}", AGAIN)
    return Refused(f"{where} refused the request ({status}): {_shown(content)}")


def _pause(headers: Mapping[str, str], attempt: int) -> timedelta:
    asked = headers.get("Retry-After", "")
    return timedelta(seconds=int(asked) if asked.isdigit() else 2.0 ** (attempt - 1))


def _shown(content: bytes) -> str:
    text = " ".join(content.decode(errors="replace").split())
    return text[:120] or "nothing"

"""Requests to the scoring address of an endpoint, pinned to one deployment and tried again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from engine.errors import Refused, Unavailable
from hosts.azure.ml.arm_errors import translated
from hosts.azure.ml.workspace import Workspace
from monitoring.intake.own import own_ids

#: "Managed online endpoints: request timeout" (Microsoft Learn, quotas page) is 180 s at most.
TIMEOUT = 190
ATTEMPTS = 4
#: For longer pauses Unavailable is raised, and the caller retries.
PATIENCE = timedelta(seconds=10)
AGAIN = timedelta(minutes=1)
#: "Troubleshoot online endpoints: HTTP status codes" (Microsoft Learn): the model's own failures.
#: Other 5xx are documented as failures of the infrastructure, and retried.
MODEL_ERRORS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.FAILED_DEPENDENCY})
DENIED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True)
class _Door:
    """The scoring address of an endpoint, and its key, which is never shown."""

    url: str
    bearer: str

    def __repr__(self) -> str:
        return f"_Door({self.url!r})"


@dataclass(frozen=True)
class Asked:
    """One block for one deployment; `what` names the version in errors."""

    what: str
    endpoint: str
    deployment: str
    rows: int
    body: bytes


class ScoringClient:
    """Sends blocks of rows, with the keys that the workspace gives.

    Parameters
    ----------
    verify : the certificates that the HTTP client trusts.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        verify: bool | str = True,
        sleep: Callable[[float], None] = time.sleep,
        timeout: float = TIMEOUT,
    ) -> None:
        self._workspace = workspace
        self._verify = verify
        self._sleep = sleep
        self._timeout = timeout
        self._doors: dict[str, _Door] = {}

    def send(self, asked: Asked) -> bytes:
        """Return the answer to one block.

        Raises
        ------
        Refused
            The version failed on the rows.
        Unavailable
            The endpoint has no capacity, or did not answer.
        """
        refreshed = False
        for attempt in range(1, ATTEMPTS + 1):
            status, headers, content = self._post(asked)
            if status == HTTPStatus.OK:
                return content
            if status in DENIED and not refreshed:
                # Keys are rotated and tokens expire: they are fetched again, once.
                refreshed = True
                self._doors.pop(asked.endpoint, None)
                continue
            pause = _pause(headers, attempt)
            retried = status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500 or not status
            if not retried or attempt == ATTEMPTS or pause > PATIENCE:
                raise _failure(asked, status, headers, content, pause)
            self._sleep(pause.total_seconds())
        raise Unavailable(f"{asked.what}: {asked.endpoint} keeps refusing our credentials", AGAIN)

    def _post(self, asked: Asked) -> tuple[int, Mapping[str, str], bytes]:
        """Send one block; the status is 0 without an answer."""
        from azure.core import PipelineClient
        from azure.core.exceptions import ServiceRequestError, ServiceResponseError
        from azure.core.rest import HttpRequest, HttpResponse

        door = self._door(asked.endpoint)
        client_id, request_id = own_ids(uuid4())
        headers = {
            "Authorization": f"Bearer {door.bearer}",
            "Content-Type": "application/json",
            "azureml-model-deployment": asked.deployment,
            "x-ms-client-request-id": client_id,
            "x-request-id": request_id,
        }
        request = HttpRequest("POST", door.url, headers=headers, content=asked.body)
        # Without policies: redirects are not followed, and requests are not logged.
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


def _failure(
    asked: Asked, status: int, headers: Mapping[str, str], content: bytes, pause: timedelta
) -> Refused | Unavailable:
    """Return the error for an answer: Refused for the version's failure, else Unavailable."""
    where = f"{asked.what}: deployment {asked.deployment} on {asked.endpoint}"
    if status in MODEL_ERRORS:
        inner = headers.get("ms-azureml-model-error-statuscode")
        said = f"{status}, the model {inner}" if inner else f"{status}"
        return Refused(f"{where} failed ({said}): {shown(content)}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Unavailable(f"{where} has no capacity (429)", max(pause, PATIENCE))
    if status in DENIED:
        return Unavailable(
            f"{where} rejects the app's credentials ({status}): check its role", AGAIN
        )
    if status == HTTPStatus.NOT_FOUND:
        return Refused(f"{where} is not there (404)")
    if not status or status >= 500:
        said = f"answered {status}" if status else f"did not answer ({shown(content)})"
        return Unavailable(f"{where} {said}", AGAIN)
    return Refused(f"{where} refused the request ({status}): {shown(content)}")


def _pause(headers: Mapping[str, str], attempt: int) -> timedelta:
    """Return the pause that an answer asks for, or one that doubles with each attempt."""
    asked = headers.get("Retry-After", "")
    # The model's code may have written it.
    known = re.fullmatch(r"[0-9]{1,9}", asked)
    return timedelta(seconds=int(asked) if known else 2.0 ** (attempt - 1))


def shown(content: bytes) -> str:
    """Return the beginning of an answer, for a message."""
    text = " ".join(content.decode(errors="replace").split())
    return text[:120] or "nothing"

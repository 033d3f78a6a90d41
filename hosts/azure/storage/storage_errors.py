"""The errors of the storage services, translated for tables, blobs and queues alike.

Source of the codes: Microsoft Learn, "Status and error codes" of the Storage services' REST API.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.core.pipeline import PipelineResponse

from engine.errors import Broken, Conflict, DriftwardenError, Unavailable

#: A role assignment takes minutes to take effect: earlier retries are pointless.
DENIED_DELAY = timedelta(minutes=5)
DEFAULT_DELAY = timedelta(seconds=30)
#: The table, container or queue is being deleted, or was.
GONE = {
    f"{kind}{what}"
    for kind in ("Table", "Container", "Queue")
    for what in ("NotFound", "BeingDeleted")
}
_SECONDS = re.compile(r"\d{1,6}")
_QUERY = re.compile(r"\?\S+")
_LONGEST = 200


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Translate the SDK's errors; `where` names the service and the request.

    The cause is left out of the traceback: its text may hold an address with a shared access
    signature.
    """
    try:
        yield
    except AzureError as error:
        raise translate(error, where) from None


@dataclass(frozen=True)
class Expected:
    """Lets a block end at an error that is no fault there, unless the container itself is gone."""

    error: type[HttpResponseError]

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, found: BaseException | None, trace: object) -> bool:
        return isinstance(found, self.error) and said_code(found) not in GONE


def translate(error: AzureError, where: str) -> DriftwardenError:
    """Return our error for one of the SDK's.

    Conflict on 409 and 412 and on 404 (the row to overwrite is gone); Broken on other 4xx,
    where the request itself is at fault; Unavailable on 401, 403, 408, 429, 5xx and without an
    answer, where the outcome of the request is unknown.
    """
    status = error.status_code if isinstance(error, HttpResponseError) else None
    said = f"{where}: {plain(error)}"
    match status:
        case None if isinstance(error, ClientAuthenticationError):
            return Unavailable(said, DENIED_DELAY)
        case 401 | 403:
            return Unavailable(f"{said} (is the role assigned?)", DENIED_DELAY)
        case 404 | 409 if said_code(error) in GONE:
            return Unavailable(f"{said} (was it deleted?)", DENIED_DELAY)
        case 404 | 409 | 412:
            return Conflict(said)
        case 400 | 405 | 411 | 413 | 414 | 415 | 416:
            return Broken(said)
        case _:
            headers = getattr(getattr(error, "response", None), "headers", {})
            return Unavailable(said, _delay(headers))


def said_code(error: AzureError) -> str:
    """Return the service's code of an error, or an empty text."""
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


def plain(error: AzureError) -> str:
    """Return the first line of an error's message, without query strings of addresses."""
    line = str(error.message or type(error).__name__).strip().splitlines()[0]
    return _QUERY.sub("?…", line)[:_LONGEST]


def give_way(response: PipelineResponse[Any, Any]) -> None:
    """Raise Unavailable where an answer asks for a pause; a hook of the Tables client.

    Its retry policy would sleep for as long as the service asks, and block the worker.
    """
    headers = response.http_response.headers
    if response.http_response.status_code >= 400 and "Retry-After" in headers:
        status = response.http_response.status_code
        raise Unavailable(f"tables: answer {status}, asking for a pause", _delay(headers))


def _delay(headers: Mapping[str, str]) -> timedelta:
    asked = headers.get("Retry-After") or ""
    return timedelta(seconds=int(asked)) if _SECONDS.fullmatch(asked) else DEFAULT_DELAY

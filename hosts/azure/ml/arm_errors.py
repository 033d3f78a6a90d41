"""The exceptions of Azure's SDKs, translated to errors by what the caller does next.

Status codes: "Azure Resource Manager: resource provider API guidelines" and "Throttling Resource
Manager requests" (Microsoft Learn); exceptions: azure-core's `exceptions.py` and azure-ai-ml's
`exceptions.py`, whose errors are azure-core's `AzureError` as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from azure.core.exceptions import AzureError, HttpResponseError

from engine.errors import Broken, DriftwardenError, Refused, Unavailable

PROVIDER = "Microsoft.MachineLearningServices/workspaces"
LONGEST = 300
SOON = timedelta(seconds=30)
#: The time until a new role assignment or a fresh token takes effect.
IDENTITY = timedelta(minutes=2)
#: Codes of a failed asynchronous operation where the service is at fault: mfe.json's ErrorResponse.
THEIRS = re.compile(r"InternalServerError|ServiceError|ServerError|Unavailable|Timeout|Transient")
#: A write is refused while the operation before it is not quite over: 409, or 400 with these words
#: (Azure/azure-sdk-for-net, issue 36961), at once or at the end of an operation.
UNDER_WAY = re.compile(
    r"(?i)\bin (?:creating|updating|scaling|deleting) provisioning ?state"
    r"|(?:another|an) operation .*\bin progress|AnotherOperationInProgress"
)
BUSY = timedelta(minutes=1)
#: "Troubleshoot Azure RBAC" (Microsoft Learn): the message of AuthorizationFailed.
ACTION = re.compile(r"perform action '([^']+)'")
SECRET = re.compile(r"(?i)\b(sig|sv|code|key|token|password|accountkey)=[^&\s\"']+")
#: `_exception_helper.py` of azure-ai-ml formats for a terminal.
COLOUR = re.compile(r"\x1b\[[\d;]*m")


class Absent(Refused):
    """Nothing has that name."""


@contextmanager
def translated(what: str, needs: str = "") -> Iterator[None]:
    """Translate exceptions of the SDKs in the block to this project's errors.

    Parameters
    ----------
    what : the operation, the beginning of every message: "job flights-run-1: submit".
    needs : the required permission below `PROVIDER`, for answers that do not name it:
        "jobs/write".

    Raises
    ------
    Absent
        404.
    Refused
        403, naming the permission; and other errors that a retry would not change.
    Unavailable
        Throttled, busy, a conflict with an operation in progress, no answer, or a rejected token:
        the SDK fetches a new one for the next request.
    Broken
        The SDK itself failed.
    """
    try:
        yield
    except AzureError as error:
        raise _error(error, what, needs) from error


def _error(error: AzureError, what: str, needs: str) -> DriftwardenError:
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        return _answered(error, error.status_code, what, needs)
    category = getattr(error, "error_category", None)
    if category is None:
        # No answer: refused or dropped connections, timeouts, names that don't resolve.
        return Unavailable(f"{what}: {_line(error)}", SOON)
    # The SDK raises validation errors of a document as "Unknown": `log_and_raise_error`.
    kind = Broken if str(getattr(category, "value", category)) == "SystemError" else Refused
    return kind(f"{what}: {_line(error)}")


def _answered(error: HttpResponseError, status: int, what: str, needs: str) -> DriftwardenError:
    told = f"{what}: {_line(error)}"
    match status:
        case 401:
            return Unavailable(f"{told}: the app's token was rejected", IDENTITY)
        case 403:
            return Refused(f"{told}: the app's identity needs {_permission(told, needs)}")
        case 404:
            return Absent(told)
        case 408 | 409 | 412 | 429:
            return Unavailable(told, _after(getattr(error.response, "headers", {})))
        case _ if status >= 500:
            return Unavailable(told, _after(getattr(error.response, "headers", {})))
        case _ if UNDER_WAY.search(told):
            return Unavailable(told, _after(getattr(error.response, "headers", {}), BUSY))
        case _ if status < 400 and THEIRS.search(told):
            # An asynchronous operation failed after its request had succeeded.
            return Unavailable(told, SOON)
    return Refused(told)


def _permission(told: str, needs: str) -> str:
    """Return the permission that Resource Manager names, or the caller's."""
    named = ACTION.search(told)
    if named:
        return named[1]
    return f"{PROVIDER}/{needs}" if needs else "a role that allows it"


def _after(headers: Mapping[str, str], default: timedelta = SOON) -> timedelta:
    """Return the Retry-After of an answer, in seconds or as a date, or a default."""
    said = headers.get("Retry-After", "")
    if said.isdigit():
        return timedelta(seconds=int(said))
    if said[:1].isalpha():
        return max(timedelta(0), parsedate_to_datetime(said) - datetime.now(UTC))
    return default


def _line(error: AzureError) -> str:
    """Return an error's message as one line without secrets."""
    model = getattr(error, "error", None)
    code, message = getattr(model, "code", None), getattr(model, "message", None)
    words = f"{code}: {message}" if code and message else str(error.message or error)
    line = SECRET.sub(r"\1=…", " ".join(COLOUR.sub("", words).split()))
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"

"""The errors of the logs and metrics query services, translated for the caller.

Sources: Microsoft Learn, "Azure Monitor Log Analytics API errors" and "Query limits"; the SDKs'
troubleshooting guides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from engine.errors import Broken, DriftwardenError, Refused, Unavailable

#: A role assignment takes minutes to take effect: earlier retries are pointless.
DENIED_DELAY = timedelta(minutes=5)
DEFAULT_DELAY = timedelta(seconds=30)
#: The code of an answer that was truncated because of its length.
TOO_LARGE = "E_QUERY_RESULT_SET_TOO_LARGE"
_SECONDS = re.compile(r"\d{1,6}")
_LONGEST = 200

Answer = TypeVar("Answer")


def answered(where: str, ask: Callable[[], Answer], renew: Callable[[], None]) -> Answer:
    """Call `ask`; where its token has expired, once more after `renew`.

    `where` names the service and the request. The cause is left out of the traceback.

    Raises
    ------
    DriftwardenError
        See `translate`.
    """
    try:
        return ask()
    except AzureError as error:
        if not isinstance(error, HttpResponseError) or error.status_code != 401:
            raise translate(error, where) from None
    renew()
    try:
        return ask()
    except AzureError as error:
        raise translate(error, where) from None


def translate(error: AzureError, where: str) -> DriftwardenError:
    """Return our error for one of the SDK's.

    Refused where a table, column or resource isn't there; Broken where our query is no KQL or our
    request is malformed; Unavailable on 401, 403, 408, 429, 5xx, and without token or answer.
    """
    line = f"{where}: {said(error)}"
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        denied = isinstance(error, ClientAuthenticationError)
        return Unavailable(line, DENIED_DELAY if denied else DEFAULT_DELAY)
    if error.status_code in (401, 403):
        return Unavailable(f"{line} (is the role assigned?)", DENIED_DELAY)
    if error.status_code == 404 or "SemanticError" in _codes(error):
        return Refused(f"{line}; see docs/log-analytics.md")
    if error.status_code in (400, 405, 413, 414, 415):
        return Broken(line)
    return Unavailable(line, _delay(error))


def said(error: AzureError) -> str:
    """Return the innermost message of the service, in one line."""
    nested = _nested(error)
    text = str(nested[-1].get("message") or "") if nested else ""
    text = text or str(error.message or type(error).__name__)
    return " ".join(text.split())[:_LONGEST]


def _codes(error: AzureError) -> list[str]:
    return [str(part.get("code")) for part in _nested(error)]


def _nested(error: AzureError) -> list[dict[str, Any]]:
    """Return the nested error objects of an answer, outermost first."""
    response = getattr(error, "response", None)
    try:
        part = response.json().get("error") if response is not None else None
    except (ValueError, AttributeError):
        return []
    found = []
    while isinstance(part, dict):
        found.append(part)
        part = part.get("innererror")
    return found


def _delay(error: HttpResponseError) -> timedelta:
    asked = str(getattr(error.response, "headers", {}).get("Retry-After") or "")
    return timedelta(seconds=int(asked)) if _SECONDS.fullmatch(asked) else DEFAULT_DELAY

"""Event Grid's deliveries over plain HTTP, where each carries a token of Microsoft Entra ID.

An alternative to the Event Grid trigger that needs no key in a subscription's address. The platform
validates nothing on this route, so that everything is validated here. Sources: Microsoft Learn,
"Deliver events to Microsoft Entra protected endpoints" (the application and its role), "Access
tokens in the Microsoft identity platform" (issuers, `azp` and `appid`, keys), "Endpoint validation
with Event Grid event schema" and "... with CloudEvents schema" (the two handshakes), "Event Grid
message delivery and retry" (what is never sent again: 400, 401, 403 and 413).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import azure.functions as func

from engine.errors import Refused, Unavailable
from hosts import face, messages
from hosts.azure.settings import AUTHORITY, WEBHOOK_AUDIENCE, WEBHOOK_TENANT

if TYPE_CHECKING:
    from fleet.service import Service
    from hosts.azure.eventgrid.tokens import Gate

PUBLIC = "https://login.microsoftonline.com"
#: The origin in a CloudEvents handshake.
ORIGIN = "eventgrid.azure.net"
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
_TENANT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def answer(
    opened: Callable[[], Service], request: func.HttpRequest, settings: Mapping[str, str]
) -> func.HttpResponse:
    """Answer one request to the webhook.

    Returns
    -------
    HttpResponse
        404 where the settings name no tenant and audience, 200 for a handshake and when every event
        is delivered or parked, 401 and 403 for a token that is not Event Grid's, 400 for a
        malformed body, 503 for "try later".
    """
    tenant, audience = settings.get(WEBHOOK_TENANT, ""), settings.get(WEBHOOK_AUDIENCE, "")
    if not tenant or not audience:
        return face.error(404, "this app takes no events here: see docs/azure.md")
    if request.method.upper() == "OPTIONS":
        return _handshake(request)
    authority = settings.get(AUTHORITY) or PUBLIC
    return face.as_json(lambda: _taken(opened, request, _gate(tenant, audience, authority)))


@lru_cache(maxsize=4)
def _gate(tenant: str, audience: str, authority: str) -> Gate:
    # Late: cryptography is imported only by requests to this route.
    from hosts.azure.eventgrid.tokens import Gate

    if not _TENANT.fullmatch(tenant.lower()):
        raise Unavailable(f"app setting {WEBHOOK_TENANT}: a tenant's id (a GUID) is expected")
    if "://" not in authority:
        authority = f"https://{authority}"
    return Gate(tenant.lower(), audience, authority.rstrip("/"))


def _handshake(request: func.HttpRequest) -> func.HttpResponse:
    """Answer a CloudEvents handshake, which has no token; the deliveries need one."""
    if request.headers.get("webhook-request-origin", "").lower() != ORIGIN:
        return face.error(403, f"only {ORIGIN} may deliver here")
    return func.HttpResponse(status_code=200, headers={"WebHook-Allowed-Origin": ORIGIN})


def _taken(opened: Callable[[], Service], request: func.HttpRequest, gate: Gate) -> Any:
    gate.admit(request.headers.get("authorization"))
    found = messages.batch(request.get_body(), "delivery")
    if code := _code(found.events):
        return {"validationResponse": code}
    # Where one fails, Event Grid sends the whole batch again; delivered events are deduplicated by
    # id.
    messages.ingest_batch(opened(), found)
    return {"taken": len(found.events)}


def _code(elements: Sequence[Any]) -> str | None:
    """Return the validation code of Event Grid's own handshake, a batch of one event."""
    if len(elements) != 1 or not isinstance(elements[0], Mapping):
        return None
    keys = {str(key).lower(): value for key, value in elements[0].items()}
    if str(keys.get("eventtype")).lower() != VALIDATION.lower():
        return None
    fields = keys.get("data")
    code = fields.get("validationCode") if isinstance(fields, Mapping) else None
    if not isinstance(code, str) or not code:
        raise Refused("subscription validation: data.validationCode is missing")
    return code

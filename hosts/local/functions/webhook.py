"""Requests of Event Grid to a webhook, decoded to the arguments of functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from azure.functions import CloudEvent, EventGridEvent
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum

from engine.errors import Refused
from hosts.local.functions.http import Response

PATH = "/runtime/webhooks/eventgrid"
#: Event Grid sends this origin with a CloudEvents handshake.
ORIGIN = "eventgrid.azure.net"


def parse_elements(headers: Mapping[str, str], body: bytes) -> list[dict[str, object]]:
    """Return the events of one delivery, each as the JSON object that was sent.

    An array is a batch of either schema, an object one event, and a body beside `ce-` headers a
    CloudEvent in binary mode. The objects' fields are not checked here.

    Parameters
    ----------
    headers : mapping
        Names in lower case.

    Raises
    ------
    Refused
        The body is not JSON, or not an object or an array of objects: a retry would not help.
    """
    if "ce-specversion" in headers:
        return [_binary(headers, body)]
    document = _parse(body)
    elements = document if isinstance(document, list) else [document]
    found: list[dict[str, object]] = []
    for position, element in enumerate(elements):
        if not isinstance(element, dict):
            raise Refused(f"event {position}: a JSON object was expected")
        found.append(element)
    return found


def answer(
    method: str,
    headers: Mapping[str, str],
    body: bytes,
    notify: Callable[[list[dict[str, object]]], Response],
) -> Response:
    """Answer one request: a handshake here, a notification by `notify` with its events.

    Parameters
    ----------
    headers : mapping
        Names in lower case.

    Raises
    ------
    Refused
        The request is not one of Event Grid, or its body is malformed.
    """
    if method.upper() == "OPTIONS":
        origin = headers.get("webhook-request-origin", ORIGIN)
        return Response(200, (("WebHook-Allowed-Origin", origin),))
    match headers.get("aeg-event-type", "").lower():
        case "subscriptionvalidation":
            code = {"validationResponse": validation_code(body)}
            return Response(200, (("Content-Type", "application/json"),), json.dumps(code).encode())
        case "notification":
            return notify(parse_elements(headers, body))
        case "unsubscribe":
            return Response(202)
    raise Refused("aeg-event-type: Notification, SubscriptionValidation or Unsubscribe")


def validation_code(body: bytes) -> str:
    """Return the validation code of a SubscriptionValidation delivery.

    Raises
    ------
    Refused
        The body has no validation code.
    """
    document = _parse(body)
    first = document[0] if isinstance(document, list) and document else document
    details = first.get("data") if isinstance(first, dict) else None
    code = details.get("validationCode") if isinstance(details, dict) else None
    if not isinstance(code, str):
        raise Refused("subscription validation: data.validationCode is missing")
    return code


def decode(element: dict[str, object]) -> EventGridEvent | CloudEvent:
    """Return the object that the worker makes of `element`: `specversion` marks a CloudEvent.

    Raises
    ------
    ValueError, TypeError
        A field such as the time is invalid: in Azure, too, the invocation fails before the function
        is called.
    """
    datum = Datum(value=json.dumps(element), type="json")
    return EventGridEventInConverter.decode(datum, trigger_metadata=None)


def _binary(headers: Mapping[str, str], body: bytes) -> dict[str, object]:
    element: dict[str, object] = {
        name.removeprefix("ce-"): value for name, value in headers.items() if name.startswith("ce-")
    }
    if "content-type" in headers:
        element["datacontenttype"] = headers["content-type"]
    return element | {"data": _parse(body)}


def _parse(body: bytes) -> object:
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(f"the body is not JSON: {error}") from error
    return document

"""Between the Functions bindings and the service verbs: decode what came, encode what goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

import azure.functions as func
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from engine import codec
from engine.errors import Refused, Unavailable
from fleet.service import Command, Service

ANONYMOUS = "function-key"
PRINCIPAL = "x-ms-client-principal-name"
View = Callable[[], Any]


class CommandBody(BaseModel):
    """What POST /api/commands takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verb: str
    target: str = ""
    by: str | None = None
    reason: str = ""
    id: str = Field(min_length=1, max_length=200)
    until: AwareDatetime | None = None


def document(event: Any) -> dict[str, Any]:
    """Return an event as one mapping, whichever schema the subscription uses.

    The Functions worker hands a CloudEvent to a function that is annotated with EventGridEvent.
    """
    fields = event.get_json()
    if hasattr(event, "event_type"):
        return {
            "id": event.id,
            "eventType": event.event_type,
            "topic": event.topic,
            "subject": event.subject,
            "data": fields,
        }
    return {
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "data": fields,
    }


def partition(body: bytes) -> str:
    """Return the partition that a queue message names; Refused where it names none."""
    try:
        found = json.loads(body)
    except ValueError as error:
        raise Refused(f"queue message is not JSON: {error}") from error
    name = found.get("partition") if isinstance(found, dict) else None
    if not isinstance(name, str) or not name:
        raise Refused('queue message names no partition; {"partition": "…"} is expected')
    return name


def command(service: Service, request: func.HttpRequest) -> Any:
    """Hand a command over; whoever the platform authenticated is who asks."""
    try:
        body = CommandBody.model_validate_json(request.get_body())
    except ValidationError as error:
        raise Refused(f"command: {codec.first_line(error)}") from error
    by = request.headers.get(PRINCIPAL) or body.by or ANONYMOUS
    until = body.until.astimezone(UTC) if body.until is not None else None
    asked = Command(body.verb, body.target, by, body.reason, body.id, until)
    return {"accepted": list(service.command(asked))}


def as_json(view: View) -> func.HttpResponse:
    """Answer with a view as JSON, or with what refused it."""
    return _answer(lambda: (codec.to_json(view()).decode(), "application/json"))


def as_html(view: Callable[[], str]) -> func.HttpResponse:
    """Answer with a page, or with what refused it."""
    return _answer(lambda: (view(), "text/html; charset=utf-8"))


def _answer(make: Callable[[], tuple[str, str]]) -> func.HttpResponse:
    try:
        body, kind = make()
    except Refused as error:
        status = 404 if str(error).startswith("no model") else 400
        return _error(status, str(error))
    except Unavailable as error:
        return _error(503, str(error), {"Retry-After": f"{error.delay.total_seconds():.0f}"})
    return func.HttpResponse(body, mimetype=kind.partition(";")[0], charset="utf-8")


def _error(status: int, reason: str, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    return func.HttpResponse(
        json.dumps({"error": reason}),
        status_code=status,
        mimetype="application/json",
        headers=dict(headers or {}),
    )

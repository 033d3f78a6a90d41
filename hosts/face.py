"""Answer HTTP requests: commands, alerts of Azure Monitor, views and pages."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import azure.functions as func
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from engine import codec
from engine.errors import NotFound, Refused, Unavailable
from fleet.commands import NOTE, Command, Outdated
from fleet.links import Forged
from fleet.outcomes import Awaited, Outcome, Result
from fleet.service import Service
from hosts import secure
from hosts.messages import parse
from monitoring.alerts.muting import Matchers

ANONYMOUS = "function-key"
PRINCIPAL = "x-ms-client-principal-name"
View = Callable[[], Any]
#: How long the answer to a command waits for what comes of it, and between two looks, in seconds.
PATIENCE, PAUSE = 5.0, 0.05
STATUS = {Result.DONE: 200, Result.REFUSED: 409, Result.WAITING: 202}


class Denied(Refused):
    """The caller is not allowed to do this; `status` is 401 or 403."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class CommandBody(BaseModel):
    """The body of POST /api/commands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verb: str
    target: str = ""
    by: str | None = None
    reason: str = ""
    id: str = Field(min_length=1, max_length=200)
    until: AwareDatetime | None = None
    data: str = ""
    first: str = ""
    last: str = ""
    kind: str = ""
    at: AwareDatetime | None = None
    feature: str = ""
    segment: str = ""
    expect: int | None = Field(default=None, ge=0)


def azure_alert(service: Callable[[], Service], request: func.HttpRequest) -> func.HttpResponse:
    """Take an alert of Azure Monitor, and answer with the models that it is about.

    An action group calls again after 503, and never after 400: that is for what is no alert.
    """
    return as_json(
        lambda: {"models": service().azure_alert(parse(request.get_body(), "azure alert"))}
    )


def command(service: Callable[[], Service], request: func.HttpRequest) -> func.HttpResponse:
    """Deliver a command, and answer with what came of it, or that it waits.

    200 where it was done, 409 where it was refused or `expect` is not the newest record, 202 where
    nobody took it in within some seconds, 400 where it is not a command. Its author is the caller
    that the platform authenticated.
    """

    def view() -> Any:
        asked, expect = _command(request)
        opened = service()
        opened.command(asked, expect)
        return codec.plain(settled(opened, asked))

    return as_json(view, lambda found: STATUS[found["outcome"]])


def settled(service: Service, asked: Command) -> Outcome:
    """Return what came of a command, as soon as it is known or after some seconds."""
    return _looked(service.awaited(asked))


def _looked(awaited: Awaited) -> Outcome:
    until = time.monotonic() + PATIENCE
    while True:
        found = awaited.look()
        if found.outcome is not Result.WAITING or time.monotonic() >= until:
            return found
        time.sleep(PAUSE)


def _command(request: func.HttpRequest) -> tuple[Command, int | None]:
    try:
        body = CommandBody.model_validate_json(request.get_body())
    except ValidationError as error:
        raise Refused(f"command: {codec.first_line(error)}") from error
    by = request.headers.get(PRINCIPAL) or body.by or ANONYMOUS
    noted = body.verb == NOTE
    days = (body.first, body.last) if body.first or body.last else ()
    matchers = Matchers("" if noted else body.kind, body.feature, body.segment)
    asked = Command(
        body.verb,
        body.target,
        by,
        body.reason,
        body.id,
        _in_utc(body.until, "until"),
        body.data,
        days,
        body.kind if noted else "",
        _in_utc(body.at, "at"),
        matchers,
    )
    return asked, body.expect


def _in_utc(moment: datetime | None, name: str) -> datetime | None:
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError as error:
        told = f"{name} {moment.isoformat() if moment else ''}"
        raise Refused(f"command: {told}: no such moment in UTC") from error


def as_json(view: View, status: Callable[[Any], int] = lambda _: 200) -> func.HttpResponse:
    """Answer with a view as JSON, under the status that it asks for, or with its error."""

    def make() -> tuple[str, str, int]:
        found = view()
        return codec.to_json(found).decode(), "application/json", status(found)

    return _answer(make)


def healthy(view: View) -> func.HttpResponse:
    """Answer with the health as JSON: 503 where its status is not `ok`."""
    return as_json(view, lambda found: 200 if found["status"] == "ok" else 503)


def as_html(view: Callable[[], str], *, report: bool = False) -> func.HttpResponse:
    """Answer with a page, or a `report` with scripts, or with its error."""
    policy = secure.REPORT if report else secure.PAGE
    return _answer(lambda: (view(), "text/html", 200), policy)


def form(view: Callable[[], str]) -> func.HttpResponse:
    """Answer with a page that holds a form, or with its error."""
    return _answer(lambda: (view(), "text/html", 200), secure.FORM)


def link(
    service: Callable[[], Service],
    request: func.HttpRequest,
    page: Callable[[Outcome, datetime], str],
) -> func.HttpResponse:
    """Use the link of a page, and answer with the page of what came of it.

    Its author is the caller that the platform authenticated, else the receiver of the page.
    """

    def make() -> tuple[str, str, int]:
        text, opened = request.route_params["link"], service()
        given = parse_qs(request.get_body().decode("utf-8", "replace"))
        by = request.headers.get(PRINCIPAL, "")
        reason = given.get("reason", [""])[0]
        found = _looked(opened.follow(text, by, reason, uuid.uuid4().hex))
        return page(found, opened.clock.now()), "text/html", STATUS[found.outcome]

    return _answer(make, secure.FORM)


def _answer(
    make: Callable[[], tuple[str, str, int]], policy: str = secure.HEADERS[secure.CSP]
) -> func.HttpResponse:
    try:
        body, kind, status = make()
    except Denied as denied:
        asked = {"WWW-Authenticate": "Bearer"} if denied.status == 401 else None
        return error(denied.status, str(denied), asked)
    except Forged as forged:
        return error(403, str(forged))
    except NotFound as absent:
        return error(404, str(absent))
    except Outdated as outdated:
        return error(409, str(outdated))
    except Refused as refusal:
        return error(400, str(refusal))
    except Unavailable as late:
        return error(503, str(late), {"Retry-After": f"{late.delay.total_seconds():.0f}"})
    headers = {**secure.HEADERS, secure.CSP: policy}
    return func.HttpResponse(
        body, status_code=status, headers=headers, mimetype=kind, charset="utf-8"
    )


def error(status: int, reason: str, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """Answer with a status and why, as JSON."""
    return func.HttpResponse(
        json.dumps({"error": reason}),
        status_code=status,
        mimetype="application/json",
        headers={**secure.HEADERS, **(headers or {})},
    )

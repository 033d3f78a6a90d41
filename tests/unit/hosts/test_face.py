"""Between HTTP and the verbs: commands, alerts, answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import azure.functions as func
import pytest

from engine.errors import Broken, NotFound, Refused, Unavailable
from fleet.commands import Command, Outdated
from fleet.outcomes import Outcome, Result
from hosts import face

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)


@dataclass
class Service:
    """Keeps what it was asked."""

    asked: list[Command] = field(default_factory=list)

    result: Result = Result.DONE
    looks: int = 0

    def command(self, command: Command, expect: int | None) -> tuple[str, ...]:
        if expect == 7:
            raise Outdated("the journal is at 8")
        self.asked.append(command)
        return ("demand",)

    def awaited(self, command: Command) -> Service:
        return self

    def look(self) -> Outcome:
        self.looks += 1
        found = self.result if self.looks > 2 else Result.WAITING
        return Outcome(self.asked[-1].id, found, "told", 8)


def told(service: Service, body: dict[str, Any], **headers: str) -> func.HttpResponse:
    given = cast(Any, service)
    return face.command(lambda: given, request(body, **headers))


def request(body: dict[str, Any], **headers: str) -> func.HttpRequest:
    return func.HttpRequest(
        "POST", "/api/commands", headers=headers, body=json.dumps(body).encode()
    )


def test_a_command_keeps_who_asked_until_when_and_why() -> None:
    service = Service()
    body = {
        "verb": "freeze", "target": "demand", "by": "g.hopper", "reason": "launch", "id": "c1",
        "until": "2024-03-05T01:00:00+01:00",
    }  # fmt: skip
    answer = told(service, body)
    assert answer.status_code == 200
    assert json.loads(answer.get_body()) == {
        "id": "c1", "outcome": "done", "text": "told", "seq": 8,
    }  # fmt: skip
    until = datetime(2024, 3, 5, tzinfo=UTC)
    assert service.asked == [Command("freeze", "demand", "g.hopper", "launch", "c1", until)]
    (asked,) = service.asked
    assert asked.until is not None
    assert asked.until.tzinfo is UTC


PLAIN = {"verb": "reference", "target": "demand", "by": "g", "reason": "r", "id": "c1"}


def test_a_reference_is_asked_for_by_its_days_or_its_table() -> None:
    service = Service()
    days = ("2024-03-01", "2024-03-09")
    told(service, {**PLAIN, "first": days[0], "last": days[1]})
    told(service, {**PLAIN, "data": "data/may.parquet"})
    by_days, by_table = service.asked
    assert (by_days.days, by_days.data) == (days, "")
    assert (by_table.days, by_table.data) == ((), "data/may.parquet")


@pytest.mark.parametrize(
    ("body", "headers", "by"),
    [
        ({}, {}, "function-key"),
        ({"by": "whoever"}, {}, "whoever"),
        ({"by": "whoever"}, {"x-ms-client-principal-name": "ada@corp"}, "ada@corp"),
        ({"by": ""}, {}, "function-key"),
    ],
)
def test_the_authenticated_principal_is_who_asks(
    body: dict[str, str], headers: dict[str, str], by: str
) -> None:
    service = Service()
    told(service, {"verb": "retrain", "id": "c1", **body}, **headers)
    assert service.asked[0].by == by


@pytest.mark.parametrize(
    "more",
    [
        {"id": ""},
        {"id": "x" * 201},
        {"verb": 3},
        {"until": "2024-03-05T00:00:00"},
        {"y": 1},
        {"until": "9999-12-31T23:59:59-23:59"},
        {"until": "0001-01-01T00:00:00+23:59"},
    ],
)
def test_a_command_out_of_shape_is_refused(more: dict[str, Any]) -> None:
    answer = told(Service(), {"verb": "retrain", "id": "c1", **more})
    assert answer.status_code == 400
    assert json.loads(answer.get_body())["error"].startswith("command: ")


@pytest.mark.parametrize(
    ("result", "status"),
    [(Result.DONE, 200), (Result.REFUSED, 409), (Result.WAITING, 202)],
)
def test_the_status_says_what_came_of_a_command(
    monkeypatch: pytest.MonkeyPatch, result: Result, status: int
) -> None:
    monkeypatch.setattr(face, "PATIENCE", 0.2)
    service = Service(result=result)
    assert told(service, {"verb": "retrain", "id": "c1"}).status_code == status
    assert service.looks > 2


def test_a_command_on_an_older_record_is_a_conflict() -> None:
    service = Service()
    answer = told(service, {"verb": "retrain", "id": "c1", "expect": 7})
    assert (answer.status_code, service.asked) == (409, [])


def test_answers() -> None:
    answer = face.as_json(lambda: {"b": 1 / 3, "a": float("nan"), "ü": None})
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.get_body().decode() == '{"a":null,"b":0.333333333333,"ü":null}'
    page = face.as_html(lambda: "<p>é</p>")
    assert (page.status_code, page.mimetype, page.charset) == (200, "text/html", "utf-8")
    assert page.get_body().decode() == "<p>é</p>"


def raising(error: Exception) -> Any:
    def view() -> str:
        raise error

    return view


@pytest.mark.parametrize(
    ("error", "status", "after"),
    [
        (NotFound("no model 'x'; known are y"), 404, None),
        (Refused("no model of that kind can be read this way"), 400, None),
        (Refused("since 'x' is no instant"), 400, None),
        (Unavailable("the store sleeps", timedelta(seconds=90)), 503, "90"),
    ],
)
@pytest.mark.parametrize("encode", [face.as_json, face.as_html])
def test_errors_are_json_with_their_reason(
    encode: Any, error: Exception, status: int, after: str | None
) -> None:
    answer = encode(raising(error))
    assert (answer.status_code, answer.mimetype) == (status, "application/json")
    assert json.loads(answer.get_body()) == {"error": str(error)}
    assert answer.headers.get("Retry-After") == after


def test_our_own_faults_are_not_hidden() -> None:
    with pytest.raises(Broken):
        face.as_json(raising(Broken("a defect")))


def test_a_report_runs_in_a_sandbox() -> None:
    report = face.as_html(lambda: "<script>1</script>", report=True)
    policy = report.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'unsafe-inline'")
    assert not re.search(r"https?:|'self'|\*|allow-(same-origin|forms|popups|top)", policy)
    missing = face.as_html(raising(NotFound("no report")), report=True)
    assert missing.headers["Content-Security-Policy"].startswith("default-src 'none';")


@pytest.mark.parametrize(("status", "expected"), [("ok", 200), ("halted", 503)])
def test_health_is_a_status(status: str, expected: int) -> None:
    answer = face.healthy(lambda: {"status": status, "halted": []})
    assert answer.status_code == expected
    assert json.loads(answer.get_body())["status"] == status
    assert face.healthy(raising(Unavailable("the store sleeps"))).status_code == 503


@dataclass
class Azure:
    """Takes alerts of Azure Monitor, or fails as the store does."""

    error: Exception | None = None
    taken: list[Any] = field(default_factory=list)

    def azure_alert(self, document: Any) -> tuple[str, ...]:
        if self.error is not None:
            raise self.error
        self.taken.append(document)
        return ("demand",)


@pytest.mark.parametrize(
    ("body", "error", "status", "answer"),
    [
        (b'{"schemaId": "x"}', None, 200, {"models": ["demand"]}),
        (b"", None, 400, "azure alert is not JSON: "),
        (b"\xff\xfe\x00", None, 400, "azure alert is not JSON: "),
        (b'{"a": NaN}', None, 400, "azure alert is not JSON: NaN is not a number"),
        (b"[" * 100_000, None, 400, "azure alert is not JSON: "),
        (b"{}", Refused("no alert"), 400, "no alert"),
        (b"{}", Unavailable("the store is away", timedelta(seconds=7)), 503, "the store is away"),
    ],
)
def test_an_alert_of_azure_monitor_is_answered_by_what_the_caller_does_next(
    body: bytes, error: Exception | None, status: int, answer: Any
) -> None:
    desk = Azure(error)
    asked = func.HttpRequest("POST", "/api/azure-alerts", body=body)
    told = face.azure_alert(lambda: cast(Any, desk), asked)
    assert told.status_code == status
    said = json.loads(told.get_body())
    assert said == answer if status == 200 else said["error"].startswith(answer)
    assert len(desk.taken) == (status == 200)
    assert (told.headers.get("Retry-After") == "7") == (status == 503)

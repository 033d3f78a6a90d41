"""The webhook behind Entra: handshakes, who is let in, and what becomes of each element."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from engine.errors import Unavailable
from hosts.azure.eventgrid import webhook
from tests.doubles.entra import AUDIENCE, TENANT, Entra
from tests.doubles.tls import Authority


@dataclass
class Service:
    """Keeps what it takes in; `late` holds the ids of what it can't take now."""

    taken: list[Any] = field(default_factory=list)
    late: set[str] = field(default_factory=set)
    parked: list[tuple[Any, str]] = field(default_factory=list)

    def park(self, content: Any, reason: str) -> None:
        self.parked.append((content, reason))

    def ingest(self, document: Any) -> None:
        if isinstance(document, dict) and document.get("id") in self.late:
            raise Unavailable("the store is busy", timedelta(seconds=7))
        self.taken.append(document)


class Caller:
    """Sends requests to the webhook as Event Grid does."""

    def __init__(self, entra: Entra) -> None:
        self.entra, self.service = entra, Service()
        self.opened = 0
        self.settings = {
            "DRIFTWARDEN_WEBHOOK_TENANT": TENANT,
            "DRIFTWARDEN_WEBHOOK_AUDIENCE": AUDIENCE,
            "AZURE_AUTHORITY_HOST": entra.url,
        }

    def open(self) -> Service:
        self.opened += 1
        return self.service

    def send(self, method: str, body: Any = b"", **headers: str) -> func.HttpResponse:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = func.HttpRequest(method, "/api/events", headers=named, body=raw)
        return webhook.answer(self.open, request, self.settings)  # type: ignore[arg-type]

    def post(self, body: Any, **headers: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.entra.token()}", **headers}
        answer = self.send("POST", body, **headers)
        return answer.status_code, json.loads(answer.get_body())


@pytest.fixture(scope="module")
def entra(certificates: Authority) -> Iterator[Entra]:
    with Entra(certificates) as found:
        assert isinstance(found, Entra)
        yield found


@pytest.fixture
def caller(
    entra: Entra, certificates: Authority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Caller]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.bundle))
    webhook._gate.cache_clear()
    entra.exchanges.clear()
    entra.faults.clear()
    yield Caller(entra)
    webhook._gate.cache_clear()


@pytest.mark.parametrize("missing", ["DRIFTWARDEN_WEBHOOK_TENANT", "DRIFTWARDEN_WEBHOOK_AUDIENCE"])
def test_there_is_no_webhook_without_its_settings(caller: Caller, missing: str) -> None:
    for value in ({}, {missing: ""}):
        settings = {k: v for k, v in caller.settings.items() if k != missing} | value
        caller.settings = settings
        assert caller.post([])[0] == 404
        assert caller.send("OPTIONS", webhook_request_origin=webhook.ORIGIN).status_code == 404
    assert caller.opened == 0


def test_cloud_events_shake_hands(caller: Caller) -> None:
    answer = caller.send("OPTIONS", WebHook_Request_Origin="eventgrid.azure.net")
    assert answer.status_code == 200
    assert answer.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
    for headers in ({}, {"WebHook_Request_Origin": "example.org"}):
        assert caller.send("OPTIONS", **headers).status_code == 403
    assert caller.opened == 0


def test_event_grids_own_schema_shakes_hands(caller: Caller) -> None:
    kind = "Microsoft.EventGrid.SubscriptionValidationEvent"
    event = {"id": "1", "eventType": kind, "data": {"validationCode": "a-code"}}
    assert caller.post([event]) == (200, {"validationResponse": "a-code"})
    assert caller.post([{**event, "data": {}}])[0] == 400
    assert caller.send("POST", [event]).status_code == 401
    assert caller.opened == 0


def test_a_batch_is_taken_element_by_element(caller: Caller) -> None:
    batch = [{"id": "a"}, "no event", None, {"id": "b"}, [1]]
    assert caller.post(batch) == (200, {"taken": 5})
    assert caller.service.taken == batch
    assert caller.post({"id": "alone", "specversion": "1.0"}) == (200, {"taken": 1})
    assert caller.entra.fetches() == 1


def test_an_odd_element_is_parked_beside_the_others(caller: Caller) -> None:
    body = b'[{"id": "a"}, {"id": "odd", "data": {"size": NaN}}, {"id": "b"}]'
    assert caller.post(body) == (200, {"taken": 2})
    assert caller.service.taken == [{"id": "a"}, {"id": "b"}]
    assert [json.loads(content)["id"] for content, _ in caller.service.parked] == ["odd"]


def test_try_later_lets_the_rest_go_on(caller: Caller) -> None:
    caller.service.late = {"b"}
    status, answer = caller.post([{"id": "a"}, {"id": "b"}, {"id": "c"}])
    assert (status, answer) == (503, {"error": "the store is busy"})
    assert caller.service.taken == [{"id": "a"}, {"id": "c"}]
    token = f"Bearer {caller.entra.token()}"
    answered = caller.send("POST", [{"id": "b"}], Authorization=token)
    assert answered.headers["Retry-After"] == "7"


@pytest.mark.parametrize("body", [b"", b"{", b'{"id": NaN}', b"\xff"])
def test_a_body_that_is_no_json_is_never_sent_again(caller: Caller, body: bytes) -> None:
    status, answer = caller.post(body)
    assert status == 400
    assert answer["error"].startswith("delivery is not JSON: ")
    assert caller.opened == 0


def test_who_is_not_event_grid_stays_outside(caller: Caller) -> None:
    nobody = caller.send("POST", [{"id": "a"}])
    assert nobody.status_code == 401
    assert nobody.headers["WWW-Authenticate"] == "Bearer"
    claims = {**caller.entra.claims(), "roles": []}
    bearer = f"Bearer {caller.entra.token(claims)}"
    assert caller.post([{"id": "a"}], Authorization=bearer)[0] == 403
    assert caller.opened == 0


def test_an_authority_that_is_away_is_for_later(caller: Caller) -> None:
    caller.entra.fail("/keys$", answer=None)
    assert caller.post([{"id": "a"}])[0] == 503
    assert caller.opened == 0


def test_a_tenant_that_is_no_id_is_for_later_too(caller: Caller) -> None:
    """The operator's mistake: what is sent again once it is mended is not lost."""
    caller.settings["DRIFTWARDEN_WEBHOOK_TENANT"] = "contoso.onmicrosoft.com"
    status, answer = caller.post([{"id": "a"}])
    assert status == 503
    assert "DRIFTWARDEN_WEBHOOK_TENANT" in answer["error"]


def test_the_public_cloud_is_asked_unless_a_setting_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, caller: Caller
) -> None:
    asked: list[tuple[str, ...]] = []

    def gate(*words: str) -> Any:
        asked.append(words)
        raise Unavailable("not now")

    monkeypatch.setattr("hosts.azure.eventgrid.tokens.Gate", gate)
    for host in ("", "login.microsoftonline.us", "https://login.partner.microsoftonline.cn/"):
        caller.settings["AZURE_AUTHORITY_HOST"] = host
        caller.post([])
    assert [words[2] for words in asked] == [
        "https://login.microsoftonline.com",
        "https://login.microsoftonline.us",
        "https://login.partner.microsoftonline.cn",
    ]

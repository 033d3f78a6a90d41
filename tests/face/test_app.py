"""The real Functions app, served over real sockets on a tiny fleet."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import function_app
from engine import journal
from fleet.links import signed
from fleet.model.facts import Link
from hosts import open_host
from hosts.local.functions.serve import Options, serve
from hosts.local.functions.server import Server
from hosts.local.host import LocalHost
from monitoring.drift.sketch import Sketch
from tests.doubles import azure_alerts as azure
from tests.doubles.entra import AUDIENCE, TENANT, Entra
from tests.doubles.tls import Authority
from tests.face.serving import KEY, Client, port_of, until

HOOK = f"/runtime/webhooks/eventgrid?functionName=ingest&code={KEY}"
NOTIFY = {"aeg-event-type": "Notification"}
CONTAINER = "/blobServices/default/containers/logs/blobs/"


class Running(Client):
    """A served fleet, and a client of it."""

    def __init__(self, host: LocalHost, server: Server) -> None:
        super().__init__(port_of(server))
        self.host = host

    def json(self, target: str) -> Any:
        status, headers, body = self.ask("GET", target)
        assert (status, headers["content-type"].partition(";")[0]) == (200, "application/json")
        return json.loads(body)

    def command(self, **fields: Any) -> tuple[int, Any]:
        answer = self.ask("POST", "/api/commands", fields, {"x-functions-key": KEY})
        return answer[0], json.loads(answer[2])

    def lines(self, partition: str) -> list[dict[str, Any]]:
        records = journal.read(self.host.store, partition)
        return [line for record in records for line in record.lines]

    def told(self, reason: str) -> dict[str, Any]:
        """The one line in the model's journal about a command of that reason, once it is there."""

        def found() -> list[dict[str, Any]]:
            lines = self.lines("demand")
            return [ln for ln in lines if ln["what"] == "command" and ln["reason"] == reason]

        until(found)
        (line,) = found()
        return line


@pytest.fixture(scope="module")
def served(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One fleet for all tests here: each finds what it did by a name of its own."""
    tiny = tmp_path_factory.mktemp("served") / "fleet"
    shutil.copytree(prepared, tiny)
    host = open_host(tiny / "fleet.yaml")
    assert isinstance(host, LocalHost)
    function_app.use(host)
    host.service.begin()
    started: list[Server] = []
    thread = threading.Thread(
        target=serve,
        args=(function_app.app, host.queues, Options(port=0, key=KEY, settings={})),
        kwargs={"ready": started.append},
    )
    thread.start()
    try:
        until(lambda: started)
        running = Running(host, started[0])
        until(lambda: host.service.loop.head("demand").state.windows.reference)
        yield running
    finally:
        started[0].stop()
        thread.join(20)
        function_app._given.clear()
        host.close()
    assert not thread.is_alive()


def requests(day: datetime, rows: int = 40) -> pa.Table:
    """Requests of one day, of which the first stands at midnight UTC."""
    moments = [day + timedelta(minutes=i) for i in range(rows)]
    return pa.table(
        {
            "correlationid": [f"live-{day:%d}-{i}" for i in range(rows)],
            "time": pa.array(moments, pa.timestamp("us", "UTC")),
            "x": [i / 10 - 2 for i in range(rows)],
            "size": list(range(rows)),
            "kind": ["a", "b"] * (rows // 2),
        }
    )


def created(path: str, size: object, name: str = "") -> dict[str, Any]:
    return {
        "id": name or f"{path}@{size}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "topic": "/subscriptions/s",
        "subject": CONTAINER + path,
        "eventTime": "2026-01-01T00:00:00Z",
        "dataVersion": "1",
        "data": {"contentLength": size},
    }


def test_pages_and_views(served: Running) -> None:
    status, headers, body = served.ask("GET", "/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"demand" in body
    status, headers, body = served.ask("GET", "/models/demand")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"first" in body
    (model,) = served.json("/api/models")
    assert (model["name"], model["champion"], model["weights"]) == (
        "demand",
        "first",
        {"first": 100},
    )
    one = served.json("/api/models/demand")
    assert one["name"] == "demand"
    assert len(one["days"]) == 29
    assert one["halted"] is None
    assert served.json("/api/alerts") == []
    health = served.json("/healthz")
    assert health["status"] == "ok"
    assert health["partitions"] >= 1


def test_the_journal_since_an_instant(served: Running) -> None:
    records = served.json("/api/journal/demand")
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    said = [line["what"] for record in records for line in record["lines"]]
    assert said[0] == "policy"
    assert {"traffic", "reference"} <= set(said)
    last = records[-1]["at"]
    newest = served.json(f"/api/journal/demand?since={last}")
    assert newest == [record for record in records if record["at"] >= last]
    assert served.json("/api/journal/demand?since=2199-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/models/nobody", 404),
        ("/api/models/nobody", 404),
        ("/api/journal/nobody", 404),
        ("/api/nothing", 404),
        ("/api/alerts/x", 404),
        ("/api/journal/demand?since=yesterday", 400),
        ("/api/journal/demand?since=2026-01-01T00:00:00", 400),
    ],
)
def test_what_is_not_there_is_told_in_one_line(served: Running, target: str, status: int) -> None:
    got, headers, body = served.ask("GET", target)
    assert (got, headers["content-type"].partition(";")[0]) == (status, "application/json")
    reason = json.loads(body)["error"]
    assert reason
    assert "\n" not in reason


@pytest.mark.parametrize(
    ("target", "policy"),
    [
        ("/", "default-src 'none'; style-src 'unsafe-inline'"),
        ("/models/demand", "default-src 'none'; style-src 'unsafe-inline'"),
        ("/models/demand?report=none", "default-src 'none'; frame-ancestors 'none'"),
        ("/api/models", "default-src 'none'; frame-ancestors 'none'"),
        ("/api/journal/nobody", "default-src 'none'; frame-ancestors 'none'"),
        ("/healthz", "default-src 'none'; frame-ancestors 'none'"),
        ("/nowhere", "default-src 'none'; frame-ancestors 'none'"),
    ],
)
def test_every_answer_says_what_a_browser_may_do_with_it(
    served: Running, target: str, policy: str
) -> None:
    _, headers, _ = served.ask("GET", target)
    assert headers["content-security-policy"].startswith(policy)
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_commands_need_the_key_and_are_journalled(served: Running) -> None:
    asked = {"verb": "freeze", "target": "demand", "by": "e.noether", "reason": "launch", "id": "1"}
    asked["until"] = "2199-01-01T00:00:00+01:00"
    assert served.ask("POST", "/api/commands", asked)[0] == 401
    assert served.ask("POST", "/api/commands?code=guessed", asked)[0] == 401
    status, done = served.command(**asked)
    assert (status, done["outcome"], done["id"]) == (200, "done", "1")
    line = served.told("launch")
    assert (line["verb"], line["by"], line["target"]) == ("freeze", "e.noether", "demand")
    (freeze,) = served.json("/api/models/demand")["freezes"]
    assert freeze["until"] == "2198-12-31T23:00:00Z"
    # The same id is the same command.
    assert served.command(**asked) == (200, done)
    time.sleep(0.5)
    assert len(served.json("/api/models/demand")["freezes"]) == 1


ELSEWHERE = {"origin": "https://elsewhere.example", "referer": "https://elsewhere.example/"}
ASKED = {"verb": "freeze", "target": "demand", "id": "csrf", "until": "2199-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        # The types that a page of another site may send without asking first.
        ("POST", "/api/commands", {"content-type": "text/plain"}),
        ("POST", "/api/commands", {"content-type": "application/x-www-form-urlencoded"}),
        ("POST", "/api/commands", {"content-type": "multipart/form-data; boundary=x"}),
        ("POST", "/api/commands", {"cookie": f"code={KEY}; x-functions-key={KEY}"}),
        ("POST", HOOK.replace(KEY, ""), NOTIFY),
        ("POST", HOOK.replace(KEY, "guessed"), NOTIFY),
        ("OPTIONS", "/api/commands", {"access-control-request-method": "POST"}),
        ("OPTIONS", HOOK.replace(KEY, ""), {"access-control-request-method": "POST"}),
        ("GET", "/api/commands?verb=freeze&target=demand&id=csrf", {}),
    ],
)
def test_a_page_of_another_site_changes_nothing(
    served: Running, method: str, target: str, headers: dict[str, str]
) -> None:
    before = served.lines("demand"), served.lines("fleet")
    status, told, _ = served.ask(method, target, ASKED, {**ELSEWHERE, **headers})
    assert 400 <= status < 500
    assert not [name for name in told if name.startswith("access-control-")]
    assert (served.lines("demand"), served.lines("fleet")) == before


@pytest.mark.parametrize("target", ["/", "/models/demand", "/api/models", "/api/journal/demand"])
def test_a_page_of_another_site_reads_nothing(served: Running, target: str) -> None:
    _, told, _ = served.ask("GET", target, headers=ELSEWHERE)
    assert not [name for name in told if name.startswith("access-control-")]


def test_a_link_in_a_page_shows_a_form_and_its_post_is_judged_by_the_team(served: Running) -> None:
    service = served.host.service
    (team,) = service.fleet.teams
    ends = service.clock.now() + timedelta(hours=1)
    one = Link("ack", f"{team}:drift-99", "demand", "duty", ends, "1")
    path = f"/links/{signed(one, service.link_keys)}"
    status, headers, page = served.ask("GET", path)
    assert (status, b'<form method="post">' in page) == (200, True)
    assert "form-action 'self'" in headers["content-security-policy"]
    status, _, page = served.ask("POST", path, b"reason=mine")
    assert (status, b"the incident is over, or is none of team" in page) == (409, True)
    for method in ("GET", "POST"):
        assert served.ask(method, path[:-4])[0] == 403


def test_whom_the_platform_names_is_who_asked(served: Running) -> None:
    """A name in the body stands only where nobody was authenticated by the platform."""
    until = "2199-01-01T00:00:00Z"
    asked = {"verb": "freeze", "target": "demand", "reason": "nameless", "until": until}
    assert served.command(**asked, id="2")[0] == 200
    assert served.told("nameless")["by"] == "function-key"


def alerted(
    served: Running, body: Any, key: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    headers = {"x-functions-key": KEY} if key is None else key
    status, _, answer = served.ask("POST", "/api/azure-alerts", body, headers)
    return status, json.loads(answer) if answer.startswith(b"{") else {}


def test_an_alert_of_azure_monitor_comes_in_over_http(served: Running) -> None:
    target = azure.ENDPOINT.replace("shop-demand", "DEMAND")
    rule: dict[str, Any] = {
        "alertTargetIDs": [target], "configurationItems": [], "alertRule": "Face latency",
        "firedDateTime": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    assert alerted(served, azure.payload(**rule)) == (200, {"models": ["demand"]})
    assert alerted(served, azure.payload(**rule)) == (200, {"models": ["demand"]})
    assert alerted(served, azure.payload(alertTargetIDs=[azure.SUBSCRIPTION])) == (
        200, {"models": []},
    )  # fmt: skip
    assert alerted(served, azure.payload(), {})[0] == 401
    assert alerted(served, b"{")[0] == 400
    status, told = alerted(served, {"schemaId": "AzureMonitorMetricAlert"})
    assert (status, "enable the common alert schema" in told["error"]) == (400, True)
    assert served.ask("GET", "/api/azure-alerts")[0] == 404, "no view has that name"

    def found() -> list[Any]:
        firing = served.json("/api/alerts")
        return [one for one in firing if "azure-face-latency" in json.dumps(one)]

    until(found)
    (line,) = [one for one in served.lines("demand") if one["what"] == "azure_alert"]
    assert (line["phase"], line["target"]) == ("Fired", "endpoint DEMAND")
    end = azure.payload(**rule, monitorCondition="Resolved")
    assert alerted(served, end)[0] == 200
    until(lambda: [one for one in served.lines("demand") if one.get("phase") == "Resolved"])


def test_a_command_that_does_not_apply_is_a_conflict(served: Running) -> None:
    status, told = served.command(verb="cancel", target="demand", reason="", id="20")
    assert status == 409
    assert told["outcome"] == "refused"
    assert told["text"] == "cancel demand: refused: no training run is under way"
    seq = served.json("/api/journal/demand")[-1]["seq"]
    ahead = served.command(verb="retrain", target="demand", reason="", id="21", expect=seq + 5)
    assert ahead == (
        409,
        {"error": f"retrain demand: the journal of demand is at record {seq}, not at {seq + 5}; "
                  "look again"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", "command: "),
        (b"[]", "command: "),
        (b'{"verb": "freeze"}', "command: id: "),
        (b'{"verb": "freeze", "id": "x", "colour": "red"}', "command: colour: "),
        (b'{"verb": "freeze", "id": "x", "target": "nobody"}', "freeze nobody: no such model"),
        (b'{"verb": "dance", "id": "x", "target": "demand"}', "unknown verb 'dance'; known are "),
        (b'{"verb": "freeze", "id": "x", "target": "demand", "until": "soon"}', "command: until"),
        (b'{"verb": "freeze", "id": "x", "target": "demand", "until": "2030-01-01T00:00"}',
         "command: until"),
        (
            b'{"verb": "freeze", "id": "x", "target": "demand"}',
            "freeze demand: 'until' is missing; a freeze needs an end",
        ),
        (b"\xff\xfe", "command: "),
    ],
)  # fmt: skip
def test_a_bad_command_is_refused_with_its_reason(
    served: Running, body: bytes, expected: str
) -> None:
    status, _, answer = served.ask("POST", "/api/commands", body, {"x-functions-key": KEY})
    assert status == 400
    reason = json.loads(answer)["error"]
    assert reason.startswith(expected)
    assert "\n" not in reason


def test_the_webhook_answers_the_handshake(served: Running) -> None:
    body = [
        {
            "id": "1",
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "subject": "",
            "topic": "/t",
            "eventTime": "2026-01-01T00:00:00Z",
            "dataVersion": "1",
            "data": {"validationCode": "a-code"},
        }
    ]
    headers = {"aeg-event-type": "SubscriptionValidation"}
    status, _, answer = served.ask("POST", HOOK, body, headers)
    assert (status, json.loads(answer)) == (200, {"validationResponse": "a-code"})


def test_an_announced_log_file_ends_as_a_sketch_in_the_state(served: Running) -> None:
    day = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0) - timedelta(days=1)
    written = served.host.router.serve("demand", requests(day), day)
    assert sum("model_inputs" in path for path, _ in written) == 1
    body = [created(path, size) for path, size in written]
    assert served.ask("POST", HOOK, body, NOTIFY)[0] == 202
    name = day.date().isoformat()

    def window() -> Any:
        return served.host.service.loop.head("demand").state.windows.open.get(name)

    until(lambda: window() is not None and window().inputs)
    (batch,) = window().inputs
    counted = Sketch.from_bytes(served.host.blobs.get(batch.sketch))
    assert (batch.count, counted.rows) == (40, 40)
    until(lambda: len(window().outputs) == 1 and len(window().traffic) == 1)
    # The whole delivery again, as Event Grid may do: nothing changes.
    assert served.ask("POST", HOOK, body, NOTIFY)[0] == 202
    time.sleep(0.5)
    read = [line["blob"] for line in served.lines("demand") if line["what"] == "read"]
    assert sorted(read) == sorted(path for path, _ in written)
    assert len(window().inputs) == 1


def test_a_malformed_element_is_parked_while_the_rest_goes_on(served: Running) -> None:
    day = datetime.now(UTC).replace(hour=3, minute=0, second=0, microsecond=0) - timedelta(days=2)
    written = served.host.router.serve("demand", requests(day), day)
    good = [created(path, size) for path, size in written]
    strange = created("modelDataCollector/unknown/v/model_inputs/a.jsonl", 5, "odd-endpoint")
    sizeless = created(written[0][0], "many", "odd-size")
    foreign = {**created("x", 1, "other"), "eventType": "Contoso.Lunch", "subject": "menu"}
    body = [good[0], strange, sizeless, foreign, *good[1:]]
    assert served.ask("POST", HOOK, body, NOTIFY)[0] == 202
    name = day.date().isoformat()

    def window() -> Any:
        return served.host.service.loop.head("demand").state.windows.open.get(name)

    until(lambda: window() is not None and window().inputs and window().outputs)

    def refused() -> list[Any]:
        return [x for x in served.lines("fleet") if x.get("alert") == "refused-1"]

    until(lambda: len(refused()) == 1)
    assert refused()[0]["severity"] == "ticket"
    parked = {line.get("id"): line for line in served.lines("fleet") if line["what"] == "parked"}
    # The file of an endpoint that nobody watches is somebody else's.
    assert set(parked) == {"odd-size"}
    assert "data.contentlength is 'many'" in parked["odd-size"]["reason"]
    (unknown,) = [line for line in served.lines("fleet") if line["what"] == "unknown"]
    assert unknown["type"] == "Contoso.Lunch"
    shown = served.json("/api/journal/fleet")
    assert {line["what"] for record in shown for line in record["lines"]} >= {
        "parked", "unknown", "alert",
    }  # fmt: skip


def test_cloud_events_are_taken_in_too(served: Running) -> None:
    event = {
        "specversion": "1.0",
        "id": "please",
        "source": "/shop",
        "type": "Driftwarden.RetrainRequested",
        "time": "2026-01-01T00:00:00Z",
        "data": {"model": "demand", "reason": "new prices"},
    }
    headers = {"content-type": "application/cloudevents+json", **NOTIFY}
    assert served.ask("POST", HOOK, event, headers)[0] in (200, 202)
    line = served.told("new prices")
    assert (line["verb"], line["by"]) == ("event", "/shop")


def test_a_bad_queue_message_leaves_the_others_alone(served: Running) -> None:
    now = datetime.now(UTC)
    bodies = ["not json", "{}", json.dumps({"partition": 3})]
    for body in bodies:
        served.host.queues.put("driftwarden-due", body, now)
    until_then = "2199-06-01T00:00:00Z"
    served.command(verb="freeze", target="demand", reason="still here", id="3", until=until_then)
    assert served.told("still here")["verb"] == "freeze"

    def refused() -> list[Any]:
        found = served.host.queues.peek("driftwarden-refused")
        return [event for m in found if (event := json.loads(m.body)["event"]) in bodies]

    until(lambda: len(refused()) == len(bodies))
    assert sorted(refused()) == sorted(bodies)


def test_an_unreadable_time_costs_the_batch_nothing(served: Running) -> None:
    """The SDK's event types would raise before the app is reached; it takes the text instead."""
    asked = {
        "id": "timeless", "eventType": "Driftwarden.RetrainRequested", "eventTime": "noon",
        "data": {"model": "demand", "reason": "timeless"},
    }  # fmt: skip
    timely = {**asked, "id": "timely", "eventTime": "2026-01-01T00:00:00Z"}
    timely["data"] = {"model": "demand", "reason": "timely"}
    assert served.ask("POST", HOOK, [asked, timely], NOTIFY)[0] == 202
    assert served.told("timely")["verb"] == "event"
    until(lambda: any(line.get("id") == "timeless" for line in served.lines("fleet")))


@pytest.fixture
def entra(certificates: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Entra]:
    """The webhook's settings, and the tenant that they name."""
    with Entra(certificates) as tenant:
        assert isinstance(tenant, Entra)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.bundle))
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", tenant.url)
        monkeypatch.setenv("DRIFTWARDEN_WEBHOOK_TENANT", TENANT)
        monkeypatch.setenv("DRIFTWARDEN_WEBHOOK_AUDIENCE", AUDIENCE)
        yield tenant


def test_the_entra_webhook_is_not_there_unless_it_is_asked_for(served: Running) -> None:
    assert served.ask("POST", "/api/events", [])[0] == 404
    origin = {"WebHook-Request-Origin": "eventgrid.azure.net"}
    assert served.ask("OPTIONS", "/api/events", None, origin)[0] == 404


def test_event_grid_delivers_behind_entra(served: Running, entra: Entra) -> None:
    origin = {"WebHook-Request-Origin": "eventgrid.azure.net"}
    status, headers, _ = served.ask("OPTIONS", "/api/events", None, origin)
    assert (status, headers["webhook-allowed-origin"]) == (200, "eventgrid.azure.net")
    good = {
        "specversion": "1.0", "id": "behind", "source": "/shop",
        "type": "Driftwarden.RetrainRequested", "data": {"model": "demand", "reason": "behind"},
    }  # fmt: skip
    batch = ["no event", {**good, "id": "untimely", "time": "noon"}, good]
    for _ in range(2):
        assert served.ask("POST", "/api/events", batch)[0] == 401
        bearer = {"Authorization": f"Bearer {entra.token()}"}
        status, _, body = served.ask("POST", "/api/events", batch, bearer)
        assert (status, json.loads(body)) == (200, {"taken": 3})
    assert served.told("behind")["by"] == "/shop"
    found = served.host.queues.peek("driftwarden-refused", 1000)
    reasons = [json.loads(message.body)["reason"] for message in found]
    assert reasons.count("event: an object is expected, not str") == 1
    assert reasons.count("event untimely: the time 'noon' is not an ISO 8601 instant") == 1

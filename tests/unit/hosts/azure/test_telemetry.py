"""Telemetry through the real exporters into an ingestion endpoint on this machine."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from fleet import gauges
from fleet.gauges import Point
from fleet.instruments import METRICS, Instrument
from hosts.azure.cloud import Cloud
from hosts.azure.telemetry import AzureTelemetry
from tests.doubles.insights import DATA, Insights
from tests.doubles.loopback import Request, Response
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

WORK = {"partition": "demand"}
EFFECT = {"partition": "demand", "effect": "publish"}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.fixture
def insights(outside: None) -> Iterator[Insights]:
    with Insights() as running:
        yield running


@pytest.fixture
def azure(insights: Insights) -> Iterator[AzureTelemetry]:
    opened = AzureTelemetry(insights.connection)
    yield opened
    opened.close()


def spans(insights: Insights) -> dict[str, dict[str, Any]]:
    """What was taken of each span, by its name."""
    return {one["name"]: one for kind in DATA for one in insights.of(kind) if "duration" in one}


def metrics(insights: Insights) -> list[tuple[str, float, dict[str, str]]]:
    found = [(one["metrics"][0], one["properties"]) for one in insights.of("MetricData")]
    return [(metric["name"], metric["value"], said) for metric, said in found]


def test_a_trace_runs_from_the_delivery_through_the_message_to_the_effect(
    azure: AzureTelemetry, insights: Insights
) -> None:
    with azure.span("driftwarden.ingest", {}, PARENT):
        message = azure.traceparent()
    with (
        azure.span("driftwarden.work", WORK, message),
        azure.span("driftwarden.effect", EFFECT) as said,
    ):
        said["outcome"] = "paid"
        azure.event("driftwarden.declined", EFFECT)
    azure.close()
    found = spans(insights)
    ingest, work, effect = (found[f"driftwarden.{n}"] for n in ("ingest", "work", "effect"))
    parents = [one["tags"]["ai.operation.parentId"] for one in (ingest, work, effect)]
    assert parents == ["b7ad6b7169203331", ingest["id"], work["id"]]
    traces = {one["tags"]["ai.operation.id"] for one in found.values()}
    assert traces == {"0af7651916cd43dd8448eb211c80319c"}
    requests = {one["name"] for one in insights.of("RequestData")}
    assert requests == {"driftwarden.ingest", "driftwarden.work"}
    assert effect["properties"] == {**EFFECT, "outcome": "paid"}
    (event,) = insights.of("EventData")
    assert event["name"] == "driftwarden.declined"
    assert event["properties"] == {**EFFECT, "logger_name": "driftwarden"}
    assert event["tags"]["ai.operation.parentId"] == effect["id"]
    assert event["tags"]["ai.cloud.role"] == "driftwarden"


@pytest.mark.parametrize("parent", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_a_message_without_a_trace_begins_one(
    azure: AzureTelemetry, insights: Insights, parent: str
) -> None:
    assert azure.traceparent() == ""
    with azure.span("driftwarden.work", WORK, parent):
        assert azure.traceparent().startswith("00-")
    azure.close()
    (work,) = spans(insights).values()
    assert "ai.operation.parentId" not in work["tags"]


def test_a_tick_is_a_heartbeat_and_gauges(azure: AzureTelemetry, insights: Insights) -> None:
    found = [
        Point("driftwarden.traffic.weight", 90, {"model": "demand", "version": "v1"}),
        Point("driftwarden.effects.oldest", 12.5, {"partition": "demand"}),
    ]
    gauges.tick(azure, found)
    azure.close()
    assert sorted(metrics(insights), key=lambda one: one[0]) == [
        ("driftwarden.effects.oldest", 12.5, {"partition": "demand"}),
        ("driftwarden.heartbeat", 1, {}),
        ("driftwarden.traffic.weight", 90, {"model": "demand", "version": "v1"}),
    ]


def test_every_metric_of_the_catalogue_can_be_sent(
    azure: AzureTelemetry, insights: Insights
) -> None:
    for metric in METRICS.values():
        azure.add(metric.name, 2, dict.fromkeys(metric.attributes, "x"))
        azure.add(metric.name, 3, {**dict.fromkeys(metric.attributes, "x"), "more": "y"})
    azure.close()
    told = {name: (value, said) for name, value, said in metrics(insights)}
    assert len(told) == len(METRICS)
    for metric in METRICS.values():
        value = 3 if metric.instrument is Instrument.GAUGE else 5
        assert told[metric.name] == (value, dict.fromkeys(metric.attributes, "x"))


def test_an_effect_that_fails_is_seen_without_its_words(
    azure: AzureTelemetry, insights: Insights
) -> None:
    def fail() -> None:
        with azure.span("driftwarden.effect", EFFECT) as said:
            said["outcome"] = "failed"
            raise ValueError("row 17 has 4.2")

    with pytest.raises(ValueError, match=r"row 17 has 4\.2"):
        fail()
    azure.close()
    (effect,) = spans(insights).values()
    assert (effect["success"], effect["properties"]["outcome"]) == (False, "failed")
    assert not any(b"4.2" in request.body for request in insights.requests())
    ((_, seconds, said),) = metrics(insights)
    assert 0 < seconds < 5
    assert said == {**EFFECT, "outcome": "failed"}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        Response(400, {"itemsReceived": 1, "itemsAccepted": 0, "errors": []}),
        Response(402),
        Response(429),
        Response(500),
        Response(206, {"itemsReceived": 1, "itemsAccepted": 0, "errors": [
            {"index": 0, "statusCode": 500, "message": "later"}]}),
        Response(200, b"not JSON"),
    ],
    ids=lambda answer: "closed" if answer is None else str(answer.status),
)  # fmt: skip
def test_what_cannot_be_exported_never_fails_the_work(
    insights: Insights, answer: Response | None
) -> None:
    insights.fail("", answer=answer, times=99)
    azure = AzureTelemetry(insights.connection)
    with azure.span("driftwarden.work", WORK):
        azure.add("driftwarden.heartbeat", 1, {})
        azure.event("driftwarden.halted", WORK)
    began = time.monotonic()
    azure.close()
    assert time.monotonic() - began < 10
    assert insights.received == []


@pytest.mark.usefixtures("outside")
def test_an_endpoint_that_is_not_there_never_fails_the_work() -> None:
    with Insights() as gone:
        connection = gone.connection
    azure = AzureTelemetry(connection)
    with azure.span("driftwarden.work", WORK):
        azure.event("driftwarden.halted", WORK)
    azure.close()


def test_a_busy_endpoint_is_asked_again(insights: Insights) -> None:
    insights.fail("", answer=Response(503, None, {"Retry-After": "0"}))
    azure = AzureTelemetry(insights.connection)
    azure.add("driftwarden.heartbeat", 1, {})
    azure.close()
    assert metrics(insights) == [("driftwarden.heartbeat", 1, {})]
    assert len(insights.requests()) == 2


def test_an_unknown_key_is_refused_and_nothing_else_is_asked(insights: Insights) -> None:
    azure = AzureTelemetry(insights.connection.replace("444444444444", "555555555555"))
    azure.event("driftwarden.halted", WORK)
    azure.close()
    assert [e.response.status for e in insights.exchanges if e.response] == [400]
    # No statistics of the exporter's own, no remote configuration, no live metrics.
    assert {(r.method, r.path) for r in insights.requests()} == {("POST", "/v2.1/track")}


def test_a_resource_without_keys_is_given_tokens(
    certificates: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As infra/main.bicep sets it: it must not put another identity in the credential's place.
    monkeypatch.setenv("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "Authorization=AAD")
    credential = LoopbackCredential()
    cloud = Cloud(credential, trusted=str(certificates.bundle))
    with Insights(certificates, lambda: credential.bearer) as strict:
        azure = AzureTelemetry(strict.connection, cloud)
        azure.add("driftwarden.heartbeat", 1, {})
        azure.close()
        assert metrics(strict) == [("driftwarden.heartbeat", 1, {})]
        assert set(credential.asked) == {"https://monitor.azure.com//.default"}
        (request,) = strict.requests()
        assert request.headers["authorization"] == credential.bearer


def without(body: bytes, path: str) -> bytes:
    """Leave one member out of every item of a request."""
    items = json.loads(body)
    *above, name = path.split(".")
    for item in items:
        for step in above:
            item = item[int(step)] if step.isdecimal() else item[step]
        del item[name]
    return json.dumps(items).encode()


def replayed(insights: Insights, request: Request, body: bytes) -> tuple[int, Any]:
    line = http.client.HTTPConnection("localhost", insights.port)
    line.request("POST", request.path, body, {"Content-Type": request.headers["content-type"]})
    answer = line.getresponse()
    told = json.loads(answer.read())
    line.close()
    return answer.status, told


ENVELOPE = ("name", "time", "iKey", "data.baseType")


@pytest.mark.parametrize(
    ("kind", "left_out"),
    [
        *(("metric", path) for path in (*ENVELOPE, "data.baseData.metrics.0.value")),
        *(("span", f"data.baseData.{name}") for name in DATA["RequestData"]),
        *(("event", f"data.baseData.{name}") for name in DATA["EventData"]),
    ],
)
def test_the_endpoint_takes_nothing_less_than_what_the_exporters_send(
    azure: AzureTelemetry, insights: Insights, kind: str, left_out: str
) -> None:
    match kind:
        case "metric":
            azure.add("driftwarden.heartbeat", 1, {})
        case "span":
            with azure.span("driftwarden.work", WORK):
                pass
        case "event":
            azure.event("driftwarden.halted", WORK)
    azure.close()
    (request,) = insights.requests()
    assert replayed(insights, request, request.body)[0] == 200
    status, told = replayed(insights, request, without(request.body, left_out))
    assert (status, told["itemsAccepted"], len(told["errors"])) == (400, 0, 1)

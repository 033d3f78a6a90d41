"""Published events to Event Grid: the real client against a topic on this machine."""

from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient
from azure.identity import CredentialUnavailableError

from engine.errors import Refused, Unavailable
from hosts.azure.cloud import Cloud
from hosts.azure.eventgrid.publisher import AzurePublisher, NoTopic
from tests.doubles.eventgrid import KEY, MAX_BYTES, Topic
from tests.doubles.loopback import Request, Response
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
STARTED: dict[str, object] = {"run": "r1", "trigger": "drift", "reason": "it drifted", "days": 7}


@pytest.fixture
def credential() -> LoopbackCredential:
    return LoopbackCredential()


@pytest.fixture
def topic(certificates: Authority, credential: LoopbackCredential) -> Iterator[Topic]:
    with Topic(certificates, lambda: credential.bearer) as running:
        yield running


@pytest.fixture
def publisher(
    topic: Topic, certificates: Authority, credential: LoopbackCredential
) -> Iterator[AzurePublisher]:
    opened = AzurePublisher(Cloud(credential, trusted=str(certificates.bundle)), topic.endpoint)
    yield opened
    opened.close()


def send(publisher: AzurePublisher, **fields: object) -> None:
    publisher.publish("demand:k", "retrain.started", "demand", {**STARTED, **fields}, NOW)


def test_an_event_arrives_as_the_catalogue_says(
    topic: Topic, publisher: AzurePublisher, credential: LoopbackCredential
) -> None:
    send(publisher)
    assert topic.received == [
        {
            "specversion": "1.0",
            "id": "demand:k",
            "source": "/driftwarden/models/demand",
            "type": "Driftwarden.retrain.started",
            "subject": "runs/r1",
            "time": "2024-03-04T10:00:00.000Z",
            "datacontenttype": "application/json",
            "dataschema": "urn:driftwarden:retrain.started:1",
            "data": STARTED,
        }
    ]
    assert credential.asked == ["https://eventgrid.azure.net/.default"]


def test_sending_says_nothing_into_the_log(
    publisher: AzurePublisher, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        send(publisher)
    assert caplog.records == []


def test_an_expired_token_is_replaced_once(
    topic: Topic, publisher: AzurePublisher, credential: LoopbackCredential
) -> None:
    send(publisher)
    credential.revoke()
    send(publisher)
    assert len(topic.received) == 2
    assert len(topic.requests()) == 3


def test_a_token_that_is_never_taken_is_tried_again_later(
    topic: Topic, publisher: AzurePublisher
) -> None:
    topic.fail("", answer=Response(401, {"error": {"code": "Unauthorized"}}), times=9)
    with pytest.raises(Unavailable, match=r"/api/events: "):
        send(publisher)
    assert len(topic.requests()) == 2


@pytest.mark.parametrize(
    ("status", "headers", "delay"),
    [
        (429, {"Retry-After": "17"}, 17),
        (503, {"Retry-After": "120"}, 120),
        (503, {"Retry-After": "Mon, 04 Mar 2024 10:00:00 GMT"}, 30),
        (500, {}, 30),
        (404, {}, 30),
    ],
)
def test_what_may_pass_is_left_to_the_outbox(
    topic: Topic, publisher: AzurePublisher, status: int, headers: dict[str, str], delay: int
) -> None:
    topic.fail("", answer=Response(status, None, headers), times=9)
    with pytest.raises(Unavailable) as caught:
        send(publisher)
    assert caught.value.delay == timedelta(seconds=delay)
    assert len(topic.requests()) == 1


def test_a_lost_answer_is_sent_again_under_the_same_id(
    topic: Topic, publisher: AzurePublisher
) -> None:
    topic.fail("", after=True)
    with pytest.raises(Unavailable):
        send(publisher)
    send(publisher)
    assert [event["id"] for event in topic.received] == ["demand:k", "demand:k"]


def test_a_topic_out_of_reach_is_tried_again(
    certificates: Authority, credential: LoopbackCredential
) -> None:
    with Topic(certificates) as gone:
        endpoint = gone.endpoint
    publisher = AzurePublisher(Cloud(credential, trusted=str(certificates.bundle)), endpoint)
    with pytest.raises(Unavailable, match="Connection refused"):
        send(publisher)
    publisher.close()


def test_a_topic_that_does_not_answer_is_tried_again(
    topic: Topic, publisher: AzurePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hosts.azure.eventgrid.publisher.ANSWER_SECONDS", 0.1)
    topic.fail("", delay=0.5)
    with pytest.raises(Unavailable, match="timed out"):
        send(publisher)


def test_no_token_is_the_outsides_fault(topic: Topic, certificates: Authority) -> None:
    class Without(LoopbackCredential):
        def get_token(self, *scopes: str, **_: object) -> None:
            raise CredentialUnavailableError(message="no managed identity here")

    publisher = AzurePublisher(Cloud(Without(), trusted=str(certificates.bundle)), topic.endpoint)
    with pytest.raises(Unavailable, match="no managed identity here"):
        send(publisher)
    publisher.close()


def test_a_missing_role_is_refused_and_named(topic: Topic, publisher: AzurePublisher) -> None:
    topic.assigned = False
    with pytest.raises(Refused, match="role EventGrid Data Sender on the topic"):
        send(publisher)


def test_an_event_over_the_limit_is_refused(topic: Topic, publisher: AzurePublisher) -> None:
    with pytest.raises(Refused, match=r"^event demand:k: .*/api/events: "):
        send(publisher, reason="x" * MAX_BYTES)
    assert topic.received == []


def test_no_message_holds_a_token(topic: Topic, publisher: AzurePublisher) -> None:
    for status in (400, 401, 403, 429, 500):
        topic.fail("", answer=Response(status), times=2)
        with pytest.raises((Refused, Unavailable)) as caught:
            send(publisher)
        topic.faults.clear()
        assert "loopback-1" not in str(caught.value)
        assert "\n" not in str(caught.value)


def without(path: str) -> Callable[[Request], Request]:
    """Leave one thing out of a request: a header, a query, or an event's attribute."""
    kind, name = path.split(":")

    def changed(request: Request) -> Request:
        headers, query, body = dict(request.headers), dict(request.query), request.body
        if kind == "header":
            del headers[name]
        elif kind == "query":
            del query[name]
        else:
            (event,) = json.loads(body)
            del event[name]
            body = json.dumps([event]).encode()
        return Request(request.method, request.path, query, headers, body)

    return changed


def replayed(topic: Topic, certificates: Authority, request: Request) -> int:
    """Send a request as it stands and return the status."""
    import ssl

    context = ssl.create_default_context(cafile=str(certificates.bundle))
    line = http.client.HTTPSConnection("localhost", topic.port, context=context)
    headers = {n: v for n, v in request.headers.items() if n not in ("host", "content-length")}
    line.request("POST", f"{request.path}?{urlencode(request.query)}", request.body, headers)
    status = line.getresponse().status
    line.close()
    return status


@pytest.mark.parametrize(
    ("left_out", "status"),
    [
        ("event:id", 400),
        ("event:source", 400),
        ("event:specversion", 400),
        ("event:type", 400),
        ("header:content-type", 400),
        ("header:authorization", 401),
        ("query:api-version", 400),
    ],
)
def test_the_topic_takes_nothing_less_than_what_the_client_sends(
    topic: Topic, publisher: AzurePublisher, certificates: Authority, left_out: str, status: int
) -> None:
    send(publisher)
    (request,) = topic.requests()
    assert replayed(topic, certificates, request) == 200
    assert replayed(topic, certificates, without(left_out)(request)) == status


@pytest.mark.usefixtures("outside")
def test_a_key_opens_the_topic_without_tls_as_the_service_allows() -> None:
    with Topic() as topic:
        event: CloudEvent[None] = CloudEvent(source="/s", type="t")
        EventGridPublisherClient(topic.endpoint, AzureKeyCredential(KEY)).send(event)
        assert len(topic.received) == 1
        wrong = EventGridPublisherClient(topic.endpoint, AzureKeyCredential("other"))
        with pytest.raises(HttpResponseError) as caught:
            wrong.send(event)
        assert caught.value.status_code == 401


def test_without_a_topic_every_event_is_done_with(topic: Topic) -> None:
    NoTopic().publish("demand:k", "retrain.started", "demand", STARTED, NOW)
    assert topic.received == []

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from engine.errors import Refused, Unavailable
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.functions.hostfile import HostFile
from hosts.local.functions.http import Response
from hosts.local.functions.messages import Message
from hosts.local.functions.queues import LEASE, Queues

NOW = datetime(2013, 7, 4, 12, tzinfo=UTC)
KEY = "a-function-key"
SEEN: list[Any] = []


def sample() -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

    @app.route(route="/", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def home(req: func.HttpRequest) -> str:
        return "<h1>hello</h1>"

    @app.route(route="models/{m}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def model(req: func.HttpRequest) -> func.HttpResponse:
        body = {
            "m": req.route_params["m"],
            "params": dict(req.params),
            "url": req.url,
            "agent": req.headers.get("User-Agent"),
        }
        return func.HttpResponse(json.dumps(body), mimetype="application/json")

    @app.route(route="commands", methods=["POST"])
    @app.queue_output(arg_name="bell", queue_name="work", connection="c")
    def command(req: func.HttpRequest, bell: func.Out[list[str]]) -> Any:
        bell.set(["one", "two"])
        match req.get_json()["verb"]:
            case "fail":
                raise ValueError("two\nlines")
            case "exit":
                raise SystemExit(3)
            case "later":
                raise Unavailable("the disk is full", timedelta(seconds=90))
            case "number":
                return 5
            case "status":
                return func.HttpResponse("x", status_code=99)
            case "nothing":
                return None
        headers = {"X-Way": "a", "Content-Type": "text/x-done"}
        return func.HttpResponse("done", status_code=201, headers=headers)

    @app.event_grid_trigger(arg_name="event")
    @app.queue_output(arg_name="bell", queue_name="work", connection="c")
    def events(event: func.EventGridEvent, bell: func.Out[str]) -> None:
        SEEN.append(event)
        bell.set(f"event {event.id}")
        if event.id == "full":
            raise Unavailable("the disk is full", timedelta(seconds=90))
        if event.id == "later":
            raise RuntimeError("try later")

    @app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *")
    @app.queue_output(arg_name="$return", queue_name="work", connection="c")
    async def tick(timer: func.TimerRequest) -> str:
        return f"tick {timer.past_due}"

    @app.queue_trigger(arg_name="message", queue_name="work", connection="c")
    def work(message: func.QueueMessage, context: func.Context) -> Any:
        SEEN.append(message)
        if message.get_body() == b"bad":
            raise ValueError(f"bad for {context.function_name}")
        if message.get_body() == b"returns":
            return 5
        return None

    return app


@pytest.fixture
def queues(tmp_path: Path) -> Iterator[Queues]:
    opened = Queues(tmp_path / "store.db", durable=False)
    yield opened
    opened.close()


@pytest.fixture
def host(queues: Queues) -> Dispatcher:
    SEEN.clear()
    return Dispatcher(sample(), queues, lambda: NOW, key=KEY, host_file=HostFile(route_prefix=""))


def bodies(queues: Queues, queue: str = "work") -> list[str]:
    return [message.body.decode() for message in queues.peek(queue)]


def post(host: Dispatcher, verb: str) -> Response:
    return host.http(
        "POST", "/commands", "", {"X-Functions-Key": KEY}, json.dumps({"verb": verb}).encode()
    )


def test_a_text_answer(host: Dispatcher) -> None:
    response = host.http("GET", "/", "", {}, b"")
    assert (response.status, response.body) == (200, b"<h1>hello</h1>")
    assert response.header("content-type") == "text/plain; charset=utf-8"


def test_route_and_query_parameters_reach_the_function(host: Dispatcher) -> None:
    response = host.http(
        "get", "/models/a%20b", "x=1&x=2&y=%C3%A9&z", {"Host": "h:1", "User-Agent": "t"}, b""
    )
    assert response.header("Content-Type") == "application/json"
    assert json.loads(response.body) == {
        "m": "a b",
        "params": {"x": "1,2", "y": "é", "z": ""},
        "url": "http://h:1/models/a%20b?x=1&x=2&y=%C3%A9&z",
        "agent": "t",
    }


def test_no_route_wrong_method_and_head(host: Dispatcher) -> None:
    assert host.http("GET", "/nowhere", "", {}, b"").status == 404
    wrong = host.http("PUT", "/commands", "", {}, b"")
    assert (wrong.status, wrong.header("allow")) == (405, "POST")
    assert host.http("HEAD", "/", "", {}, b"").status == 200
    assert host.http("HEAD", "/commands", "", {}, b"").status == 405


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {}, 401),
        ("code=wrong", {}, 401),
        ("code=", {}, 401),
        ("", {"x-functions-key": "é"}, 401),
        (f"code={KEY}", {}, 201),
        ("", {"X-FUNCTIONS-KEY": KEY}, 201),
    ],
)
def test_the_function_key(
    host: Dispatcher, query: str, headers: dict[str, str], status: int
) -> None:
    assert host.http("POST", "/commands", query, headers, b'{"verb": "go"}').status == status


def test_an_answer_keeps_status_headers_and_messages(host: Dispatcher, queues: Queues) -> None:
    response = post(host, "go")
    assert (response.status, response.body, response.header("x-way")) == (201, b"done", "a")
    assert response.header("content-type") == "text/x-done"
    assert bodies(queues) == ["one", "two"]
    assert post(host, "nothing").status == 204


@pytest.mark.parametrize("verb", ["fail", "exit", "number", "status"])
def test_a_failure_is_500_one_line_and_no_message(
    host: Dispatcher, queues: Queues, caplog: pytest.LogCaptureFixture, verb: str
) -> None:
    with caplog.at_level(logging.INFO, "driftwarden.host"):
        response = post(host, verb)
    assert response.status == 500
    assert bodies(queues) == []
    [record] = caplog.records
    assert record.name == "driftwarden.host"
    assert "function command failed: " in record.getMessage()
    assert "\n" not in record.getMessage()


def notify(host: Dispatcher, body: object, **headers: str) -> Response:
    return host.event_grid(
        "events",
        {"aeg-event-type": "Notification"} | headers,
        body if isinstance(body, bytes) else json.dumps(body).encode(),
        KEY,
    )


def test_one_invocation_per_event(host: Dispatcher, queues: Queues) -> None:
    assert notify(host, [{"id": "1"}, {"id": "2", "specversion": "1.0"}]).status == 202
    assert [type(event) for event in SEEN] == [func.EventGridEvent, func.CloudEvent]
    assert bodies(queues) == ["event 1", "event 2"]


def test_any_failure_asks_for_the_whole_batch_again(host: Dispatcher, queues: Queues) -> None:
    batch = [{"id": "1"}, {"id": "later"}, {"id": "3", "eventTime": "never"}, {"id": "4"}]
    response = notify(host, batch)
    assert response.status == 500
    assert response.body == b"2 of 4 events failed: send them all again\n"
    assert [event.id for event in SEEN] == ["1", "later", "4"]
    assert bodies(queues) == ["event 1", "event 4"]


def test_what_has_to_wait_is_503_with_the_time_and_the_reason(
    host: Dispatcher, queues: Queues
) -> None:
    answer = notify(host, [{"id": "1"}, {"id": "full"}, {"id": "3", "eventTime": "never"}])
    assert (answer.status, answer.header("retry-after")) == (503, "90")
    assert answer.body == (
        b"2 of 3 events failed: send them all again: Unavailable: the disk is full\n"
    )
    answer = post(host, "later")
    assert (answer.status, answer.header("retry-after")) == (503, "90")
    assert bodies(queues) == ["event 1"]


def test_a_batch_with_an_element_that_is_no_object_reaches_nobody(host: Dispatcher) -> None:
    assert notify(host, [{"id": "1"}, "x"]).status == 400
    assert notify(host, b"{").status == 400
    assert SEEN == []


def test_the_webhooks_other_answers(host: Dispatcher) -> None:
    body = json.dumps([{"data": {"validationCode": "42"}}]).encode()
    validate = {"Aeg-Event-Type": "SubscriptionValidation"}
    answer = host.event_grid("events", validate, body, KEY)
    assert (answer.status, json.loads(answer.body)) == (200, {"validationResponse": "42"})
    assert host.event_grid("events", validate, b"[]", KEY).status == 400
    assert host.event_grid("events", {"aeg-event-type": "Unsubscribe"}, b"", KEY).status == 202
    assert host.event_grid("events", {}, body, KEY).status == 400
    assert host.event_grid("events", {}, body, None).status == 401
    assert host.event_grid("events", {}, body, "wrong").status == 401
    assert host.event_grid("nobody", {}, body, KEY).status == 404
    assert host.event_grid("home", {}, body, KEY).status == 404
    options = host.event_grid(
        "events", {"WebHook-Request-Origin": "eventgrid.azure.us"}, b"", KEY, "OPTIONS"
    )
    assert (options.status, options.header("WebHook-Allowed-Origin")) == (200, "eventgrid.azure.us")


def test_a_message_is_worked_and_deleted(host: Dispatcher, queues: Queues) -> None:
    queues.put("work", "fine", NOW)
    assert host.pump_queue("work", NOW) == 1
    assert host.pump_queue("work", NOW) == 0
    [message] = SEEN
    assert isinstance(message, func.QueueMessage)
    assert (message.get_body(), message.dequeue_count) == (b"fine", 1)
    assert (message.insertion_time, message.time_next_visible) == (NOW, NOW + LEASE)
    assert queues.counts() == {}


class Full(Queues):
    """Queues that take nothing while `full`."""

    full = False

    def delete(self, message: Message) -> bool:
        if self.full:
            raise Unavailable("the disk is full")
        return super().delete(message)


def test_a_batch_that_cannot_be_settled_is_there_again_as_soon_as_it_can(tmp_path: Path) -> None:
    queues = Full(tmp_path / "store.db", durable=False)
    host = Dispatcher(sample(), queues, lambda: NOW, key=KEY, host_file=HostFile())
    SEEN.clear()
    queues.put_all([("work", "a"), ("work", "b"), ("work", "c")], NOW)
    queues.full = True
    with pytest.raises(Unavailable):
        host.pump_queue("work", NOW)
    queues.full = False
    assert host.pump_queue("work", NOW) == 3
    assert [message.get_body() for message in SEEN] == [b"a", b"a", b"b", b"c"]
    assert queues.counts() == {}
    queues.close()


def test_after_five_tries_the_poison_queue(host: Dispatcher, queues: Queues) -> None:
    queues.put("work", "bad", NOW)
    queues.put("work", "fine", NOW)
    assert [host.pump_queue("work", NOW) for _ in range(6)] == [2, 1, 1, 1, 1, 0]
    assert [message.dequeue_count for message in SEEN] == [1, 1, 2, 3, 4, 5]
    assert queues.counts() == {"work-poison": 1}
    [parked] = queues.peek("work-poison")
    assert (parked.body, parked.reason) == (b"bad", "ValueError: bad for work")


def test_the_retry_delay_and_the_number_of_tries_are_host_jsons(queues: Queues) -> None:
    host = Dispatcher(
        sample(),
        queues,
        lambda: NOW,
        key=KEY,
        host_file=HostFile("", 1, 2, timedelta(seconds=30)),
    )
    queues.put_all([("work", "returns"), ("work", "fine")], NOW)
    assert host.pump_queue("work", NOW) == 1
    assert host.next_due(NOW) == NOW
    assert host.pump_queue("work", NOW) == 1
    assert bodies(queues) == ["returns"]
    assert host.next_due(NOW) == NOW + timedelta(seconds=30)
    assert host.pump_queue("work", NOW + timedelta(seconds=30)) == 1
    [parked] = queues.peek("work-poison")
    assert parked.reason == "TypeError: it returned int without a $return binding"


def test_a_message_that_kills_the_host_ends_in_poison_too(host: Dispatcher, queues: Queues) -> None:
    queues.put("work", "fine", NOW)
    for _ in range(5):
        assert len(queues.get("work", NOW, 1)) == 1
        queues.release()
    assert host.pump_queue("work", NOW) == 1
    assert SEEN == []
    assert "the host stopped each time" in queues.peek("work-poison")[0].reason


def test_timers_run_and_may_return_a_message(host: Dispatcher, queues: Queues) -> None:
    start = NOW + timedelta(minutes=1)
    assert host.run_timers(start) == 0
    assert host.next_due(start) == NOW + timedelta(minutes=5)
    assert host.run_timers(NOW + timedelta(minutes=5)) == 1
    assert host.run_timers(NOW + timedelta(minutes=31)) == 1
    assert bodies(queues) == ["tick False", "tick True"]


def test_a_failing_timer_keeps_its_schedule(queues: Queues) -> None:
    app = func.FunctionApp()
    runs = []

    @app.route(route="x")
    def x(req: func.HttpRequest) -> str:
        return ""

    @app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *")
    def tick(timer: func.TimerRequest) -> None:
        runs.append(timer.past_due)
        raise RuntimeError("broken")

    host = Dispatcher(app, queues, lambda: NOW, key=KEY)
    host.run_timers(NOW)
    assert [host.run_timers(NOW + timedelta(minutes=m)) for m in (5, 7, 10)] == [1, 0, 1]
    assert runs == [False, False]


def test_only_triggering_queues_are_pumped(host: Dispatcher) -> None:
    assert host.queue_names == ("work",)
    with pytest.raises(Refused, match="triggers no function"):
        host.pump_queue("other", NOW)


def test_a_function_that_takes_text_gets_an_event_as_it_was_sent(tmp_path: Path) -> None:
    """As from the worker, whose converter is passed over for `str`: no time can fail it."""
    app, seen = func.FunctionApp(), []

    @app.event_grid_trigger(arg_name="event")
    def events(event: str) -> None:
        seen.append(json.loads(event))

    queues = Queues(tmp_path / "queues.sqlite")
    try:
        sent = [{"id": "1", "eventTime": "noon", "odd": [1]}, {"specversion": "1.0", "time": 5}]
        headers = {"aeg-event-type": "Notification"}
        taken = Dispatcher(app, queues, lambda: NOW, key=KEY).event_grid(
            "events", headers, json.dumps(sent).encode(), KEY
        )
    finally:
        queues.close()
    assert (taken.status, seen) == (202, sent)

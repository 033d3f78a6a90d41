from __future__ import annotations

from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest

from engine.errors import Refused
from hosts.local.functions.function_table import Entry, Trigger, read_entries
from hosts.local.functions.routes import Routes


def read(app: func.FunctionApp, prefix: str = "", **settings: str) -> dict[str, Entry]:
    return {entry.name: entry for entry in read_entries(app, prefix, settings)}


def test_the_table_holds_what_the_decorators_say() -> None:
    app = func.FunctionApp()

    @app.route(route="api/models/{m}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def model(req: func.HttpRequest) -> str:
        return ""

    @app.function_name("orders")
    @app.route(methods=[func.HttpMethod.POST])
    def commands(req: func.HttpRequest) -> str:
        return ""

    @app.event_grid_trigger(arg_name="event")
    @app.queue_output(arg_name="bell", queue_name="%QUEUE%", connection="c")
    def events(event: func.EventGridEvent, bell: func.Out[str]) -> None: ...

    @app.timer_trigger(arg_name="timer", schedule="%TICK%", run_on_startup=True)
    def tick(timer: func.TimerRequest) -> None: ...

    @app.queue_trigger(arg_name="message", queue_name="work", connection="c")
    def work(message: func.QueueMessage, context: func.Context) -> None: ...

    table = read(app, QUEUE="work", TICK="0 * * * * *")
    assert list(table) == ["model", "orders", "events", "tick", "work"]
    assert [entry.trigger for entry in table.values()] == [
        Trigger.HTTP,
        Trigger.HTTP,
        Trigger.EVENT_GRID,
        Trigger.TIMER,
        Trigger.QUEUE,
    ]
    assert table["model"].methods == {"GET"}
    assert not table["model"].key_needed
    assert table["orders"].key_needed
    assert answers(table["orders"], "/orders")
    assert table["events"].outputs == (("bell", "work"),)
    assert (table["tick"].schedule, table["tick"].at_start) == ("0 * * * * *", True)
    assert (table["work"].queue, table["work"].context) == ("work", True)
    assert list(read(app, "api", QUEUE="work", TICK="0 * * * * *")) == list(table)


def answers(entry: Entry, path: str) -> bool:
    return Routes([(entry.name, entry.route, {"GET"})]).find("GET", path) == (entry.name, {})


def test_the_prefix_and_an_empty_route() -> None:
    app = func.FunctionApp()

    @app.route(route="")
    def empty(req: func.HttpRequest) -> str:
        return ""

    @app.route(route="/")
    def first(req: func.HttpRequest) -> str:
        return ""

    table = read(app)
    assert answers(table["empty"], "/empty")
    assert answers(table["first"], "/")
    assert answers(read(app, "api")["first"], "/api")


def blob(app: func.FunctionApp) -> None:
    @app.blob_trigger(arg_name="blob", path="logs/{name}", connection="c")
    def watch(blob: func.InputStream) -> None: ...


def table_output(app: func.FunctionApp) -> None:
    @app.timer_trigger(arg_name="timer", schedule="0 * * * * *")
    @app.table_output(arg_name="out", table_name="t", connection="c")
    def watch(timer: func.TimerRequest, out: func.Out[str]) -> None: ...


def retried(app: func.FunctionApp) -> None:
    @app.timer_trigger(arg_name="timer", schedule="0 * * * * *")
    @app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:01")
    def watch(timer: func.TimerRequest) -> None: ...


def badly_timed(app: func.FunctionApp) -> None:
    @app.timer_trigger(arg_name="timer", schedule="0 0 0 30 2 *")
    def watch(timer: func.TimerRequest) -> None: ...


def unset(app: func.FunctionApp) -> None:
    @app.queue_trigger(arg_name="message", queue_name="%NOWHERE%", connection="c")
    def watch(message: func.QueueMessage) -> None: ...


def misnamed(app: func.FunctionApp) -> None:
    @app.queue_trigger(arg_name="message", queue_name="work", connection="c")
    def watch(note: func.QueueMessage) -> None: ...


def shared_queue(app: func.FunctionApp) -> None:
    @app.queue_trigger(arg_name="message", queue_name="work", connection="c")
    def watch(message: func.QueueMessage) -> None: ...

    @app.queue_trigger(arg_name="message", queue_name="work", connection="c")
    def gaze(message: func.QueueMessage) -> None: ...


def shared_route(app: func.FunctionApp) -> None:
    @app.route(route="models/{m}", methods=["GET", "POST"])
    def watch(req: func.HttpRequest) -> str:
        return ""

    @app.route(route="{page}/about", methods=["GET"])
    def gaze(req: func.HttpRequest) -> str:
        return ""


def same_name(app: func.FunctionApp) -> None:
    for route in ("a", "b"):

        @app.function_name("watch")
        @app.route(route=route)
        def handler(req: func.HttpRequest) -> str:
            return ""


@pytest.mark.parametrize(
    ("define", "reason"),
    [
        (blob, "function watch: the local host has no blobTrigger"),
        (table_output, "function watch: the local host has no table binding"),
        (retried, "function watch: the local host has no retry policies"),
        (badly_timed, "function watch: schedule '0 0 0 30 2 \\*'"),
        (unset, "function watch: '%NOWHERE%': there is no setting NOWHERE"),
        (misnamed, "function watch: its parameters are \\['note'\\]"),
        (shared_queue, "watch and gaze are both triggered by queue 'work'"),
        (shared_route, "watch and gaze both answer"),
        (same_name, "watch does not have a unique function name"),
    ],
)
def test_refused_at_start(define: Callable[..., Any], reason: str) -> None:
    app = func.FunctionApp()
    define(app)
    with pytest.raises(Refused, match=reason):
        read(app)


def test_two_methods_may_share_a_route() -> None:
    app = func.FunctionApp()

    @app.route(route="x", methods=["GET"])
    def look(req: func.HttpRequest) -> str:
        return ""

    @app.route(route="x", methods=["POST"])
    def change(req: func.HttpRequest) -> str:
        return ""

    assert list(read(app)) == ["look", "change"]

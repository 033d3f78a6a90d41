"""A small Functions app on the local host, and a client of it over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import azure.functions as func

from hosts.local.functions.dispatch import Dispatcher
from hosts.local.functions.hostfile import HostFile
from hosts.local.functions.queues import Queues
from hosts.local.functions.server import Server

KEY = "a-function-key"
#: Status, headers by their names in lower case, body.
Answer = tuple[int, dict[str, str], bytes]


def now() -> datetime:
    return datetime.now(UTC)


def sample() -> func.FunctionApp:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

    @app.route(route="/", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def home(req: func.HttpRequest) -> func.HttpResponse:
        principal = req.headers.get("x-ms-client-principal-name", "nobody")
        return func.HttpResponse(f"hello {principal}", headers={"Set-Cookie": "a=1"})

    @app.route(route="slow", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def slow(req: func.HttpRequest) -> str:
        time.sleep(1.1)
        return "slow"

    @app.route(route="commands", methods=["POST"])
    def command(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(req.get_body(), status_code=202)

    @app.event_grid_trigger(arg_name="event")
    @app.queue_output(arg_name="bell", queue_name="work", connection="c")
    def events(event: func.EventGridEvent, bell: func.Out[str]) -> None:
        kind = event.type if isinstance(event, func.CloudEvent) else event.event_type
        if kind == "Later":
            raise RuntimeError("try later")
        bell.set(f"{kind} {event.id}")

    @app.queue_trigger(arg_name="message", queue_name="work", connection="c")
    @app.queue_output(arg_name="done", queue_name="done", connection="c")
    def work(message: func.QueueMessage, done: func.Out[str]) -> None:
        text = message.get_body().decode()
        if text.startswith("Bad"):
            raise ValueError(f"{text} is bad")
        done.set(text)

    @app.timer_trigger(arg_name="timer", schedule="* * * * * *")
    @app.queue_output(arg_name="ticks", queue_name="ticks", connection="c")
    def tick(timer: func.TimerRequest, ticks: func.Out[str]) -> None:
        ticks.set("tick")

    return app


def port_of(server: Server) -> int:
    return int(server.url.rstrip("/").rsplit(":", 1)[1])


class Client:
    """A client of a server on this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(
        self, method: str, target: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        payload = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, target, payload, headers or {})
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, named, answer.read()
        finally:
            connection.close()

    def raw(self, data: bytes) -> bytes:
        """Send bytes as they are, say that there are no more, read to the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as plug:
            plug.sendall(data)
            plug.shutdown(socket.SHUT_WR)
            received = b""
            while chunk := plug.recv(65536):
                received += chunk
            return received


class Running(Client):
    """One server, its queues, and a client of it."""

    def __init__(self, server: Server, queues: Queues) -> None:
        super().__init__(port_of(server))
        self.server, self.queues = server, queues

    def bodies(self, queue: str) -> list[str]:
        return [message.body.decode() for message in self.queues.peek(queue)]


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


@contextmanager
def running(path: Path) -> Iterator[Running]:
    queues = Queues(path, durable=False)
    dispatcher = Dispatcher(sample(), queues, now, key=KEY, host_file=HostFile(route_prefix=""))
    with Server(dispatcher, queues, now, port=0) as server:
        yield Running(server, queues)
    queues.close()

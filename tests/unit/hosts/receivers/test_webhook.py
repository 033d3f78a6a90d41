"""Pages posted to a loopback server that answers as it was told to."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Refused, Unavailable
from fleet.document.receivers import WebhookReceiver
from hosts.receivers import http
from hosts.receivers.failures import failure
from hosts.receivers.webhook import Webhook, open_webhook
from tests.unit.hosts.receivers.broken import request, served
from tests.unit.hosts.receivers.pages import AT, around, tell
from tests.unit.hosts.receivers.vendors import alertmanager


class Desk(HTTPServer):
    """Answers with the statuses and headers it was told to, the last one for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, dict[str, str]]] = [(200, {})]
        self.seen: list[tuple[str, dict[str, str], Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks/secret"


class Handler(BaseHTTPRequestHandler):
    server: Desk

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, dict(self.headers), body))
        answers = self.server.answers
        status, headers = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self) -> None:
        self.server.seen.append(("followed", {}, None))

    def log_message(self, *args: Any) -> None:
        """Stay quiet."""


@pytest.fixture
def desk(outside: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("no_proxy", "*")
    with Desk() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def hook(desk: Desk) -> Webhook:
    return Webhook(desk.url)


def test_a_webhook_gets_json_under_its_key(desk: Desk, hook: Webhook) -> None:
    tell(hook, at=AT.astimezone(timezone(timedelta(hours=-5))))
    ((path, headers, body),) = desk.seen
    assert path == "/hooks/secret"
    assert headers["Idempotency-Key"] == "k1"
    assert headers["Content-Type"] == "application/json"
    assert {name: body[name] for name in ("key", "event", "incident", "severity", "title")} == {
        "key": "k1",
        "event": "firing",
        "incident": "ops:quality-1",
        "severity": "page",
        "title": "flights: weather feed missing",
    }
    assert (body["lines"], body["ended"]) == (["temp 100 % missing", "since 00:00"], [])
    assert (body["receiver"], body["at"]) == ("ops", "2013-12-31T12:00:00Z")


def test_its_body_is_alertmanagers_too(desk: Desk, hook: Webhook) -> None:
    tell(hook)
    ((_, _, body),) = desk.seen
    alertmanager.accept(body)
    (alert,) = body["alerts"]
    assert (alert["labels"]["model"], alert["labels"]["alertname"]) == ("flights", "quality-1")


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_success_is_one(desk: Desk, hook: Webhook, status: int) -> None:
    desk.answers = [(status, {})]
    tell(hook)
    assert len(desk.seen) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 422, 451])
def test_an_error_of_the_message_is_refused_for_good(
    desk: Desk, hook: Webhook, status: int
) -> None:
    desk.answers = [(status, {"Retry-After": "1"})]
    with pytest.raises(Refused) as caught:
        tell(hook)
    assert str(caught.value) == f"receiver ops: HTTP {status} ({failure(status)})"


@pytest.mark.parametrize("status", [301, 302, 307, 308, 408, 425, 429, 500, 502, 503, 504])
def test_anything_else_is_tried_again_later(desk: Desk, hook: Webhook, status: int) -> None:
    desk.answers = [(status, {"Location": "/elsewhere"}), (200, {})]
    with pytest.raises(Unavailable, match=f"receiver ops: HTTP {status}") as caught:
        tell(hook)
    assert caught.value.delay == timedelta(seconds=30)
    assert "secret" not in str(caught.value)
    tell(hook)
    assert [path for path, _, _ in desk.seen] == ["/hooks/secret", "/hooks/secret"]


DATE = "Tue, 31 Dec 2013 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "9" * 30}, 3600),
        ({"Retry-After": "Tue, 31 Dec 2013 12:07:00 GMT", "Date": DATE}, 420),
        ({"Retry-After": "Tue, 31 Dec 2013 11:00:00 GMT", "Date": DATE}, 0),
        ({"Retry-After": "Wed, 31 Dec 2014 11:00:00 GMT", "Date": DATE}, 3600),
        ({"Retry-After": "Tue, 31 Dec 2013 12:07:00 GMT"}, 30),
        ({"Retry-After": "soon"}, 30),
        ({"Retry-After": "-5"}, 30),
    ],
)
def test_the_wait_that_the_receiver_asks_for_is_honoured(
    desk: Desk, hook: Webhook, headers: dict[str, str], seconds: int
) -> None:
    desk.answers = [(503, headers)]
    with pytest.raises(Unavailable) as caught:
        tell(hook)
    assert caught.value.delay == timedelta(seconds=seconds)


def _silent(connection: socket.socket) -> None:
    connection.recv(10)
    time.sleep(3)


def _rude(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"not http at all\r\n\r\n")


def _gone(connection: socket.socket) -> None:
    connection.recv(65536)


def _dripping(connection: socket.socket) -> None:
    """Answer a byte at a time: no single read takes long, and the answer has no end."""
    connection.recv(65536)
    with contextlib.suppress(OSError):
        for _ in range(300):
            connection.sendall(b"H")
            time.sleep(0.02)
        pytest.fail("nobody cut the connection")


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("behaviour", [_silent, _rude, _gone, _dripping])
def test_a_receiver_that_speaks_no_http_is_unavailable(
    behaviour: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(http, "TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                behaviour(connection)

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        began = time.monotonic()
        with pytest.raises(Unavailable, match="receiver ops: "):
            tell(Webhook(url))
        assert time.monotonic() - began < 2
        thread.join()


@pytest.mark.usefixtures("outside")
def test_nobody_there_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unavailable, match=r"receiver ops: .*refused"):
        tell(Webhook(f"http://127.0.0.1:{port}/"))


def policy(url: str) -> WebhookReceiver:
    return WebhookReceiver(kind="webhook", url=url)


def test_the_address_may_stand_in_a_setting(desk: Desk, tmp_path: Path) -> None:
    tell(open_webhook("ops", policy("env:PAGER_URL"), around(tmp_path, {"PAGER_URL": desk.url})))
    assert [path for path, _, _ in desk.seen] == ["/hooks/secret"]


def test_a_setting_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"^receivers\.ops: the setting PAGER_URL_X is not there; "):
        open_webhook("ops", policy("env:PAGER_URL_X"), around(tmp_path))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "secret.example/hook", "http://"])
def test_what_is_no_http_address_is_refused_and_not_told(url: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        open_webhook("ops", policy("env:URL"), around(tmp_path, {"URL": url}))
    assert str(caught.value) == "receivers.ops.url: give an http or https address with a host"


HOSTILE = {
    "a long line": b"X" * 60_000 + b"\r\n\r\n",
    "an escape": b"HTTP/1.1 999\x1b[2J bad\r\n\r\n",
    "words for a status": b"HTTP/1.1 abc \x1b]0;x\x07\r\n\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 300 + b"\r\n",
    "a long header": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    "a redirect to a file": b"HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\n\r\n",
    "a redirect to nowhere": b"HTTP/1.1 302 F\r\nLocation: http://[bad\r\n\r\n",
    "a redirect to a port": b"HTTP/1.1 308 F\r\nLocation: http://a:b/\r\n\r\n",
    "a redirect of controls": b"HTTP/1.1 303 F\r\nURI: \x00\xff//\r\n\r\n",
    "a redirect without a target": b"HTTP/1.1 301 F\r\n\r\n",
    "endless years": b"HTTP/1.1 503 S\r\nRetry-After: Tue, 31 Dec 99999 0:0:0 GMT\r\n\r\n",
    "endless seconds": b"HTTP/1.1 503 S\r\nRetry-After: " + b"9" * 5000 + b"\r\n\r\n",
    "a negative length": b"HTTP/1.1 500 \xff\xfe\r\nContent-Length: -5\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
}


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_is_a_failure_in_our_own_words(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")

    def behave(connection: socket.socket) -> None:
        request(connection)
        connection.sendall(answer)

    with served(behave) as place, pytest.raises(Unavailable) as caught:
        tell(Webhook(f"http://{place}/hooks/secret"))
    reason = str(caught.value)
    said = r"receiver ops: (HTTP \d{3}|no answer in HTTP, [\w ]+|connection lost, \w+) \(\w+\)"
    assert re.fullmatch(said, reason), reason

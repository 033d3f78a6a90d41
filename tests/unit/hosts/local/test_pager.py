from __future__ import annotations

import io
import json
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Refused, Unavailable
from hosts import paging as module
from hosts.local.pager import LocalPager

AT = datetime(2013, 12, 31, 12, tzinfo=UTC)


def tell(pager: LocalPager, key: str = "k1", receiver: str = "ops", **changes: Any) -> None:
    plain: dict[str, Any] = {
        "title": "flights: weather feed missing",
        "lines": ("temp 100 % missing", "since 00:00"),
        "severity": "page",
        "at": AT,
    }
    pager.page(key, receiver, **plain | changes)


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
def hook(desk: Desk) -> LocalPager:
    return LocalPager({"ops": {"kind": "webhook", "url": desk.url}})


def test_a_page_in_a_file_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "var" / "pages.jsonl"
    tell(LocalPager({"ops": {"kind": "file", "path": path}}))
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {
            "key": "k1",
            "receiver": "ops",
            "severity": "page",
            "title": "flights: weather feed missing",
            "lines": ["temp 100 % missing", "since 00:00"],
            "at": "2013-12-31T12:00:00Z",
        }
    ]


def keys_in(path: Path) -> list[str]:
    return [json.loads(line)["key"] for line in path.read_text().splitlines()]


def test_the_same_key_is_written_once_also_by_another_process_later(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    settings = {"ops": {"kind": "file", "path": path}}
    first = LocalPager(settings)
    tell(first)
    tell(first)
    tell(first, "k10")
    tell(first, 'k"1')
    tell(LocalPager(settings), title="other words")
    tell(LocalPager(settings), 'k"1')
    assert keys_in(path) == ["k1", "k10", 'k"1']


@pytest.mark.parametrize("cut", [1, 20, 130])
def test_a_line_that_a_crash_cut_short_is_written_again(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "pages.jsonl"
    pager = LocalPager({"ops": {"kind": "file", "path": path}})
    tell(pager, "k0")
    tell(pager)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    tell(pager)
    assert path.read_bytes() == whole


def test_a_file_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    pager = LocalPager({"ops": {"kind": "file", "path": tmp_path / "taken" / "pages.jsonl"}})
    with pytest.raises(Unavailable, match="receiver ops: "):
        tell(pager)


def _tell_many(path: Path) -> None:
    pager = LocalPager({"ops": {"kind": "file", "path": path}})
    for number in range(50):
        tell(pager, f"k{number}")


@pytest.mark.usefixtures("outside")
def test_two_processes_write_each_page_once(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_tell_many, args=(path,)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(keys_in(path)) == sorted(f"k{number}" for number in range(50))


def test_the_terminal_shows_a_page_once() -> None:
    stream = io.StringIO()
    pager = LocalPager({"ops": {"kind": "terminal"}}, stream)
    tell(pager)
    tell(pager)
    assert stream.getvalue() == (
        "2013-12-31T12:00:00Z PAGE flights: weather feed missing\n"
        "    temp 100 % missing\n"
        "    since 00:00\n"
    )


def test_the_terminal_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    tell(LocalPager({"ops": {"kind": "terminal"}}))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "weather feed missing" in printed.err


def test_names_from_the_data_cannot_steer_the_terminal() -> None:
    stream = io.StringIO()
    pager = LocalPager({"ops": {"kind": "terminal"}}, stream)
    tell(pager, title="\x1b[2Jgone\n[bold]x[/bold]", lines=("\r\x07", "x" * 300))
    head, first, second = stream.getvalue().splitlines()
    assert head == "2013-12-31T12:00:00Z PAGE \ufffd[2Jgone\ufffd[bold]x[/bold]"
    assert first == "    \ufffd\ufffd"
    assert second == "    " + "x" * 300


def test_a_webhook_gets_json_under_its_key(desk: Desk, hook: LocalPager) -> None:
    tell(hook, at=AT.astimezone(timezone(timedelta(hours=-5))))
    ((path, headers, body),) = desk.seen
    assert path == "/hooks/secret"
    assert headers["Idempotency-Key"] == "k1"
    assert headers["Content-Type"] == "application/json"
    assert body["at"] == "2013-12-31T12:00:00Z"
    assert body["lines"] == ["temp 100 % missing", "since 00:00"]


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_success_is_one(desk: Desk, hook: LocalPager, status: int) -> None:
    desk.answers = [(status, {})]
    tell(hook)
    assert len(desk.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 429, 500, 503])
def test_anything_else_is_tried_again_later(desk: Desk, hook: LocalPager, status: int) -> None:
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
    desk: Desk, hook: LocalPager, headers: dict[str, str], seconds: int
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


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("behaviour", [_silent, _rude, _gone])
def test_a_receiver_that_speaks_no_http_is_unavailable(
    behaviour: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(module, "TIMEOUT", 0.5)
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
            tell(LocalPager({"ops": {"kind": "webhook", "url": url}}))
        assert time.monotonic() - began < 2
        thread.join()


@pytest.mark.usefixtures("outside")
def test_nobody_there_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    pager = LocalPager({"ops": {"kind": "webhook", "url": f"http://127.0.0.1:{port}/"}})
    with pytest.raises(Unavailable, match=r"receiver ops: .*refused"):
        tell(pager)


def test_an_unknown_receiver_is_refused() -> None:
    with pytest.raises(Refused, match="receiver 'dev': unknown, the configuration has ops"):
        tell(LocalPager({"ops": {"kind": "terminal"}}), receiver="dev")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"kind": "pigeon"}, r"receivers\.ops: Input tag 'pigeon'"),
        ({}, r"receivers\.ops: Unable to extract tag"),
        ({"kind": "file"}, r"receivers\.ops\.file\.path: Field required"),
        ({"kind": "webhook", "url": "file:///etc/passwd"}, r"receivers\.ops\.webhook\.url: "),
        ({"kind": "terminal", "colour": "red"}, r"receivers\.ops\.terminal\.colour: Extra"),
    ],
)
def test_a_wrong_configuration_is_refused(settings: dict[str, str], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        LocalPager({"ops": settings})

"""A bounded request, where the socket's own timeout does not help."""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any

import pytest

from hosts.receivers import http
from tests.unit.hosts.receivers.broken import answering, request, served


def test_a_lookup_that_hangs_holds_up_neither_the_caller_nor_the_end_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, before = threading.Event(), set(threading.enumerate())

    def hangs(*_: Any, **__: Any) -> list[Any]:
        found.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    with pytest.raises(TimeoutError, match=r"no answer within 0\.05 s"):
        http.post("http://pager.example/", b"", {}, 0.05)
    (left,) = set(threading.enumerate()) - before
    assert left.daemon
    found.set()
    left.join(10)
    assert not left.is_alive()


@pytest.mark.parametrize("url", ["http://pager.example/", "https://pager.example/"])
def test_an_error_of_the_request_is_raised_as_it_is(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(http.UnreachedError, match="no such name"):
        http.post(url, b"", {}, 5)


def test_no_address_is_logged(
    outside: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    caplog.set_level(logging.INFO)
    with served(answering(200)) as place:
        assert http.post(f"http://{place}/hooks/secret", b"{}", {}, 5).status == 200
    assert "secret" not in caplog.text


def test_what_was_read_of_a_long_answer_is_enough(
    outside: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(http, "MOST_BYTES", 1000)

    def endless(connection: socket.socket) -> None:
        request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 500)
        connection.recv(1)

    def long(connection: socket.socket) -> None:
        request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000)

    for behave, length in ((endless, 500), (long, 1000)):
        with served(behave) as place:
            found = http.post(f"http://{place}/", b"{}", {}, 0.3)
        assert (found.accepted, len(found.text)) == (True, length)

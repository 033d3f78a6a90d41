"""Connections that cost the local host something, all at once, while others want an answer."""

from __future__ import annotations

import http.client
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from hosts import secure
from hosts.local.functions import listener
from tests.face.serving import KEY, Client, Running, running, until

MANY = 300
BODY = (
    b"POST /commands?code=a-function-key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n"
)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "store.db") as started:
        yield started


@contextmanager
def connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            for _ in range(count)
        ]


def send(plugs: list[socket.socket], data: bytes) -> None:
    for plug in plugs:
        # The server may have closed it to make room.
        with suppress(ConnectionError):
            plug.sendall(data)


def ended(plug: socket.socket) -> bool:
    """Whether the server closed a connection."""
    plug.setblocking(False)
    try:
        while plug.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        pass
    return True


def answered(host: Client, times: int = 3) -> None:
    for _ in range(times):
        assert host.ask("GET", "/")[:1] == (200,)


def test_idle_connections_keep_nobody_out(host: Running) -> None:
    with connections(host.port, MANY) as plugs:
        answered(host)
        assert sum(map(ended, plugs)) >= MANY - listener.CONNECTIONS
        answered(host)
    answered(host)


@pytest.mark.parametrize(
    "begin",
    [b"G", b"GET / HTTP/1.1\r\nX-A: ", BODY, BODY + b"x", b"\r\n" * 9],
    ids=["verb", "header", "no body yet", "body", "blank lines"],
)
def test_half_sent_requests_keep_nobody_out(host: Running, begin: bytes) -> None:
    with connections(host.port, MANY) as plugs:
        send(plugs, begin)
        for _ in range(3):
            send(plugs, b"x")
            answered(host, 1)
    answered(host)


def test_answers_that_nobody_reads_keep_nobody_out(host: Running) -> None:
    with connections(host.port, MANY) as plugs:
        send(plugs, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        answered(host)
    answered(host)


def test_a_new_connection_is_not_closed_because_all_others_are_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Room for the listener's own two sockets, three requests and the newcomer.
    monkeypatch.setattr(listener, "CONNECTIONS", 6)
    monkeypatch.setattr(listener, "FRESH_SECONDS", 30.0, raising=False)
    with running(tmp_path / "store.db") as host, connections(host.port, 3) as plugs:
        send(plugs, b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.2)
        with connections(host.port, 1) as (late,):
            time.sleep(0.2)
            late.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert late.recv(100).startswith(b"HTTP/1.0 200 ")


def test_a_byte_now_and_then_does_not_keep_a_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "IDLE_SECONDS", 1.0)
    with running(tmp_path / "store.db") as host, connections(host.port, 20) as plugs:
        send(plugs, BODY)

        def closed() -> bool:
            send(plugs, b"x")
            return all(map(ended, plugs))

        until(closed)


def test_a_kept_connection_outlives_a_long_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "IDLE_SECONDS", 1.0)
    with running(tmp_path / "store.db") as host:
        connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)
        connection.connect()
        plug = connection.sock
        for path, body in (("/slow", b"slow"), ("/", b"hello nobody")):
            connection.request("GET", path)
            assert connection.getresponse().read() == body
        assert connection.sock is plug
        connection.close()


def test_connections_dropped_within_a_body_hurt_nobody(
    host: Running, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for length in range(0, 900, 30):
            with connections(host.port, 3) as plugs:
                send(plugs, BODY + b"x" * length)
                # A reset instead of an orderly end.
                plugs[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        answered(host)
    assert capfd.readouterr().err == ""
    assert caplog.messages == []


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = f"POST /commands?code={KEY} HTTP/1.1\r\nHost: localhost\r\n".encode()
MALFORMED = {
    "no colon": (GET + b"X-A\r\n\r\n", b"400"),
    "a blank before the colon": (GET + b"X-A : b\r\n\r\n", b"400"),
    "no name": (GET + b": b\r\n\r\n", b"400"),
    "a NUL": (GET + b"X-A: a\0b\r\n\r\n", b"400"),
    "a NUL in a name": (GET + b"X\0A: b\r\n\r\n", b"400"),
    "a bare CR": (GET + b"X-A: a\rX-B: b\r\n\r\n", b"400"),
    "a bare LF": (GET + b"X-A: a\nX-B: b\r\n\r\n", b"400"),
    "a folded line": (GET + b"X-A: a\r\n b\r\n\r\n", b"400"),
    "a first line that is folded": (b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", b"400"),
    "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", b"400"),
    "a length and chunks": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", b"400",
    ),
    "chunks of HTTP/1.0": (
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400",
    ),
    "a negative length": (POST + b"Content-Length: -5\r\n\r\n", b"400"),
    "a length in hexadecimal": (POST + b"Content-Length: 0x5\r\n\r\nhello", b"400"),
    "a length in other digits": (POST + "Content-Length: ٥\r\n\r\nhello".encode(), b"400"),
    "a negative chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", b"400"),
    "a header of 100 KB": (GET + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n", b"431"),
    "a path of 100 KB": (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", b"431"),
    "10,000 headers": (GET + b"X-A: b\r\n" * 10_000 + b"\r\n", b"431"),
    "101 headers": (GET + b"A:b\r\n" * 100 + b"\r\n", b"431"),
    "a method in lower case": (b"get / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
    "another server's URL": (
        b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"421",
    ),
    "an URL of no address": (b"GET http://[x/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
    "two hosts": (GET + b"Host: evil.example\r\n\r\n", b"421"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", b"400"),
    "HTTP/0.9": (b"GET /\r\n\r\n", b"400"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
    "HTTP/9.9": (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", b"400"),
    "no verb": (b"/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    "a body of 2 MB": (POST + b"Content-Length: 2000000\r\n\r\n" + b"x" * 2_000_000, b"413"),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_request_is_refused(
    host: Running,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    sent, status = MALFORMED[name]
    with caplog.at_level(logging.WARNING):
        received = host.raw(sent)
        assert received.startswith(b"HTTP/1.1 " + status + b" ")
        assert received.count(b"HTTP/1.1 ") == 1
        for header, value in secure.HEADERS.items():
            assert f"\r\n{header}: {value}\r\n".encode() in received
        answered(host, 1)
    assert capfd.readouterr().err == ""
    assert caplog.messages == []


def test_expecting_to_continue_without_a_body_is_answered(host: Running) -> None:
    received = host.raw(GET + b"Expect: 100-continue\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 ")


def test_this_servers_own_url_is_a_target(host: Running) -> None:
    received = host.raw(b"GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 ")


SERVED = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
from tests.face.serving import running
with running(Path(sys.argv[1])) as host:
    held = [open(sys.argv[1]) for _ in range(int(sys.argv[2]))]
    print(host.port, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("held", [0, 150], ids=["free", "taken by other files"])
def test_with_few_descriptors_idle_connections_keep_nobody_out(tmp_path: Path, held: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVED, str(tmp_path / "store.db"), str(held)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=os.getcwd(),
    )
    assert process.stdout is not None
    host = Client(int(process.stdout.readline()))
    with connections(host.port, MANY) as plugs:
        for _ in range(3):
            answered(host)
            send(plugs, b"G")
    answered(host)
    _, err = process.communicate(timeout=30)
    told = "connections are closed to accept others: Too many open files\n" if held else ""
    assert (process.returncode, err) == (0, told)

"""The local Functions host over real sockets, and killed for real."""

from __future__ import annotations

import http.client
import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import Refused, Unavailable
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.functions.listener import MAX_BODY
from hosts.local.functions.queues import Queues
from hosts.local.functions.serve import Options, serve
from tests.face.serving import KEY, Running, now, running, sample, until

HOOK = f"/runtime/webhooks/eventgrid?functionName=events&code={KEY}"
NOTIFY = {"aeg-event-type": "Notification"}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "store.db") as started:
        yield started


def test_http(host: Running) -> None:
    status, headers, body = host.ask("GET", "/")
    assert (status, body) == (200, b"hello nobody")
    assert (headers["content-length"], headers["set-cookie"]) == ("12", "a=1")
    assert host.ask("GET", "/nowhere")[0] == 404
    assert host.ask("DELETE", "/")[0] == 405
    assert host.ask("BREW", "/")[0] == 405


def test_head_has_the_headers_of_get_and_no_body(host: Running) -> None:
    received = host.raw(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"Content-Length: 12\r\n" in received
    assert received.endswith(b"\r\n\r\n")


def test_the_key_guards_commands(host: Running) -> None:
    assert host.ask("POST", "/commands", {"a": 1})[0] == 401
    status, _, body = host.ask("POST", "/commands", {"a": 1}, {"x-functions-key": KEY})
    assert (status, body) == (202, b'{"a": 1}')
    assert host.ask("POST", f"/commands?code={KEY}", b"")[0] == 202


def test_nobody_is_whom_a_header_claims(host: Running) -> None:
    assert (
        host.ask("GET", "/", headers={"X-MS-CLIENT-PRINCIPAL-NAME": "root"})[2] == b"hello nobody"
    )


def test_many_requests_on_one_connection(host: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)
    connection.connect()
    plug = connection.sock
    began = time.monotonic()
    for number in range(50):
        connection.request("POST", f"/commands?code={KEY}", f"{number}")
        assert connection.getresponse().read() == f"{number}".encode()
    assert connection.sock is plug
    # A packet held back for an acknowledgement would cost 40 ms each time.
    assert time.monotonic() - began < 50 * 0.04
    connection.close()


def test_pipelined_requests_are_answered_in_order(host: Running) -> None:
    begin = b"POST /commands?code=a-function-key HTTP/1.1\r\nHost: localhost\r\n"
    one = begin + b"Content-Length: 1\r\n\r\n"
    received = host.raw(one + b"1" + one + b"2")
    assert received.index(b"\r\n\r\n1") < received.index(b"\r\n\r\n2")


def test_bodies_have_a_limit(host: Running) -> None:
    most = b"x" * MAX_BODY
    assert host.ask("POST", f"/commands?code={KEY}", most)[2] == most
    status, headers, _ = host.ask("POST", f"/commands?code={KEY}", most + b"x")
    assert (status, headers["connection"]) == (413, "close")
    huge = b"POST /commands HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"
    assert host.raw(huge).startswith(b"HTTP/1.1 413 ")
    asking = huge.replace(b"Host: localhost", b"Host: localhost\r\nExpect: 100-continue")
    assert host.raw(asking).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"Transfer-Encoding: chunked\r\n\r\nx\r\n", b"400"),
        (b"Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n", b"400"),
        (b"Transfer-Encoding: chunked\r\n\r\n200000\r\n" + b"x" * 0x200000, b"413"),
        (b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", b"400"),
        (b"Content-Length: -1\r\n\r\n", b"400"),
        (b"Content-Length: +1\r\n\r\nx", b"400"),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nx", b"400"),
        (b"X: " + b"y" * 70_000 + b"\r\n\r\n", b"431"),
        (b"X: y\r\n" * 200 + b"\r\n", b"431"),
    ],
)
def test_bodies_whose_end_is_unclear_close_the_connection(
    host: Running, lines: bytes, status: bytes
) -> None:
    received = host.raw(b"POST /commands HTTP/1.1\r\nHost: localhost\r\n" + lines)
    assert received.startswith(b"HTTP/1.1 " + status)
    assert b"Connection: close" in received
    assert received.count(b"HTTP/1.1 ") == 1


def test_a_body_that_ends_early_reaches_no_function(host: Running) -> None:
    begin = f"POST /commands?code={KEY} HTTP/1.1\r\nHost: localhost\r\n".encode()
    assert host.raw(begin + b"Content-Length: 5\r\n\r\nx") == b""
    assert host.raw(begin + b"Transfer-Encoding: chunked\r\n\r\n5\r\nx") == b""


def test_chunked_bodies_are_taken(host: Running) -> None:
    begin = f"POST /commands?code={KEY} HTTP/1.1\r\nHost: localhost\r\n".encode()
    chunks = b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n"
    received = host.raw(begin + chunks)
    assert received.startswith(b"HTTP/1.1 202 ")
    assert received.endswith(b"\r\n\r\nabcd")


def test_malformed_requests_leave_the_host_standing(
    host: Running, capfd: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(7)
    shapes = [
        b"%s",
        b"GET %s HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n%s\r\n\r\n",
        b"%s / HTTP/1.1\r\n\r\n",
    ]
    for number in range(200):
        noise = chance.randbytes(chance.randrange(1, 300))
        host.raw(shapes[number % 4] % noise)
    for target in (b"//[", b"http://[x/", b"*", b"http://h/", b"/%", b"/%ff%00", b"/?%", b"?"):
        assert host.raw(b"GET " + target + b" HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 ")
    assert host.ask("GET", "/")[0] == 200
    assert capfd.readouterr().err == ""


def test_event_grid_handshakes(host: Running) -> None:
    body = [{"eventType": "x", "data": {"validationCode": "512d38b6"}}]
    validation = {"aeg-event-type": "SubscriptionValidation"}
    status, headers, answer = host.ask("POST", HOOK, body, validation)
    assert (status, json.loads(answer)) == (200, {"validationResponse": "512d38b6"})
    assert headers["content-type"] == "application/json"
    status, headers, _ = host.ask(
        "OPTIONS", HOOK, headers={"WebHook-Request-Origin": "eventgrid.azure.net"}
    )
    assert (status, headers["webhook-allowed-origin"]) == (200, "eventgrid.azure.net")


def test_events_of_both_schemas_are_worked(host: Running) -> None:
    grid = [{"id": str(n), "eventType": "Grid", "data": {}} for n in range(2)]
    cloud = [{"specversion": "1.0", "id": str(n), "type": "Cloud"} for n in range(2)]
    single = {"content-type": "application/cloudevents+json"} | NOTIFY
    batch = {"content-type": "application/cloudevents-batch+json"} | NOTIFY
    binary = {"ce-specversion": "1.0", "ce-id": "3", "ce-type": "Binary"} | NOTIFY
    assert host.ask("POST", HOOK, grid, NOTIFY)[0] == 202
    assert host.ask("POST", HOOK, cloud, batch)[0] == 202
    assert host.ask("POST", HOOK, cloud[0] | {"id": "2"}, single)[0] == 202
    assert host.ask("POST", HOOK, {"n": 1}, binary)[0] == 202
    expected = ["Grid 0", "Grid 1", "Cloud 0", "Cloud 1", "Cloud 2", "Binary 3"]
    until(lambda: host.bodies("done") == expected)
    assert "work" not in host.queues.counts()


def test_batches_that_fail(host: Running) -> None:
    later = [{"id": "1", "eventType": "Grid"}, {"id": "2", "eventType": "Later"}]
    assert host.ask("POST", HOOK, later, NOTIFY)[0] == 500
    assert host.ask("POST", HOOK, [{"id": "1", "eventTime": "never"}], NOTIFY)[0] == 500
    assert host.ask("POST", HOOK, [{"id": "9"}, 3], NOTIFY)[0] == 400
    assert host.ask("POST", HOOK, b"nonsense", NOTIFY)[0] == 400
    assert host.ask("POST", HOOK, [], NOTIFY)[0] == 202
    assert host.ask("POST", HOOK, later)[0] == 400
    assert host.ask("POST", HOOK.partition("&")[0], later, NOTIFY)[0] == 401
    assert host.ask("POST", HOOK.replace("events", "work"), later, NOTIFY)[0] == 404
    assert host.ask("POST", HOOK, b"x" * (MAX_BODY + 1), NOTIFY)[0] == 413
    until(lambda: host.bodies("done") == ["Grid 1"])


def test_a_bad_message_is_poison_after_five_tries(
    host: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "driftwarden.host"):
        host.queues.put_all([("work", "Bad 1"), ("work", "fine")], now())
        until(lambda: host.bodies("work-poison") == ["Bad 1"])
    assert host.queues.peek("work-poison")[0].reason == "ValueError: Bad 1 is bad"
    lines = [record.getMessage() for record in caplog.records]
    assert lines.count("function work failed: ValueError: Bad 1 is bad") == 5
    assert host.bodies("done") == ["fine"]


def test_timers_tick(host: Running) -> None:
    until(lambda: len(host.bodies("ticks")) >= 2)


def test_a_broken_pump_ends_the_server_with_its_reason(
    host: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: Dispatcher, moment: datetime) -> int:
        raise KeyError("no such timer")

    with caplog.at_level(logging.CRITICAL, "driftwarden.host"):
        monkeypatch.setattr(Dispatcher, "run_timers", broken)
        with pytest.raises(KeyError, match="no such timer"):
            host.server.wait()
    assert "timers and queues stopped: " in caplog.text


def test_while_the_file_is_locked_the_pump_waits(
    host: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = []

    def locked(self: Dispatcher, moment: datetime) -> int:
        turns.append(moment)
        if len(turns) < 3:
            raise Unavailable("locked", timedelta(milliseconds=10))
        return 0

    monkeypatch.setattr(Dispatcher, "run_timers", locked)
    # A turn that had begun before would still take the message.
    until(lambda: bool(turns))
    host.queues.put("work", "fine", now())
    until(lambda: host.bodies("done") == ["fine"])
    assert len(turns) >= 3


def test_a_taken_port_is_one_clear_line(host: Running, tmp_path: Path) -> None:
    queues = Queues(tmp_path / "other.db")
    with pytest.raises(Refused, match=rf"cannot listen on 127\.0\.0\.1:{host.port}: .*in use"):
        serve(sample(), queues, Options(port=host.port))
    queues.close()


@pytest.mark.parametrize(
    "name",
    [
        "evil.example", "evil.example:7071", "127.0.0.1.evil.example", "localhost.evil.example:80",
        "127.0.0.2", "[::2]:7071", "0.0.0.0", "localhost.", "", "127.0.0.1@evil.example",
    ],
)  # fmt: skip
def test_a_name_that_is_not_this_servers_reads_nothing(host: Running, name: str) -> None:
    """A page elsewhere may resolve its own name to 127.0.0.1 and read every answer."""
    answer = host.raw(f"GET /hello HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize("name", ["127.0.0.1", "LOCALHOST:7071", "[::1]:80", "localhost"])
def test_names_of_this_machine_are_answered(host: Running, name: str) -> None:
    answer = host.raw(f"GET /none HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")


def test_an_empty_key_is_refused(tmp_path: Path) -> None:
    queues = Queues(tmp_path / "other.db")
    with pytest.raises(Refused, match="DRIFTWARDEN_KEY is empty"):
        serve(sample(), queues, Options(key="", port=0))
    queues.close()


def test_nothing_listens_abroad_without_a_key(tmp_path: Path) -> None:
    queues = Queues(tmp_path / "other.db")
    with pytest.raises(Refused, match="without a function key"):
        serve(sample(), queues, Options(host="0.0.0.0", port=0))
    queues.close()


APP = """
import os, signal, sys, threading, time
from pathlib import Path
import azure.functions as func
from hosts.local.functions.queues import Queues
from hosts.local.functions.serve import Options, serve

folder = Path(sys.argv[1])
app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

@app.route(route="x", methods=["POST"])
def x(req: func.HttpRequest) -> str:
    print("answering", flush=True)
    time.sleep(float(req.params.get("for", 0)))
    if kind := req.params.get("signal"):
        signal.pthread_kill(threading.get_ident(), int(kind))
    return "x"

@app.queue_trigger(arg_name="message", queue_name="work", connection="c")
@app.queue_output(arg_name="done", queue_name="done", connection="c")
def work(message: func.QueueMessage, done: func.Out[str]) -> None:
    done.set(f"{message.get_body().decode()} {message.dequeue_count}")
    if sys.argv[2] == "die":
        os.kill(os.getpid(), signal.SIGKILL)

serve(app, Queues(folder / "store.db"), Options(port=0, root=folder),
      ready=lambda server: print(server.url, server.key, flush=True))
print("stopped", flush=True)
"""


def start(folder: Path, mode: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", APP, str(folder), mode],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=os.getcwd(),
    )


def test_killed_while_working_the_message_comes_again(tmp_path: Path) -> None:
    queues = Queues(tmp_path / "store.db")
    queues.put_all([("work", "first"), ("work", "second")], now())
    died = start(tmp_path, "die")
    assert died.wait(30) == -signal.SIGKILL
    died.communicate()
    assert queues.counts() == {"work": 2}
    alive = start(tmp_path, "live")
    try:
        until(lambda: queues.counts() == {"done": 2}, 30)
        assert [message.body for message in queues.peek("done")] == [b"first 2", b"second 2"]
    finally:
        alive.terminate()
        assert alive.communicate(timeout=30)[0].endswith("stopped\n")
    queues.close()


def ask(port: int, target: str, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", target, b"", headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_after_the_answer_under_way(tmp_path: Path, kind: signal.Signals) -> None:
    (tmp_path / "host.json").write_text('{"extensions": {"http": {"routePrefix": "y"}}}')
    process = start(tmp_path, "live")
    assert process.stdout is not None
    url, key = process.stdout.readline().split()
    port = int(url.rstrip("/").rsplit(":", 1)[1])
    assert ask(port, "/y/x", {})[0] == 401
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(ask, port, "/y/x?for=0.5", {"x-functions-key": key})
        assert process.stdout.readline() == "answering\n"
        process.send_signal(kind)
        assert slow.result() == (200, b"x")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "stopped\n", "")


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_another_thread_takes_stops_it_too(
    tmp_path: Path, kind: signal.Signals
) -> None:
    process = start(tmp_path, "live")
    assert process.stdout is not None
    url, key = process.stdout.readline().split()
    port = int(url.rstrip("/").rsplit(":", 1)[1])
    target = f"/api/x?signal={kind.value}"
    try:
        assert ask(port, target, {"x-functions-key": key}) == (200, b"x")
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (0, "answering\nstopped\n", "")

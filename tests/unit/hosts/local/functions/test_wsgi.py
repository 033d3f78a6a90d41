"""The dispatcher as a WSGI application, called as waitress calls it."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import azure.functions as func
import pytest

from hosts import secure
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.functions.hostfile import HostFile
from hosts.local.functions.queues import Queues
from hosts.local.functions.wsgi import Application
from tests.face.serving import now

Answer = tuple[str, list[tuple[str, str]], bytes]
HEADERS = {
    "plain": {"X-A": "b"},
    "hop": {"Connection": "upgrade", "Keep-Alive": "timeout=5", "Content-Length": "7"},
    "own": {"Content-Security-Policy": "default-src *"},
    "emoji": {"X-A": "\N{DRUM WITH DRUMSTICKS}"},
}


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route(route="say/{what}", methods=["GET"])
    def say(req: func.HttpRequest) -> func.HttpResponse:
        body = "|".join(f"{name}={value}" for name, value in sorted(req.headers.items()))
        return func.HttpResponse(body, headers=HEADERS.get(req.route_params["what"], {}))

    @app.route(route="status/{code}", methods=["GET"])
    def status(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("x", status_code=int(req.route_params["code"]))

    queues = Queues(tmp_path / "store.db", durable=False)
    yield Application(
        Dispatcher(app, queues, now, key="k", host_file=HostFile(route_prefix="")), "192.0.2.7"
    )
    queues.close()


def ask(application: Application, target: str, method: str = "GET", **more: Any) -> Answer:
    """One request, both sides of it held to PEP 3333."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "REQUEST_URI": target,
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "x",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "HTTP_HOST": "localhost",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **more,
    }
    began: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[..., None]:
        began.append((status, headers))
        return lambda _: None

    call: Callable[..., Iterable[bytes]] = (
        application if method == "HEAD" else validator(application)
    )
    parts = call(environ, start)
    body = b"".join(parts)
    getattr(parts, "close", lambda: None)()
    ((status, headers),) = began
    return status, headers, body


def test_headers_arrive_in_lower_case_and_nobodys_identity(application: Application) -> None:
    sent = {"HTTP_X_A": "1, 2", "CONTENT_TYPE": "t", "HTTP_X_MS_CLIENT_PRINCIPAL_NAME": "root"}
    _, _, body = ask(application, "/say/x", **sent)
    assert body == b"content-type=t|host=localhost|x-a=1, 2"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/say/x", "200 OK"),
        ("/say/x?a=b#c", "200 OK"),
        ("//say/x", "200 OK"),
        ("http://localhost:7071/say/x", "200 OK"),
        ("http://192.0.2.7/say/x", "200 OK"),
        ("http://evil.example/say/x", "421 Misdirected Request"),
        ("http://localhost@evil.example/", "421 Misdirected Request"),
        ("*", "404 Not Found"),
        ("/none", "404 Not Found"),
        ("/status/204", "204 No Content"),
        ("/status/299", "299 Unknown"),
    ],
)
def test_targets(application: Application, target: str, status: str) -> None:
    assert ask(application, target)[0] == status


def test_without_a_host_only_http_1_0_is_answered(application: Application) -> None:
    for host in ({}, {"HTTP_HOST": "192.0.2.7:80"}):
        environ = {"SERVER_PROTOCOL": "HTTP/1.0", "HTTP_HOST": "localhost", **host}
        assert ask(application, "/say/x", **environ)[0] == "200 OK"


@pytest.mark.parametrize("what", ["plain", "hop", "own", "none"])
def test_an_answer_has_the_headers_for_browsers_and_its_length(
    application: Application, what: str
) -> None:
    status, pairs, body = ask(application, f"/say/{what}")
    headers = {name.lower(): value for name, value in pairs}
    assert len(headers) == len(pairs)
    assert headers["content-length"] == str(len(body))
    assert not headers.keys() & {"connection", "keep-alive"}
    for name, value in {**secure.HEADERS, **HEADERS["own" if what == "own" else "plain"]}.items():
        assert headers.get(name.lower(), value) == value
    assert ask(application, f"/say/{what}", "HEAD") == (status, pairs, b"")


def test_a_header_that_cannot_be_sent_is_one_line_of_the_log(
    application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "driftwarden.host"):
        assert ask(application, "/say/emoji")[0] == "500 Internal Server Error"
    (line,) = caplog.messages
    assert line.startswith("a request failed: ValueError: the header 'X-A' cannot be sent")

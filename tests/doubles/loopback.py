"""A small HTTP(S) service on 127.0.0.1: routes, a record of what came, and faults on demand.

Every double of an Azure service is one of these. The rules of a service stand in its own module;
here is only what all share.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.doubles.tls import Authority


@dataclass(frozen=True)
class Request:
    """One request as it came; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    #: The named groups of the route's pattern.
    names: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """Return the body as JSON; `BadRequest` where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise BadRequest("InvalidJson", "the body is not JSON") from None


@dataclass(frozen=True)
class Response:
    """An answer; a body that is not bytes is sent as JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class BadRequest(Exception):
    """What a service refuses, with its own code and words: `{"error": {"code", "message"}}`."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.answer = Response(status, {"error": {"code": code, "message": message}})


@dataclass
class Fault:
    """Something going wrong for the next `times` requests whose "METHOD path" fits `where`.

    `answer` is sent instead of the service's own. Without one the connection is closed: before
    the service has done anything, or with `after` when it has done everything but answer.
    `delay` seconds pass first.
    """

    where: str
    answer: Response | None = None
    after: bool = False
    times: int = 1
    delay: float = 0.0


@dataclass(frozen=True)
class Exchange:
    """A request and what it was answered; None where the connection was closed instead."""

    request: Request
    response: Response | None


Handler = Callable[[Request], Response]


class Loopback:
    """A service on a free port; use it as a context.

    Parameters
    ----------
    authority : speaks TLS with its certificate; plain HTTP where None.
    """

    def __init__(self, authority: Authority | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self._server = _Server(("127.0.0.1", 0), _bound(self))
        scheme = "http"
        if authority is not None:
            scheme = "https"
            self._server.socket = authority.server().wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._server.server_address[1]
        self.url = f"{scheme}://localhost:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def route(self, method: str, pattern: str, handler: Handler) -> None:
        """Answer `method` on paths that fit the whole `pattern` (a regular expression)."""
        self._routes.append((method, re.compile(pattern, re.IGNORECASE), handler))

    def fail(self, where: str, **how: Any) -> None:
        """Add a `Fault`."""
        with self.lock:
            self.faults.append(Fault(where, **how))

    def requests(self, where: str = "") -> list[Request]:
        """Return the requests so far whose "METHOD path" fits `where`."""
        with self.lock:
            found = [exchange.request for exchange in self.exchanges]
        return [one for one in found if re.search(where, f"{one.method} {one.path}")]

    def answer(self, request: Request) -> Response | None:
        """Return what to send, None to close the connection; everything is recorded."""
        fault = self._fault(request)
        if fault is not None and fault.delay:
            time.sleep(fault.delay)
        if fault is not None and not fault.after and not (fault.delay and fault.answer is None):
            response = fault.answer
        else:
            response = self._serve(request)
            if fault is not None and fault.after:
                response = fault.answer
        with self.lock:
            self.exchanges.append(Exchange(request, response))
        return response

    def _fault(self, request: Request) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times and re.search(fault.where, f"{request.method} {request.path}"):
                    fault.times -= 1
                    return fault
        return None

    def _serve(self, request: Request) -> Response:
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match is None or method != request.method:
                continue
            named = Request(
                request.method, request.path, request.query, request.headers, request.body,
                {name: unquote(value) for name, value in match.groupdict().items() if value},
            )  # fmt: skip
            try:
                with self.lock:
                    return handler(named)
            except BadRequest as refusal:
                return refusal.answer
        return Response(404, {"error": {"code": "NotFound", "message": "no such path"}})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


def _bound(service: Loopback) -> type[BaseHTTPRequestHandler]:
    class Bound(_Handler):
        loopback = service

    return Bound


class _Handler(BaseHTTPRequestHandler):
    loopback: Loopback
    protocol_version = "HTTP/1.1"
    timeout = 30

    def setup(self) -> None:
        super().setup()
        # Small answers at once: Nagle's algorithm costs 40 ms each.
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _any(self) -> None:
        response = self.loopback.answer(self._request())
        if response is None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = response.body
        headers = dict(response.headers)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json; charset=utf-8")
        self.send_response(response.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(body)

    def _request(self) -> Request:
        split = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(
            self.command, split.path, dict(parse_qsl(split.query, keep_blank_values=True)), headers,
            self._body(headers),
        )  # fmt: skip

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(headers.get("content-length", 0)))

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _any  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent: what came is in `exchanges`."""

"""The sockets of the local host: HTTP/1.1 in, one call of the dispatcher, HTTP/1.1 out."""

from __future__ import annotations

import logging
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from engine.errors import Refused
from hosts import secure
from hosts.local.functions import webhook
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.functions.http import Response, plain

logger = logging.getLogger("driftwarden.host")

#: Event Grid delivers at most 1 MB at once; no other request needs more.
MAX_BODY = 1024 * 1024
#: Of a body that is too large, up to this much is read and dropped, so that the answer arrives.
MAX_DROPPED = 16 * MAX_BODY
#: Names of this machine in a Host header.
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
#: An idle connection is closed after this time.
IDLE_SECONDS = 30


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "driftwarden", ""
    timeout = IDLE_SECONDS
    # Headers and body are sent in one packet; otherwise a kept connection waits 40 ms.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Listener

    def __getattr__(self, name: str) -> Callable[[], None]:
        # http.server looks for do_GET and so on; the dispatcher knows the allowed methods.
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        with self.server.busy():
            self._write(self._response())
            self.wfile.flush()

    def _response(self) -> Response:
        host = self.headers.get("host")
        if host is not None and not self.server.answers_to(host):
            # A page of another site can resolve its own name to this address (DNS rebinding).
            self.close_connection = True
            return plain(421, f"this server is not {host!r}: ask for 127.0.0.1 or localhost")
        body = self._body()
        if isinstance(body, Response):
            self.close_connection = True
            return body
        try:
            target = urlsplit(self.path)
        except ValueError:
            return plain(400, "the request's target is not a URL")
        # No proxy in front of this host verifies an identity, so that such headers are dropped.
        headers = {
            name: ", ".join(self.headers.get_all(name, []))
            for name in {name.lower() for name in self.headers}
            if not name.startswith("x-ms-client-principal")
        }
        if target.path.rstrip("/").lower() != webhook.PATH:
            return self.server.dispatcher.http(
                self.command, target.path, target.query, headers, body
            )
        query = {name: values[-1] for name, values in parse_qs(target.query).items()}
        key = headers.get("x-functions-key", query.get("code"))
        name = query.get("functionName", "")
        return self.server.dispatcher.event_grid(name, headers, body, key, self.command)

    def _body(self) -> bytes | Response:
        """Return the request's body, or the answer that refuses it and ends the connection."""
        if "transfer-encoding" in self.headers:
            return plain(411, "chunked bodies are not taken: send Content-Length")
        lengths = set(self.headers.get_all("content-length", ["0"]))
        written = lengths.pop()
        if lengths or not (written.isascii() and written.isdigit() and len(written) < 19):
            return plain(400, "Content-Length must be one number")
        length = int(written)
        if length > MAX_BODY:
            self._drop(length)
            return plain(413, f"a body of {length} bytes; {MAX_BODY} at most")
        body = self.rfile.read(length)
        if len(body) < length:
            return plain(400, "the body ended early")
        return body

    def _drop(self, length: int) -> None:
        if length > MAX_DROPPED:
            return
        while length > 0:
            chunk = self.rfile.read(min(length, 65536))
            if not chunk:
                return
            length -= len(chunk)

    def _write(self, response: Response) -> None:
        self.send_response(response.status)
        given = {name.lower() for name, _ in response.headers}
        for name, value in secure.HEADERS.items():
            if name.lower() not in given:
                self.send_header(name, value)
        for name, value in response.headers:
            if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                self.send_header(name, value)
        bodiless = response.status in {204, 304}
        if not bodiless:
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and not bodiless:
            self.wfile.write(response.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer an unreadable request in one plain line, and close."""
        self.close_connection = True
        self.command = getattr(self, "command", None) or "GET"
        self._write(plain(code, message or explain or HTTPStatus(code).phrase))

    def handle_expect_100(self) -> bool:
        """Request the body only when it will be read."""
        length = self.headers.get("content-length", "0")
        if length.isascii() and length.isdigit() and int(length[:18]) > MAX_BODY:
            self.send_error(413, f"a body of {length} bytes; {MAX_BODY} at most")
            return False
        return super().handle_expect_100()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log requests at debug level."""
        logger.debug("%s " + format, self.address_string(), *args)


class Listener(socketserver.ThreadingTCPServer):
    """Accepts connections for one dispatcher, each in its own thread.

    Raises
    ------
    Refused
        The address cannot be listened on, most often because the port is taken.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, dispatcher: Dispatcher, host: str, port: int) -> None:
        self.dispatcher = dispatcher
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        shown = f"[{host}]" if ":" in host else host
        self._names = {*LOOPBACK, shown.lower()}
        self._answering = 0
        self._quiet = threading.Condition()
        try:
            super().__init__((host, port), Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Refused(
                f"cannot listen on {host}:{port}: {reason}; stop what listens there or choose "
                "another port"
            ) from error

    def answers_to(self, host: str) -> bool:
        """Tell whether a Host header names this server."""
        name = host.strip().lower()
        name = name if name.endswith("]") else name.rpartition(":")[0] or name
        return name in self._names

    @property
    def port(self) -> int:
        """The port in use, which is chosen by the system for port 0."""
        return int(self.server_address[1])

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count a request as being answered during the block."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def drained(self, seconds: float) -> bool:
        """Wait until no request is being answered; False after the time limit."""
        with self._quiet:
            return self._quiet.wait_for(lambda: self._answering == 0, seconds)

    def _count(self, change: int) -> None:
        with self._quiet:
            self._answering += change
            self._quiet.notify_all()

    def handle_error(self, _request: object, client_address: object) -> None:
        """Log a connection that broke in one line, instead of a traceback on stderr."""
        error = sys.exception()
        quiet = isinstance(error, ConnectionError | TimeoutError)
        level = logging.DEBUG if quiet else logging.ERROR
        logger.log(level, "connection from %s: %s: %s", client_address, type(error).__name__, error)

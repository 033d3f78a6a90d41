"""A vendor on the loopback: it answers as it documents, and fails when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar


@dataclass
class Answer:
    """A status, its text, and headers."""

    status: int
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class Rejected(Exception):
    """A request that the vendor refuses, with its answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.answer = Answer(status, text)


@dataclass
class Request:
    """One POST."""

    path: str
    headers: dict[str, str]
    body: bytes


class Vendor:
    """Takes POSTs; `faults` are answered first, one a request, and `down` while it is set."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.said: list[Answer] = []
        self.faults: list[Answer] = []
        self.down: Answer | None = None
        self.url = ""

    def incidents(self) -> list[tuple[str, ...]]:
        """The states that each incident went through, as its users see them."""
        raise NotImplementedError

    def text(self) -> str:
        """Everything that people are shown, as it is shown."""
        raise NotImplementedError

    def handle(self, request: Request) -> Answer:
        """Take one request; Rejected where the vendor documents that it is refused."""
        raise NotImplementedError

    def answer(self, request: Request) -> Answer:
        """Answer one request, whatever else happens."""
        self.requests.append(request)
        self.said.append(self._said(request))
        return self.said[-1]

    def _said(self, request: Request) -> Answer:
        if self.down is not None:
            return self.down
        if self.faults:
            return self.faults.pop(0)
        try:
            return self.handle(request)
        except Rejected as error:
            return error.answer


def need(holds: object, text: str, status: int = 400) -> None:
    """Refuse a request where something does not hold."""
    if not holds:
        raise Rejected(status, text)


class _Handler(BaseHTTPRequestHandler):
    server: Any
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer: Answer = self.server.vendor.answer(Request(self.path, headers, body))
        content = answer.text.encode()
        self.send_response_only(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Stay quiet."""


V = TypeVar("V", bound=Vendor)


@contextmanager
def serving(vendor: V) -> Iterator[V]:
    """Serve a vendor on the loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.vendor = vendor  # type: ignore[attr-defined]
        vendor.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield vendor
        finally:
            server.shutdown()
            thread.join()

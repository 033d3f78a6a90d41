"""Connections of the local host: waitress' own, stricter about what is no request.

A request that is not clearly one is refused, because whoever else reads it may see two (request
smuggling). Source: RFC 9112, sections 2.2, 3.2, 5.2 and 6.3.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask
from waitress.utilities import RequestHeaderFieldsTooLarge

from hosts import secure
from hosts.local.functions.http import plain

#: The Functions host takes 100 headers, too.
MAX_HEADERS = 100
#: How long the rest of a refused request is read and dropped, so that its answer arrives.
LINGER_SECONDS = 2.0
#: At most this much of it at once.
DROPPED, CHUNK = 64, 65536


class Parser(HTTPRequestParser):
    """Reads one request."""

    def received(self, data: bytes) -> int:
        """Take what arrived of a request; return how many bytes belong to it."""
        consumed = super().received(data)
        if self.completed:
            # Waitress would ask for the body of a request that it refuses, or that has none.
            self.expect_continue = False
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Read the lines of a head; ParsingError where they are none."""
        if header_plus.count(b"\r\n") > MAX_HEADERS + 2:
            # As waitress does where the head is too long: nothing of it is read.
            super().parse_header(b"GET / HTTP/1.0\r\n")
            self.error = RequestHeaderFieldsTooLarge(f"more than {MAX_HEADERS} headers")
            return
        if b"\r\n " in header_plus or b"\r\n\t" in header_plus:
            raise ParsingError("a header is continued on a second line")
        lines = header_plus.lower().split(b"\r\n")
        coded = any(line.startswith(b"transfer-encoding:") for line in lines)
        if coded and any(line.startswith(b"content-length:") for line in lines):
            raise ParsingError("both Content-Length and Transfer-Encoding")
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError("the target is not a URL, or Content-Length not a size") from error
        if self.version not in ("1.0", "1.1") or (coded and self.version == "1.0"):
            raise ParsingError("HTTP 1.1 is expected, or 1.0 without Transfer-Encoding")


class Refusal(ErrorTask):
    """The answer to what is no request: one line, with the headers of every other answer."""

    channel: Connection
    # The stubs are wrong here, and in the listener.
    request: HTTPRequestParser  # type: ignore[assignment]
    response_headers: list[tuple[str, str]]

    def execute(self) -> None:
        """Write the answer, and close."""
        error = self.request.error
        assert error is not None
        reason = " ".join(f"{error.reason}: {error.body}".split())[:200]
        response = plain(error.code, reason)
        self.version = "1.1"
        self.status = f"{error.code} {error.reason}"
        self.response_headers.extend([*response.headers, *secure.HEADERS.items()])
        self.set_close_on_finish()
        self.content_length = len(response.body)
        self.channel.lingers = True
        self.write(response.body)


class Connection(HTTPChannel):
    """One connection; it tells since when it occupies its place without a request."""

    parser_class = Parser
    error_task_class = Refusal
    #: Whether what else arrives is dropped for a while before it is closed.
    lingers = False
    #: When it was made, or its last request was answered.
    settled = 0.0
    #: Whether the loop has waited for its data since it was made.
    awaited = False
    _closing = 0.0

    def service(self) -> None:
        """Answer the first waiting request."""
        super().service()
        self.settled = time.time()

    def idle_since(self) -> float | None:
        """Return since when it waits for a whole request, or its client does not read.

        A byte now and then counts for nothing. None while a request is being answered.
        """
        if self.total_outbufs_len:
            return self.last_activity
        if self.requests:
            return None
        return max(self.settled, self.creation_time)

    def overdue(self, now: float, seconds: float) -> bool:
        """Tell whether it has been idle for that long, or lingered for long enough."""
        if self._closing:
            return now - self._closing > LINGER_SECONDS
        since = self.idle_since()
        return since is not None and now - since > seconds

    def readable(self) -> bool:
        """Tell whether to wait for data."""
        self.awaited = True
        return bool(self._closing) or super().readable()

    def writable(self) -> bool:
        """Tell whether there is something to write, or to close."""
        return not self._closing and bool(super().writable())

    def handle_write(self) -> None:
        """Write what is left of answers; then close, or linger."""
        flushed = self.close_when_flushed and not self.total_outbufs_len
        if self.lingers and flushed and self.socket is not None:
            self._closing = time.time()
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
        else:
            super().handle_write()

    def handle_read(self) -> None:
        """Take what arrived, or drop it."""
        if not self._closing:
            super().handle_read()
            return
        with suppress(BlockingIOError):
            for _ in range(DROPPED):
                if not self.recv(CHUNK):
                    return

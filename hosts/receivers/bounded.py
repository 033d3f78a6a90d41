"""One HTTP request that is over within a time, however slowly the other side answers.

A timeout of a socket bounds each of its calls; a server that sends a byte a second meets every one
of them. Looking up a name has no timeout at all.
"""

from __future__ import annotations

import contextlib
import socket
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPSConnection
from typing import Any


class _Http(urllib.request.HTTPHandler):
    """Opens connections that can be cut from outside."""

    def __init__(self, opened: list[HTTPConnection]) -> None:
        super().__init__()
        self._opened = opened

    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(self._connect, req)

    def _connect(self, host: str, **options: Any) -> HTTPConnection:
        connection = HTTPConnection(host, **options)
        self._opened.append(connection)
        return connection


class _Https(urllib.request.HTTPSHandler):
    """The same over TLS."""

    def __init__(self, opened: list[HTTPConnection]) -> None:
        super().__init__()
        self._opened = opened

    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(self._connect, req)

    def _connect(self, host: str, **options: Any) -> HTTPConnection:
        connection = HTTPSConnection(host, **options)
        self._opened.append(connection)
        return connection


def call(
    request: urllib.request.Request,
    seconds: float,
    *handlers: type[urllib.request.BaseHandler],
) -> Any:
    """Return the answer to a request, as `urllib.request.urlopen` does.

    Raises
    ------
    TimeoutError
        Its headers are not there in time; the connection is cut.
    """
    opened: list[HTTPConnection] = []
    opener = urllib.request.build_opener(*handlers, _Http(opened), _Https(opened))
    thread = ThreadPoolExecutor(1)
    answer = thread.submit(opener.open, request, timeout=seconds)
    try:
        return answer.result(seconds)
    except TimeoutError:
        _cut(opened)
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    finally:
        thread.shutdown(wait=False)


def _cut(opened: list[HTTPConnection]) -> None:
    """Shut the connections down, so that the thread that reads them ends."""
    for connection in opened:
        with contextlib.suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)

"""One HTTP request that is over within a time, however slowly the other side answers.

A timeout of a socket bounds each of its calls; a server that sends a byte a second meets every one
of them. Looking up a name has no timeout at all.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import urllib.request
from concurrent.futures import Future
from functools import partial
from http.client import HTTPConnection, HTTPSConnection
from typing import Any


class _Opening(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """Opens connections, with TLS or without, that can be cut from outside."""

    def __init__(self) -> None:
        super().__init__()
        self._opened: list[HTTPConnection] = []

    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(partial(self._connect, HTTPConnection), req)

    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(partial(self._connect, HTTPSConnection), req)

    def cut(self) -> None:
        """Shut the connections down, so that the thread that reads them ends."""
        for connection in self._opened:
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _connect(self, kind: type[HTTPConnection], host: str, **options: Any) -> HTTPConnection:
        connection = kind(host, **options)
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
    opening, answer = _Opening(), Future[Any]()
    opener = urllib.request.build_opener(*handlers, opening)

    def ask() -> None:
        try:
            answer.set_result(opener.open(request, timeout=seconds))
        except Exception as error:  # noqa: BLE001 - it is raised by the caller's thread
            answer.set_exception(error)

    # A daemon: the end of the process must not wait for the lookup of a name.
    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        opening.cut()
        raise TimeoutError(f"no answer within {seconds:g} s") from None

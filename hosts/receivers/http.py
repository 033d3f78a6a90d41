"""One POST that is over within a time, however slowly the other side answers.

A timeout of a socket bounds each of its calls; a server that sends a byte a second meets every one
of them. Looking up a name has no timeout at all.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

TIMEOUT = 10.0
#: An answer is read up to this many bytes, as a page of a channel's messages may have.
MOST_BYTES = 4 * 1024 * 1024
#: Most headers of an answer, and their characters.
MOST_HEADERS, HEADER_BYTES = 100, 64 * 1024

# They write addresses, and the keys in them.
for _chatty in ("httpx", "httpcore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)


@dataclass(frozen=True)
class Answer:
    """What the other side answered: headers by their names in lower case, the body as text."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the status says so; a redirect is no acceptance."""
        return 200 <= self.status < 300


class NoHttpError(Exception):
    """The other side speaks no HTTP, or more of it than anybody has to read."""


class UnreachedError(Exception):
    """There is no connection to the other side, or it was lost."""


@cache
def _trust() -> ssl.SSLContext:
    """Return the system's certificates: an author's proxy has its own among them."""
    return ssl.create_default_context()


class _Exchange:
    """A request in a thread, whose connections can be cut from outside."""

    def __init__(self, seconds: float) -> None:
        # Late: this import takes a third of a second, and few commands send a page.
        import httpx

        self._client = httpx.Client(verify=_trust(), timeout=seconds, follow_redirects=False)
        self.done: Future[None] = Future()
        self.head: Answer | None = None
        self._body = bytearray()
        self._streams: list[Any] = []

    def ask(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        import httpx

        try:
            with self._client as client:
                told = {**headers, "Accept-Encoding": "identity"}
                with client.stream(
                    "POST", url, content=body, headers=told, extensions={"trace": self._trace}
                ) as got:
                    self.head = _head(got)
                    for part in got.iter_raw():
                        self._body += part
                        if len(self._body) >= MOST_BYTES:
                            break
            self.done.set_result(None)
        except httpx.TimeoutException:
            self.done.set_exception(TimeoutError())
        except httpx.ConnectError as error:
            self.done.set_exception(UnreachedError(str(error) or "no connection"))
        except httpx.NetworkError as error:
            self.done.set_exception(UnreachedError(f"connection lost, {type(error).__name__}"))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Its text is what the other side sent.
            self.done.set_exception(NoHttpError(type(error).__name__))
        except Exception as error:  # noqa: BLE001 - it is raised by the caller's thread
            self.done.set_exception(error)

    def cut(self) -> None:
        """Shut the connections down, so that the thread that reads them ends."""
        for stream in self._streams:
            with contextlib.suppress(OSError, AttributeError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def answer(self) -> Answer | None:
        """Return what came; a body that ends early is no failure of the message."""
        if self.head is None:
            return None
        text = bytes(self._body[:MOST_BYTES]).decode("utf-8", "replace")
        return Answer(self.head.status, self.head.headers, text)

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._streams.append(info["return_value"])


def _head(got: httpx.Response) -> Answer:
    size = sum(len(name) + len(value) for name, value in got.headers.raw)
    if len(got.headers.raw) > MOST_HEADERS or size > HEADER_BYTES:
        raise NoHttpError("too many headers")
    return Answer(got.status_code, dict(got.headers))


def post(url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
    """Return the answer to a POST; redirects are not followed.

    Raises
    ------
    TimeoutError
        Its headers are not there in time; the connection is cut.
    UnreachedError, NoHttpError
        There was none, or none in HTTP; the text is our own words.
    """
    exchange = _Exchange(seconds)
    # A daemon: the end of the process must not wait for the lookup of a name.
    threading.Thread(target=exchange.ask, args=(url, body, headers), daemon=True).start()
    try:
        exchange.done.result(seconds)
    except TimeoutError:
        exchange.cut()
        if (found := exchange.answer()) is not None:
            return found
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    except (UnreachedError, NoHttpError):
        if (found := exchange.answer()) is not None:
            return found
        raise
    found = exchange.answer()
    assert found is not None
    return found

"""An answer over HTTP, without sockets."""

from __future__ import annotations

from dataclasses import dataclass

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True)
class Response:
    """One answer; `headers` are (name, value) pairs, since a name may repeat."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first value under `name`, ignoring case."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)


def plain(status: int, text: str, *headers: tuple[str, str]) -> Response:
    """Return an answer of one line of text."""
    kind = ("Content-Type", "text/plain; charset=utf-8")
    return Response(status, (kind, *headers), f"{text}\n".encode())

"""HTTP without sockets: an answer, and route templates as the Functions host reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from engine.errors import Refused

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PARAMETER = re.compile(r"\{(\*?)([A-Za-z_]\w*)\}")


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


@dataclass(frozen=True)
class Segment:
    """One part of a template: a literal (lower case), `{name}`, or `{*name}` for all the rest."""

    text: str
    parameter: bool = False
    rest: bool = False


@dataclass(frozen=True)
class Route:
    """A parsed template; literals ignore case, as in the Functions host."""

    template: str
    segments: tuple[Segment, ...]

    def match(self, path: str) -> dict[str, str] | None:
        """Return the values of the parameters, or None where `path` does not match.

        Examples
        --------
        >>> parse_route("api/models/{m}").match("/API/models/churn%20eu")
        {'m': 'churn eu'}
        """
        parts = [unquote(part) for part in path.strip("/").split("/")] if path.strip("/") else []
        values: dict[str, str] = {}
        for position, segment in enumerate(self.segments):
            if segment.rest:
                return values | {segment.text: "/".join(parts[position:])}
            if position >= len(parts):
                return None
            if segment.parameter:
                values[segment.text] = parts[position]
            elif segment.text != parts[position].lower():
                return None
        return values if len(parts) == len(self.segments) else None

    def overlaps(self, other: Route) -> bool:
        """Tell whether some path matches both."""
        for mine, theirs in zip(self.segments, other.segments, strict=False):
            if mine.rest or theirs.rest:
                return True
            if not mine.parameter and not theirs.parameter and mine.text != theirs.text:
                return False
        short, long = sorted((self.segments, other.segments), key=len)
        return len(short) == len(long) or long[len(short)].rest


def parse_route(template: str) -> Route:
    """Parse `a/{b}/{*rest}`; a leading or trailing slash means nothing.

    Raises
    ------
    Refused
        The template has constraints, optional or mixed parts, which the local host lacks.
    """
    parts = template.strip("/").split("/") if template.strip("/") else []
    segments = tuple(_segment(template, part) for part in parts)
    if any(segment.rest for segment in segments[:-1]):
        raise Refused(f"route {template!r}: a {{*rest}} part must be the last one")
    return Route(template, segments)


def _segment(template: str, part: str) -> Segment:
    found = _PARAMETER.fullmatch(part)
    if found:
        return Segment(found[2], parameter=True, rest=bool(found[1]))
    if not part or "{" in part or "}" in part:
        raise Refused(
            f"route {template!r}: the local host has no parts like {part!r}: "
            "write a literal, {name} or {*rest}"
        )
    return Segment(part.lower())

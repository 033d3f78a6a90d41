"""Route templates as the Functions host reads them, matched by werkzeug."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter, Map, Rule

from engine.errors import Refused

_PARAMETER = re.compile(r"\{(\*?)([A-Za-z_][A-Za-z0-9_]*)\}")
_LITERAL = re.compile(r"[\w.~-]+")
#: Werkzeug knows a literal that ignores case as a parameter; these names are left out of values.
_HIDDEN = "__"


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

    def overlaps(self, other: Route) -> bool:
        """Tell whether some path matches both."""
        for mine, theirs in zip(self.segments, other.segments, strict=False):
            if mine.rest or theirs.rest:
                return True
            if not mine.parameter and not theirs.parameter and mine.text != theirs.text:
                return False
        short, long = sorted((self.segments, other.segments), key=len)
        return len(short) == len(long) or long[len(short)].rest

    def rules(self, endpoint: str, methods: Collection[str]) -> Iterator[Rule]:
        """Return the template as rules of werkzeug."""
        parts = [_part(number, segment) for number, segment in enumerate(self.segments)]
        yield Rule("/" + "/".join(parts), endpoint=endpoint, methods=methods)
        if self.segments and self.segments[-1].rest:
            nothing = {self.segments[-1].text: ""}
            whole = "/" + "/".join(parts[:-1])
            yield Rule(whole, endpoint=endpoint, methods=methods, defaults=nothing)


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
    if found and not found[2].startswith(_HIDDEN):
        return Segment(found[2], parameter=True, rest=bool(found[1]))
    if not _LITERAL.fullmatch(part):
        raise Refused(
            f"route {template!r}: the local host has no parts like {part!r}: "
            "write a literal, {name} or {*rest}"
        )
    return Segment(part.lower())


class _Literal(BaseConverter):
    """A literal in any case; it goes before a parameter."""

    weight = 0

    def __init__(self, whole: Map, text: str) -> None:
        super().__init__(whole)
        self.regex = f"(?i:{re.escape(text)})"


class _Rest(BaseConverter):
    """All the rest of a path; it goes after everything else."""

    regex = ".*"
    weight = 300
    part_isolating = False


def _part(number: int, segment: Segment) -> str:
    if segment.rest:
        return f"<rest:{segment.text}>"
    if segment.parameter:
        return f"<{segment.text}>"
    return f'<literal("{segment.text}"):{_HIDDEN}{number}>'


class NoMethod(Exception):
    """A function answers this path, but not this method; `allowed` are those of the path."""

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__("method not allowed")
        self.allowed = tuple(sorted(allowed))


class Routes:
    """The functions of an app by method and path.

    Parameters
    ----------
    routes : tuple of (str, Route, set of str)
        The name, the route and the methods of each function; HEAD is matched where GET is.
    """

    def __init__(self, routes: Iterable[tuple[str, Route, Collection[str]]]) -> None:
        made = Map(
            (rule for name, route, methods in routes for rule in route.rules(name, methods)),
            converters={"literal": _Literal, "rest": _Rest},
            strict_slashes=False,
            merge_slashes=False,
            redirect_defaults=False,
        )
        self._adapter = made.bind("localhost")

    def find(self, method: str, path: str) -> tuple[str, Mapping[str, str]] | None:
        """Return the function of a path that is still percent-encoded, and its parameters.

        None where no function answers the path; raises `NoMethod` where none takes the method.

        Examples
        --------
        >>> routes = Routes([("model", parse_route("api/models/{m}"), {"GET"})])
        >>> routes.find("GET", "/API/models/churn%20eu")
        ('model', {'m': 'churn eu'})
        """
        # A slash inside a part stays encoded, as in the Functions host.
        parts = unquote(re.sub("%(?=2[Ff])", "%25", path.strip("/")))
        try:
            endpoint, values = self._adapter.match(f"/{parts}", method)
        except MethodNotAllowed as refusal:
            raise NoMethod(refusal.valid_methods or ()) from None
        except NotFound:
            return None
        shown = {name: text for name, text in values.items() if not name.startswith(_HIDDEN)}
        return str(endpoint), shown

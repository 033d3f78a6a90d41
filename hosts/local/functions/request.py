"""An HTTP request as it arrives, and as a function receives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl

from azure.functions.http import HttpRequest


@dataclass(frozen=True)
class Request:
    """One request; path and query are still percent-encoded, the names of headers in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The parameters of the query."""
        found: dict[str, str] = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            # A parameter given twice arrives as one, joined by a comma, as from the Functions host.
            found[name] = f"{found[name]},{value}" if name in found else value
        return found

    @property
    def key(self) -> str | None:
        """The function key of the request."""
        return self.headers.get("x-functions-key", self.parameters.get("code"))

    def decoded(self, route: Mapping[str, str]) -> HttpRequest:
        """Return the request for a function; `route` holds the parameters of its path."""
        host = self.headers.get("host", "localhost")
        return HttpRequest(
            self.method,
            f"http://{host}{self.path}{self.query and '?'}{self.query}",
            headers=self.headers,
            params=self.parameters,
            route_params=route,
            body_type="bytes",
            body=self.body,
        )


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with their names in lower case."""
    return {name.lower(): value for name, value in headers.items()}

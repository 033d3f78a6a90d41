"""The dispatcher as a WSGI application: an environment in, one answer out.

Source: PEP 3333, "Python Web Server Gateway Interface".
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from http.client import responses
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qs, urlsplit
from wsgiref.util import is_hop_by_hop

from hosts import secure
from hosts.local.functions import webhook
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.functions.http import Response, plain
from hosts.local.functions.invoke import describe

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger("driftwarden.host")

#: Names of this machine in a Host header.
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
#: No proxy in front of this host verifies an identity, so that such headers are dropped.
IDENTITY = "x-ms-client-principal"
#: Statuses whose answer has no body.
BODILESS = frozenset({204, 304})


class Application:
    """Answers each request by one call of the dispatcher.

    Parameters
    ----------
    dispatcher : Dispatcher
    host : str
        The address that is listened on; it is answered beside the names of this machine.
    """

    def __init__(self, dispatcher: Dispatcher, host: str) -> None:
        self._dispatcher = dispatcher
        self._names = {*LOOPBACK, (f"[{host}]" if ":" in host else host).lower()}

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request; an exception is one line of the log and a 500."""
        try:
            response = self._answer(environ)
            headers = _headers(response)
        except Exception as error:  # noqa: BLE001
            logger.error("a request failed: %s", describe(error))
            response = plain(500, "this request failed; the host's log says why")
            headers = _headers(response)
        logger.debug(
            "%s %s %s %s",
            environ["REMOTE_ADDR"],
            environ["REQUEST_METHOD"],
            environ["REQUEST_URI"],
            response.status,
        )
        bodiless = response.status in BODILESS
        length = [] if bodiless else [("Content-Length", str(len(response.body)))]
        start(
            f"{response.status} {responses.get(response.status, 'Unknown')}",
            [*headers, *length],
        )
        return [] if bodiless or environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    def _answer(self, environ: WSGIEnvironment) -> Response:
        target = _target(environ["REQUEST_URI"])
        headers = _received(environ)
        asked = [target.netloc] if target.netloc else []
        for name in [*asked, *([headers["host"]] if "host" in headers else [])]:
            if not self._answers_to(name):
                # A page of another site can resolve its own name to this address (DNS rebinding).
                return plain(421, f"this server is not {name!r}: ask for 127.0.0.1 or localhost")
        if "host" not in headers and environ["SERVER_PROTOCOL"] != "HTTP/1.0":
            return plain(400, "the Host header is missing")
        method, body = environ["REQUEST_METHOD"], environ["wsgi.input"].read(-1)
        if target.path.rstrip("/").lower() != webhook.PATH:
            return self._dispatcher.http(method, target.path, target.query, headers, body)
        query = {name: values[-1] for name, values in parse_qs(target.query).items()}
        key = headers.get("x-functions-key", query.get("code"))
        name = query.get("functionName", "")
        return self._dispatcher.event_grid(name, headers, body, key, method)

    def _answers_to(self, host: str) -> bool:
        """Tell whether a Host header, or the authority of a target, names this server."""
        name = host.strip().lower()
        name = name if name.endswith("]") else name.rpartition(":")[0] or name
        return name in self._names


def _target(uri: str) -> SplitResult:
    """Split the target of a request: a path, or a URL where a proxy is asked."""
    if not uri.startswith("/"):
        return urlsplit(uri)
    path, _, query = uri.partition("#")[0].partition("?")
    return SplitResult("", "", path, query, "")


def _received(environ: WSGIEnvironment) -> dict[str, str]:
    """Return the headers of a request, their names in lower case."""
    named = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    return {name: value for name, value in named.items() if not name.startswith(IDENTITY)}


def _headers(response: Response) -> list[tuple[str, str]]:
    """Return the headers of an answer, those for browsers included; the length is not ours."""
    given = {name.lower() for name, _ in response.headers}
    shared = [pair for pair in secure.HEADERS.items() if pair[0].lower() not in given]
    dropped = (
        {"content-length", "content-type"} if response.status in BODILESS else {"content-length"}
    )
    own = [
        (name, value)
        for name, value in response.headers
        if name.lower() not in dropped and not is_hop_by_hop(name)
    ]
    for name, value in own:
        if re.search(r"[\r\n]|[^\x00-\xff]", name + value):
            raise ValueError(f"the header {name!r} cannot be sent: {value!r}")
    return [*shared, *own]

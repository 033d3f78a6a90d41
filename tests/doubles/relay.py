"""A relay in front of one service of Azurite: counts what passes, and breaks it on demand."""

from __future__ import annotations

import http.client
from urllib.parse import urlencode

from tests.doubles.loopback import Loopback, Request, Response

METHODS = ("GET", "PUT", "POST", "PATCH", "DELETE", "HEAD")
#: Headers of one connection, not of what it carries (RFC 9110, 7.6.1).
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Relay(Loopback):
    """Passes every request on to `port` of this machine; faults are those of `Loopback`."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._target = port
        for method in METHODS:
            self.route(method, ".*", self._forward)

    def _forward(self, request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in HOP}
        query = f"?{urlencode(request.query)}" if request.query else ""
        connection = http.client.HTTPConnection("127.0.0.1", self._target, timeout=30)
        try:
            connection.request(request.method, request.path + query, request.body, headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in HOP}
        return Response(answer.status, body, kept)

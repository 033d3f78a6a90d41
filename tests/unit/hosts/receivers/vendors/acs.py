"""Azure Communication Services: signed requests, operations by id, and low limits."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

from tests.unit.hosts.receivers.vendors import mail
from tests.unit.hosts.receivers.vendors.server import Answer, Request, Vendor, need

KEY = base64.b64encode(b"an access key of 32 octets......").decode()
MESSAGE_ID = re.compile(r"<[^<>@\s]+@[^<>@\s]+\.[^<>@\s]+>")


class Acs(Vendor):
    """E-mails by operation; `limits` count every request by `clock`, the refused ones, too."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        limits: tuple[tuple[int, timedelta], ...] = (),
    ) -> None:
        super().__init__()
        self.clock, self.limits = clock, limits
        self.asked: list[datetime] = []
        self.operations: dict[str, dict[str, Any]] = {}

    def handle(self, request: Request) -> Answer:
        now = self.clock()
        self.asked.append(now)
        for count, per in self.limits:
            if len([at for at in self.asked if at > now - per]) > count:
                return Answer(429, "", {"Retry-After": str(int(per.total_seconds()))})
        self._signed(request)
        need(len(request.body) <= 10_000_000, "too large", 413)
        body = json.loads(request.body)
        operation = str(uuid.UUID(request.headers["operation-id"]))
        need(1 <= len(body["recipients"]["to"]) <= 50, "recipients")
        need(body["content"]["subject"] and body["content"]["plainText"], "content")
        need("\n" not in body["content"]["subject"], "subject")
        need(MESSAGE_ID.fullmatch(body["headers"]["Message-ID"]), "Message-ID would be replaced")
        self.operations.setdefault(operation, body)
        said = {"id": operation, "status": "Running"}
        return Answer(202, json.dumps(said), {"Operation-Location": f"{self.url}/emails/x"})

    def _signed(self, request: Request) -> None:
        headers = request.headers
        need(request.path == "/emails:send?api-version=2023-03-31", "not found", 404)
        mark = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
        need(headers.get("x-ms-content-sha256") == mark, "another body", 401)
        said = f"POST\n{request.path}\n{headers['x-ms-date']};{headers['host']};{mark}"
        made = hmac.new(base64.b64decode(KEY), said.encode(), hashlib.sha256).digest()
        signature = base64.b64encode(made).decode()
        names = "SignedHeaders=x-ms-date;host;x-ms-content-sha256"
        expected = f"HMAC-SHA256 {names}&Signature={signature}"
        need(headers["authorization"] == expected, "Denied", 401)

    def _messages(self) -> list[EmailMessage]:
        found = []
        for body in self.operations.values():
            one = EmailMessage()
            one["Subject"] = body["content"]["subject"]
            for name, value in body["headers"].items():
                one[name] = value
            one.set_content(body["content"]["plainText"])
            one.add_alternative(body["content"]["html"], subtype="html")
            found.append(one)
        return found

    def incidents(self) -> list[tuple[str, ...]]:
        return [tuple(_event(s) for s in one) for one in mail.threads(self._messages()).values()]

    def text(self) -> str:
        return "\n".join(map(mail.shown, self._messages()))


def _event(subject: str) -> str:
    words = {"still firing": "reminder", "acknowledged": "acknowledged", "resolved": "resolved"}
    return next((event for word, event in words.items() if f"] {word}: " in subject), "firing")

"""PagerDuty's Events v2: what it refuses, what it drops, and one incident a dedup_key."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.hosts.receivers.vendors.server import Answer, Request, Vendor, need

KEY = "0123456789abcdef0123456789abcdef"


class PagerDuty(Vendor):
    """Incidents by service (routing key) and dedup_key; an open one takes further triggers."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[list[str]] = []
        self.open: dict[str, list[str]] = {}
        self.changes: list[dict[str, Any]] = []
        self.shown: list[str] = []

    def handle(self, request: Request) -> Answer:
        need(len(request.body) <= 512_000, "too large", 413)
        body = json.loads(request.body)
        need(body.get("routing_key") == KEY, "invalid routing key")
        if request.path == "/v2/change/enqueue":
            return self._change(body)
        need(request.path == "/v2/enqueue", "not found", 404)
        action, key = body.get("event_action"), body.get("dedup_key")
        need(action in ("trigger", "acknowledge", "resolve"), "event_action is invalid")
        need(key is None or len(key) <= 255, "dedup_key is too long")
        need(action == "trigger" or key, "dedup_key is required")
        if action == "trigger":
            self._payload(body["payload"])
            if key not in self.open:
                self.open[key] = []
                self.log.append(self.open[key])
            self.open[key].append("trigger")
        elif key in self.open:
            self.open[key].append(action)
            if action == "resolve":
                del self.open[key]
        # What concerns no open alert is dropped, and accepted all the same.
        said = {"status": "success", "message": "Event processed", "dedup_key": key}
        return Answer(202, json.dumps(said))

    def _payload(self, payload: dict[str, Any]) -> None:
        for name in ("summary", "source", "severity"):
            need(payload.get(name), f"payload.{name} is missing or blank")
        need(payload["severity"] in ("critical", "error", "warning", "info"), "severity")
        need(len(payload["summary"]) <= 1024, "summary is too long")
        details = payload.get("custom_details", {})
        need(isinstance(details, dict), "custom_details is no object")
        self.shown += [payload["summary"], *details.get("lines", ())]

    def _change(self, body: dict[str, Any]) -> Answer:
        need(not body["routing_key"].startswith("R"), "no change events with this key")
        need(set(body) <= {"routing_key", "payload", "links"}, "unknown field")
        summary = body["payload"].get("summary")
        need(summary and len(summary) <= 1024, "summary")
        self.changes.append(body)
        return Answer(202, '{"status":"success","message":"Change event processed"}')

    def incidents(self) -> list[tuple[str, ...]]:
        return [tuple(one) for one in self.log]

    def text(self) -> str:
        return "\n".join(self.shown)

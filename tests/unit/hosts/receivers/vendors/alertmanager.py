"""A tool that parses Alertmanager's webhook, version 4, as incident.io does."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.hosts.receivers.vendors.server import Answer, Request, Vendor, need

FIELDS = {
    "version": str, "groupKey": str, "truncatedAlerts": int, "status": str, "receiver": str,
    "groupLabels": dict, "commonLabels": dict, "commonAnnotations": dict, "externalURL": str,
    "alerts": list,
}  # fmt: skip
ALERT = {
    "status": str, "labels": dict, "annotations": dict, "startsAt": str, "endsAt": str,
    "generatorURL": str, "fingerprint": str,
}  # fmt: skip


def accept(body: dict[str, Any]) -> None:
    """Refuse what is no body of the version 4."""
    for name, kind in FIELDS.items():
        need(isinstance(body.get(name), kind), f"{name} is missing or of another type")
    need(body["version"] == "4", "another version")
    need(body["alerts"], "no alerts")
    for alert in body["alerts"]:
        for name, kind in ALERT.items():
            need(isinstance(alert.get(name), kind), f"{name} of an alert is missing")
        for name, value in {**alert["labels"], **alert["annotations"]}.items():
            need(isinstance(value, str), f"{name} is no text")
        firing = alert["status"] == "firing"
        need(firing == (alert["endsAt"] == "0001-01-01T00:00:00Z"), "endsAt is not of the status")
        need(firing or alert["startsAt"] <= alert["endsAt"], "ends before it starts")
    states = {alert["status"] for alert in body["alerts"]}
    need(body["status"] == ("firing" if "firing" in states else "resolved"), "status")
    for common, own in (("commonLabels", "labels"), ("commonAnnotations", "annotations")):
        for name, value in body[common].items():
            need(all(one[own].get(name) == value for one in body["alerts"]), "not in common")


class Alertmanager(Vendor):
    """One incident a groupKey; a repeat of a state is a no-op."""

    MOST = 524_288

    def __init__(self, token: str = "") -> None:
        super().__init__()
        self.token = token
        self.states: dict[str, list[str]] = {}
        self.bodies: list[dict[str, Any]] = []

    def handle(self, request: Request) -> Answer:
        need(len(request.body) <= self.MOST, "too large", 413)
        if self.token:
            need(request.headers.get("authorization") == f"Bearer {self.token}", "who?", 401)
        body = json.loads(request.body)
        accept(body)
        self.bodies.append(body)
        states = self.states.setdefault(body["groupKey"], [])
        if states[-1:] != [body["status"]]:
            states.append(body["status"])
        return Answer(202, '{"status":"success"}')

    def incidents(self) -> list[tuple[str, ...]]:
        return [tuple(states) for states in self.states.values()]

    def text(self) -> str:
        return "\n".join(
            f"{note}" for body in self.bodies for one in body["alerts"]
            for note in one["annotations"].values()
        )  # fmt: skip

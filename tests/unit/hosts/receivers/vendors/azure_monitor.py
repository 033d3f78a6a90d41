"""A consumer of Azure Monitor's common alert schema."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.hosts.receivers.vendors.server import Answer, Request, Vendor, need

ESSENTIALS = (
    "alertId", "alertRule", "severity", "signalType", "monitorCondition", "monitoringService",
    "alertTargetIDs", "configurationItems", "originAlertId", "firedDateTime", "description",
    "essentialsVersion", "alertContextVersion",
)  # fmt: skip


class AzureMonitor(Vendor):
    """One alert an originAlertId, fired and resolved."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, list[str]] = {}
        self.bodies: list[dict[str, Any]] = []

    def handle(self, request: Request) -> Answer:
        need(len(request.body) <= 256 * 1024, "too large", 413)
        body = json.loads(request.body)
        need(body["schemaId"] == "azureMonitorCommonAlertSchema", "another schema")
        essentials = body["data"]["essentials"]
        for name in ESSENTIALS:
            need(name in essentials, f"{name} is missing")
        need(essentials["severity"] in ("Sev0", "Sev1", "Sev2", "Sev3", "Sev4"), "severity")
        need(essentials["signalType"] in ("Metric", "Log", "Activity Log"), "signalType")
        condition = essentials["monitorCondition"]
        need(condition in ("Fired", "Resolved"), "monitorCondition")
        need((condition == "Resolved") == ("resolvedDateTime" in essentials), "resolvedDateTime")
        need({"alertContext", "customProperties"} <= set(body["data"]), "data")
        states = self.states.setdefault(essentials["originAlertId"], [])
        if states[-1:] != [condition]:
            states.append(condition)
        self.bodies.append(body)
        return Answer(202)

    def incidents(self) -> list[tuple[str, ...]]:
        return [tuple(states) for states in self.states.values()]

    def text(self) -> str:
        return "\n".join(
            "\n".join(
                [one["data"]["essentials"]["description"], *one["data"]["alertContext"]["lines"]]
            )
            for one in self.bodies
        )

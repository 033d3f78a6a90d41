"""Pages in Azure Monitor's common alert schema, which action groups and their tools parse.

Source: Microsoft Learn, "Common alert schema": 256 KB, the id of an alert is the same when it
fires and when it is resolved.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from fleet.document.receivers import AzureMonitorReceiver
from hosts.receivers import posting, wording
from hosts.receivers.alertmanager import FIRING
from hosts.receivers.paging import Receipt, Surroundings, spelled
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event, Page

#: Octets of all lines; a body has at most 256 KB.
LINES = 180_000
SEVERITY = {Severity.PAGE: "Sev1", Severity.TICKET: "Sev3"}


class AzureMonitor:
    """Posts pages; an acknowledgement has no word there, and is not sent."""

    def __init__(self, url: str, base_url: str) -> None:
        self._url, self._base_url = url, base_url

    def send(self, page: Page, at: datetime) -> Receipt:
        """See `hosts.receivers.paging.Channel`."""
        if page.event is Event.ACKNOWLEDGED:
            return Receipt("not sent: the common alert schema has no acknowledgement")
        told = alert(page, at, self._base_url)
        headers = {"Idempotency-Key": page.key}
        return posting.receipt(posting.post(page.receiver, self._url, told, headers))


def open_azure_monitor(
    name: str, policy: AzureMonitorReceiver, around: Surroundings
) -> AzureMonitor:
    """Open an address that takes the common alert schema."""
    return AzureMonitor(posting.address(name, policy.url, around), around.base_url)


def alert(page: Page, at: datetime, base_url: str) -> dict[str, object]:
    """Return the body of a page; a note about what is over is resolved."""
    firing = page.event in FIRING
    name = str(UUID(sha256((page.incident or page.key).encode()).hexdigest()[:32]))
    models = sorted({wording.model_of(one) for one in page.alerts})
    link = wording.link(page, base_url)
    lines = wording.fitted(tuple(map(wording.plain, page.lines)), LINES, measure=posting.size)
    essentials: dict[str, object] = {
        "alertId": f"/providers/Microsoft.AlertsManagement/alerts/{name}",
        "alertRule": f"Driftwarden {wording.kind_of(page)}",
        "severity": SEVERITY[page.severity],
        "signalType": "Log",
        "monitorCondition": "Fired" if firing else "Resolved",
        "monitoringService": "Driftwarden",
        "alertTargetIDs": models,
        "configurationItems": models,
        "originAlertId": name,
        "firedDateTime": spelled(page.opened or at),
        "description": wording.fitting(wording.plain(page.title), 2000),
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
    if not firing:
        essentials["resolvedDateTime"] = spelled(at)
    if link:
        essentials["investigationLink"] = link
    context = {"properties": None, "conditionType": "Driftwarden", "lines": lines}
    custom = {"incident": page.incident, "event": str(page.event), "receiver": page.receiver}
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {"essentials": essentials, "alertContext": context, "customProperties": custom},
    }

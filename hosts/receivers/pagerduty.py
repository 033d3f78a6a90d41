"""Pages as events of PagerDuty: one incident there for each incident here.

Source: PagerDuty, "Events API v2" and "Send Change Events": the body has at most 512,000 octets, a
summary 1,024 characters, a dedup_key 255.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from fleet.document.receivers import PagerDutyReceiver
from hosts.receivers import posting, wording
from hosts.receivers.paging import Receipt, Surroundings, spelled
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event, Page

#: Octets of all lines, characters of a summary and of a key.
LINES, SUMMARY, KEY = 400_000, 1024, 255
SEVERITY = {Severity.PAGE: "critical", Severity.TICKET: "warning"}
#: An event that is not here is a note, and changes no incident.
ACTIONS = {
    Event.FIRING: "trigger",
    Event.REMINDER: "trigger",
    Event.ESCALATED: "trigger",
    Event.TEST: "trigger",
    Event.ACKNOWLEDGED: "acknowledge",
    Event.RESOLVED: "resolve",
}


class PagerDuty:
    """Triggers, acknowledges and resolves; notes are change events, which page nobody."""

    def __init__(self, url: str, routing_key: str, base_url: str) -> None:
        self._url, self._key, self._base_url = url.rstrip("/"), routing_key, base_url

    def send(self, page: Page, at: datetime) -> Receipt:
        """See `hosts.receivers.paging.Channel`."""
        action = ACTIONS.get(page.event)
        if action is None and not self._key.startswith("R"):
            return self._post(page, "/v2/change/enqueue", self._change(page, at))
        if action is None and page.event is not Event.RESTORED:
            return Receipt("not sent: this integration key takes no change events")
        # What ends nothing is dropped there, and shows that the service can be reached.
        return self._post(page, "/v2/enqueue", self._event(page, at, action or "resolve"))

    def _post(self, page: Page, path: str, body: dict[str, object]) -> Receipt:
        return posting.receipt(posting.post(page.receiver, self._url + path, body))

    def _event(self, page: Page, at: datetime, action: str) -> dict[str, object]:
        named: dict[str, object] = {
            "routing_key": self._key,
            "event_action": action,
            "dedup_key": dedup_key(page.incident or page.key),
        }
        if action != "trigger":
            return named
        link = wording.link(page, self._base_url)
        model = wording.model_of(page.alerts[0]) if page.alerts else ""
        named |= {
            "client": "Driftwarden",
            "payload": {
                "summary": _summary(page),
                "source": model or "driftwarden",
                "severity": "info" if page.event is Event.TEST else SEVERITY[page.severity],
                "timestamp": spelled(at),
                "component": model or "driftwarden",
                "group": page.incident.partition(":")[0],
                "class": wording.kind_of(page),
                "custom_details": {
                    "event": str(page.event),
                    "alerts": list(page.alerts[:100]),
                    "lines": _lines(page),
                },
            },
        }
        if link:
            named |= {"client_url": link, "links": [{"href": link, "text": "Driftwarden"}]}
        return named

    def _change(self, page: Page, at: datetime) -> dict[str, object]:
        link = wording.link(page, self._base_url)
        body: dict[str, object] = {
            "routing_key": self._key,
            "payload": {
                "summary": _summary(page),
                "source": "driftwarden",
                "timestamp": spelled(at),
                "custom_details": {"event": str(page.event), "lines": _lines(page)},
            },
        }
        return {**body, "links": [{"href": link, "text": "Driftwarden"}]} if link else body


def open_pagerduty(name: str, policy: PagerDutyReceiver, around: Surroundings) -> PagerDuty:
    """Open a service of PagerDuty by its integration key."""
    key = posting.secret(name, policy.routing_key, around)
    return PagerDuty(posting.address(name, policy.url, around), key, around.base_url)


def dedup_key(incident: str) -> str:
    """Return the key of an incident, which its reminders and its end have, too.

    >>> dedup_key("shop:drift-7")
    'shop:drift-7'
    """
    if len(incident) <= KEY and incident.isascii() and incident.isprintable():
        return incident
    return sha256(incident.encode()).hexdigest()


def _summary(page: Page) -> str:
    return wording.fitting(wording.plain(page.title), SUMMARY)


def _lines(page: Page) -> list[str]:
    lines = tuple(map(wording.plain, page.lines))
    return list(wording.fitted(lines, LINES, measure=lambda line: posting.size(line) + 3))

"""Pages in the body of Alertmanager's webhook, version 4.

Source: prometheus.io, "Configuration", webhook_config; incident.io takes 524,288 octets of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from fleet.document.receivers import AlertmanagerReceiver
from hosts.receivers import posting, wording
from hosts.receivers.paging import Receipt, Surroundings, spelled
from monitoring.alerts.paging import Entry, Event, Page, entries

#: When an alert ends that still fires.
NEVER = "0001-01-01T00:00:00Z"
#: Octets of a body, and of all reasons in it; the rest is labels.
MOST, REASONS = 500_000, 300_000
#: Alerts in a body, which Alertmanager counts beyond as truncated.
ALERTS = 200
#: Events whose alerts fire; the others end them, or are a note about what is over.
FIRING = (Event.FIRING, Event.REMINDER, Event.ESCALATED, Event.ACKNOWLEDGED, Event.TEST)

Labels = dict[str, str]


class Alertmanager:
    """Posts pages; an acknowledgement has no word there, and is not sent."""

    def __init__(self, url: str, token: str, base_url: str) -> None:
        self._url, self._base_url = url, base_url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def send(self, page: Page, at: datetime) -> Receipt:
        """See `hosts.receivers.paging.Channel`."""
        if page.event is Event.ACKNOWLEDGED:
            return Receipt("not sent: Alertmanager's webhook has no acknowledgement")
        told = body(page, at, self._base_url)
        headers = {**self._headers, "Idempotency-Key": page.key}
        return posting.receipt(posting.post(page.receiver, self._url, told, headers))


def open_alertmanager(
    name: str, policy: AlertmanagerReceiver, around: Surroundings
) -> Alertmanager:
    """Open the address of a tool that parses Alertmanager's webhook."""
    token = posting.secret(name, policy.token, around)
    return Alertmanager(posting.address(name, policy.url, around), token, around.base_url)


def body(page: Page, at: datetime, base_url: str) -> dict[str, object]:
    """Return the body of a page; `truncatedAlerts` counts the alerts that it leaves out."""
    told = list(_alerts(page, at, base_url))
    kept = told[:ALERTS]
    labels = [_mapping(one["labels"]) for one in kept]
    notes = [_mapping(one["annotations"]) for one in kept]
    firing = any(one["status"] == "firing" for one in told)
    return {
        "version": "4",
        "groupKey": f'{{}}:{{incident="{page.incident}"}}',
        "truncatedAlerts": len(told) - len(kept),
        "status": "firing" if firing else "resolved",
        "receiver": page.receiver,
        "groupLabels": {"incident": page.incident},
        "commonLabels": _common(labels),
        "commonAnnotations": _common(notes),
        "externalURL": base_url or "https://driftwarden.invalid",
        "alerts": kept,
    }


def _alerts(page: Page, at: datetime, base_url: str) -> Iterator[dict[str, object]]:
    firing = page.event in FIRING
    known = {one.alert: one for one in entries(page)}
    said = _reasons(page, [known.get(name) for name in page.alerts])
    since = dict(zip(page.alerts, page.since, strict=False))
    for name, notes in zip(page.alerts, said, strict=True):
        over = not firing or name in page.ended
        yield _alert(page, name, notes, since.get(name), at if over else None, base_url)
    for name in page.ended:
        if name not in page.alerts:
            yield _alert(page, name, {"summary": f"{name} is over"}, None, at, base_url)
    if not page.alerts and not page.ended:
        lines = wording.fitted(tuple(map(wording.plain, page.lines)), REASONS, measure=posting.size)
        note = {"summary": wording.plain(page.title), "description": "\n".join(lines)}
        yield _alert(page, page.incident, note, None, at, "")


def _reasons(page: Page, known: Sequence[Entry | None]) -> list[Labels]:
    """Return the annotations of each alert; all of them together stay within `REASONS`."""
    share = REASONS // max(len(known), 1)
    found: list[Labels] = []
    for one in known:
        notes = {"summary": wording.fitting(wording.plain(page.title), 1000)}
        if one is not None:
            reason = wording.plain(one.reason)
            notes["summary"] = wording.fitting(reason, share // 2, measure=posting.size)
            lines = tuple(map(wording.plain, one.lines))
            cut = wording.fitted(lines, share // 2, measure=posting.size)
            notes |= {"description": "\n".join(cut)} if cut else {}
        found.append(notes)
    return found


def _alert(
    page: Page,
    name: str,
    annotations: Labels,
    since: datetime | None,
    ended: datetime | None,
    base_url: str,
) -> dict[str, object]:
    begun = since or page.opened or ended
    model = wording.model_of(name)
    return {
        "status": "firing" if ended is None else "resolved",
        "labels": {
            "alertname": name.removeprefix(f"{model}:") or name,
            "incident": page.incident,
            "kind": wording.kind_of(page),
            "model": model,
            "severity": str(page.severity),
        },
        "annotations": annotations,
        "startsAt": spelled(begun) if begun is not None else NEVER,
        "endsAt": NEVER if ended is None else spelled(ended),
        "generatorURL": wording.link_to(name, base_url),
        "fingerprint": sha256(name.encode()).hexdigest()[:16],
    }


def _mapping(value: object) -> Mapping[str, str]:
    return value if isinstance(value, dict) else {}


def _common(found: Sequence[Mapping[str, str]]) -> Labels:
    if not found:
        return {}
    return {
        name: value
        for name, value in found[0].items()
        if all(one.get(name) == value for one in found)
    }

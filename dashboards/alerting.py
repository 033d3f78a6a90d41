"""Alerts from the journal: firings, and conditions that an announced event explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fleet.model.lines import alerting

PAGE = "page"


@dataclass(frozen=True)
class Alert:
    """One firing of an alert, with the highest severity that it reached.

    `reason` belongs to that severity; `explained_by` names an event that began to explain the
    condition while the alert was firing.
    """

    id: str
    kind: str
    severity: str
    reason: str
    fired: datetime
    resolved: datetime | None = None
    acknowledged: datetime | None = None
    explained_by: str | None = None
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Held:
    """A condition that did not fire because an announced event explained it."""

    key: str
    kind: str
    severity: str
    reason: str
    explained_by: str
    since: datetime
    until: datetime | None = None
    features: tuple[str, ...] = ()


def alerts(told: Sequence[tuple[datetime, alerting.Alert]]) -> tuple[Alert, ...]:
    """Return every firing, in the order in which they began."""
    found: dict[str, Alert] = {}
    for at, line in told:
        name = line.alert
        match line.phase, found.get(name):
            case "firing", None:
                found[name] = _fired(at, line)
            case "firing", Alert() as alert:
                found[name] = _again(alert, line)
            case "acknowledged", Alert(acknowledged=None) as alert:
                found[name] = replace(alert, acknowledged=at)
            case "resolved", Alert() as alert:
                found[name] = replace(alert, resolved=at)
    return tuple(found.values())


def held(told: Sequence[tuple[datetime, alerting.Alert]]) -> tuple[Held, ...]:
    """Return every condition that waited for its event to pass, in order."""
    found: list[Held] = []
    waiting: dict[str, int] = {}
    for at, line in told:
        key = line.alert.rpartition("-")[0]
        event = line.explained_by if line.phase == "pending" else None
        known = waiting.get(key)
        if known is not None and found[known].explained_by != event:
            found[known] = replace(found[known], until=at)
            del waiting[key]
        if event is not None and key not in waiting:
            waiting[key] = len(found)
            found.append(
                Held(
                    key,
                    line.kind,
                    line.severity,
                    line.reason,
                    event,
                    at,
                    features=line.features,
                )
            )
    return tuple(found)


def _fired(at: datetime, line: alerting.Alert) -> Alert:
    return Alert(
        id=line.alert,
        kind=line.kind,
        severity=line.severity,
        reason=line.reason,
        fired=at,
        explained_by=line.explained_by,
        features=line.features,
    )


def _again(alert: Alert, line: alerting.Alert) -> Alert:
    """Update a firing alert from a later line: another severity or another explanation."""
    alert = replace(alert, explained_by=line.explained_by)
    if line.severity != PAGE or alert.severity == PAGE:
        return alert
    return replace(
        alert,
        severity=PAGE,
        reason=line.reason,
        acknowledged=None,
        features=line.features,
    )

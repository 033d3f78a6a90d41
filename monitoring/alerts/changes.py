"""What changed on a model, for receivers that show it beside their incidents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event, Page


@dataclass(frozen=True)
class ModelChanged:
    """A training, a promotion, a rollback, or a step of the live traffic; `id` is the event's."""

    id: str
    model: str
    title: str
    lines: tuple[str, ...]
    at: datetime


def pages(team: str, change: ModelChanged, receivers: Sequence[str]) -> tuple[Page, ...]:
    """Return the message about a change for each receiver; it is no incident, and pages nobody."""
    name = f"{team}:{Event.CHANGED}-{change.model}:{change.id}"
    return tuple(
        Page(
            key=f"{name}:{receiver}",
            receiver=receiver,
            event=Event.CHANGED,
            severity=Severity.TICKET,
            title=f"{change.model}: {change.title}",
            lines=change.lines,
            alerts=(),
            incident=name,
            opened=change.at,
        )
        for receiver in receivers
    )

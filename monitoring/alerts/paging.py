"""The text of a page: one message about a group of alerts, for each receiver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitoring.alerts.lifecycle import Kind, Notify, Severity

LISTED = 20
"""Most alerts that one page lists; a receiver's screen is small."""
NAMED = 3
"""Most models that a title names; beyond, it counts them."""


class Event(StrEnum):
    """Why a page is sent."""

    FIRING = "firing"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


@dataclass(frozen=True)
class Page:
    """Send one message to one receiver; the same `key` is the same message.

    All messages of a group have the same `incident`, from the first until it is closed; it is empty
    in a page that was owed before incidents had names.
    """

    key: str
    receiver: str
    event: Event
    severity: Severity
    title: str
    lines: tuple[str, ...]
    alerts: tuple[str, ...]
    incident: str = ""


def pages(
    key: str,
    incident: str,
    notices: Sequence[Notify],
    event: Event,
    receivers: Sequence[str],
    severity: Severity,
) -> tuple[Page, ...]:
    """One page for each receiver; `key` names the message, and the receiver completes it."""
    return tuple(
        Page(
            key=f"{key}:{receiver}",
            receiver=receiver,
            event=event,
            severity=severity,
            title=_title(notices, event),
            lines=_lines(notices),
            alerts=tuple(notice.id for notice in notices),
            incident=incident,
        )
        for receiver in receivers
    )


def _title(notices: Sequence[Notify], event: Event) -> str:
    prefix = {Event.FIRING: "", Event.ESCALATED: "unanswered: ", Event.RESOLVED: "resolved: "}
    if len(notices) == 1:
        return f"{prefix[event]}{notices[0].model}: {notices[0].reason}"
    kinds: list[Kind] = sorted({notice.kind for notice in notices})
    models = sorted({notice.model for notice in notices})
    where = ", ".join(models) if len(models) <= NAMED else f"{len(models)} models"
    return f"{prefix[event]}{len(notices)} {'/'.join(kinds)} alerts on {where}"


def _lines(notices: Sequence[Notify]) -> tuple[str, ...]:
    lines: list[str] = []
    for notice in notices[:LISTED]:
        lines += [f"{notice.id}: {notice.reason}", *(f"  {line}" for line in notice.lines)]
    if len(notices) > LISTED:
        lines.append(f"and {len(notices) - LISTED} more")
    return tuple(lines)

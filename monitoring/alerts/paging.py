"""The text of a page: one message about a group of alerts, for each receiver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    REMINDER = "reminder"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    UNSILENCED = "unsilenced"
    RESTORED = "restored"
    DIGEST = "digest"


#: How the title of a message about alerts begins.
PREFIX: Mapping[Event, str] = {
    Event.FIRING: "",
    Event.REMINDER: "still firing: ",
    Event.ESCALATED: "unanswered: ",
    Event.RESOLVED: "resolved: ",
}


@dataclass(frozen=True)
class Page:
    """Send one message to one receiver; the same `key` is the same message.

    All messages of a group have the same `incident`, from the first until it is closed; it is empty
    in a page that was owed before incidents had names. `ended` are alerts of an earlier message
    that are over, while others still fire.
    """

    key: str
    receiver: str
    event: Event
    severity: Severity
    title: str
    lines: tuple[str, ...]
    alerts: tuple[str, ...]
    incident: str = ""
    ended: tuple[str, ...] = ()


@dataclass(frozen=True)
class Message:
    """What a page says: `key` names the message, and each receiver completes it.

    `notices` are of the alerts that it is about, `ended` of those that are over by now.
    """

    key: str
    incident: str
    event: Event
    severity: Severity
    notices: tuple[Notify, ...]
    ended: tuple[Notify, ...] = ()


def pages(message: Message, receivers: Sequence[str]) -> tuple[Page, ...]:
    """One page for each receiver."""
    return tuple(
        Page(
            key=f"{message.key}:{receiver}",
            receiver=receiver,
            event=message.event,
            severity=message.severity,
            title=_title(message.notices, message.event),
            lines=_lines(message.notices) + _over(message.ended),
            alerts=tuple(notice.id for notice in message.notices),
            incident=message.incident,
            ended=tuple(notice.id for notice in message.ended),
        )
        for receiver in receivers
    )


def _title(notices: Sequence[Notify], event: Event) -> str:
    prefix = PREFIX[event]
    if len(notices) == 1:
        return f"{prefix}{notices[0].model}: {notices[0].reason}"
    kinds: list[Kind] = sorted({notice.kind for notice in notices})
    models = sorted({notice.model for notice in notices})
    where = ", ".join(models) if len(models) <= NAMED else f"{len(models)} models"
    return f"{prefix}{len(notices)} {'/'.join(kinds)} alerts on {where}"


def _lines(notices: Sequence[Notify]) -> tuple[str, ...]:
    lines: list[str] = []
    for notice in notices[:LISTED]:
        lines += [f"{notice.id}: {notice.reason}", *(f"  {line}" for line in notice.lines)]
    if len(notices) > LISTED:
        lines.append(f"and {len(notices) - LISTED} more")
    return tuple(lines)


def _over(ended: Sequence[Notify]) -> tuple[str, ...]:
    lines = [f"ended: {notice.id}: {notice.reason}" for notice in ended[:LISTED]]
    if len(ended) > LISTED:
        lines.append(f"ended: and {len(ended) - LISTED} more")
    return tuple(lines)

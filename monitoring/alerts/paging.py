"""The text of a page: one message about a group of alerts, for each receiver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from monitoring.alerts.lifecycle import Kind, Notify, Severity

LISTED = 20
"""Most alerts that one page lists; a receiver's screen is small."""
INDENT = "  "
"""How a line begins that explains an alert's reason."""
NAMED = 3
"""Most models that a title names; beyond, it counts them."""


class Event(StrEnum):
    """Why a page is sent."""

    FIRING = "firing"
    REMINDER = "reminder"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    UNSILENCED = "unsilenced"
    RESTORED = "restored"
    DIGEST = "digest"
    CHANGED = "changed"
    TEST = "test"


#: How the title of a message about alerts begins.
PREFIX: Mapping[Event, str] = {
    Event.FIRING: "",
    Event.REMINDER: "still firing: ",
    Event.ESCALATED: "unanswered: ",
    Event.ACKNOWLEDGED: "acknowledged: ",
    Event.RESOLVED: "resolved: ",
}


@dataclass(frozen=True)
class Page:
    """Send one message to one receiver; the same `key` is the same message.

    All messages of a group have the same `incident`, from the first until it is closed; it is empty
    in a page that was owed before incidents had names. `ended` are alerts of an earlier message
    that are over, while others still fire. `opened` is when the incident's first message was
    decided, `since` when each of `alerts` was first heard of, in their order; a page that was owed
    before has neither. `handle` is what the receiver calls the incident's message, where known.
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
    opened: datetime | None = None
    since: tuple[datetime, ...] = ()
    handle: str = ""


@dataclass(frozen=True)
class Entry:
    """One alert in the lines of a page: its reason, and the lines that explain it."""

    alert: str
    reason: str
    lines: tuple[str, ...] = ()


def entries(page: Page) -> tuple[Entry, ...]:
    """Return the alerts of a page that its lines tell of, in their order; see `_lines`."""
    found: list[Entry] = []
    names = iter(page.alerts)
    name = next(names, None)
    for line in page.lines:
        if name is not None and line.startswith(f"{name}: "):
            found.append(Entry(name, line.removeprefix(f"{name}: ")))
            name = next(names, None)
        elif found and line.startswith(INDENT):
            last = found[-1]
            found[-1] = replace(last, lines=(*last.lines, line.removeprefix(INDENT)))
    return tuple(found)


@dataclass(frozen=True)
class Message:
    """What a page says: `key` names the message, and each receiver completes it.

    `notices` are of the alerts that it is about, `ended` of those that are over by now; `since` and
    `handles` are by alert and by receiver, `notes` precede the lines about alerts.
    """

    key: str
    incident: str
    event: Event
    severity: Severity
    notices: tuple[Notify, ...]
    ended: tuple[Notify, ...] = ()
    opened: datetime | None = None
    since: Mapping[str, datetime] = field(default_factory=dict)
    handles: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def pages(message: Message, receivers: Sequence[str]) -> tuple[Page, ...]:
    """One page for each receiver."""
    return tuple(
        Page(
            key=f"{message.key}:{receiver}",
            receiver=receiver,
            event=message.event,
            severity=message.severity,
            title=_title(message.notices, message.event),
            lines=message.notes + _lines(message.notices) + _over(message.ended),
            alerts=tuple(notice.id for notice in message.notices),
            incident=message.incident,
            ended=tuple(notice.id for notice in message.ended),
            opened=message.opened,
            since=tuple(message.since.get(n.id, n.at) for n in message.notices),
            handle=message.handles.get(receiver, ""),
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
        lines += [f"{notice.id}: {notice.reason}", *(f"{INDENT}{line}" for line in notice.lines)]
    if len(notices) > LISTED:
        lines.append(f"and {len(notices) - LISTED} more")
    return tuple(lines)


def _over(ended: Sequence[Notify]) -> tuple[str, ...]:
    lines = [f"ended: {notice.id}: {notice.reason}" for notice in ended[:LISTED]]
    if len(ended) > LISTED:
        lines.append(f"ended: and {len(ended) - LISTED} more")
    return tuple(lines)

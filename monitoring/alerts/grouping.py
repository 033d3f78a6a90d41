"""One group: all alerts of one kind of one team, notified, escalated and closed together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

import engine.policy
from engine.duration import Duration
from monitoring.alerts import escalation, paging
from monitoring.alerts.lifecycle import Notify, Severity, Status
from monitoring.alerts.paging import Event, Page


class Phase(StrEnum):
    """The phase of one group (one kind of alert of one team)."""

    CLOSED = "closed"
    WAITING = "waiting"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"


EDGES: Mapping[Phase, tuple[Phase, ...]] = {
    Phase.CLOSED: (Phase.WAITING, Phase.SENT),
    Phase.WAITING: (Phase.CLOSED, Phase.SENT),
    Phase.SENT: (Phase.ACKNOWLEDGED, Phase.WAITING, Phase.CLOSED),
    Phase.ACKNOWLEDGED: (Phase.SENT, Phase.WAITING, Phase.CLOSED),
}


class Policy(engine.policy.Policy):
    """Receivers of a team's alerts, their order and delays."""

    page: tuple[str, ...] = Field(
        min_length=1,
        description="Receivers of a page, in order: the first at once, the next if nobody "
        "acknowledges it.",
    )
    ticket: tuple[str, ...] = Field(
        (), description="Receivers of a ticket, all of them; empty: the first page receiver."
    )
    group_wait: Duration = Field(
        timedelta(minutes=2),
        description="How long to collect alerts of one kind before the first is sent.",
    )
    escalate_after: Duration = Field(
        timedelta(minutes=30),
        gt=timedelta(0),
        description="An unacknowledged page goes to the next receiver after this long.",
    )

    def first(self, severity: Severity) -> tuple[str, ...]:
        """The receivers of the first message."""
        return self.page[:1] if severity is Severity.PAGE else self.ticket or self.page[:1]


@dataclass(frozen=True)
class Open:
    """One alert by its last notification, received at `heard`."""

    notice: Notify
    heard: datetime
    acknowledged_by: str | None = None

    @property
    def firing(self) -> bool:
        """Whether its last notification says that it fires."""
        return self.notice.status is Status.FIRING


@dataclass(frozen=True)
class Group:
    """The messages sent to a team about one kind of alert.

    `first` and `ordinal` number the first and the last message since the group was closed; `first`
    is 0 in a group that was open before it was kept. `told` maps each alert in them to its
    notification; `opens` is when the notifications that came since are sent; `level` is the place
    in the chain that the page sent at `paged` has reached.
    """

    phase: Phase = Phase.CLOSED
    ordinal: int = 0
    first: int = 0
    severity: Severity = Severity.TICKET
    told: dict[str, str] = field(default_factory=dict)
    heard_by: tuple[str, ...] = ()
    opens: datetime | None = None
    paged: datetime | None = None
    level: int = 0


Settled = tuple[Group, tuple[Page, ...]]


def settle(
    name: str, group: Group, entries: Mapping[str, Open], policy: Policy, now: datetime
) -> Settled:
    """Bring a group up to date with its unmuted alerts, firing or resolved.

    `name` is the group's (`team:kind`); an alert missing from `entries` is muted or forgotten.
    """
    # A silenced alert counts as never sent: after the silence it goes to the first receiver again.
    group = replace(group, told={n: key for n, key in group.told.items() if n in entries})
    pages: tuple[Page, ...] = ()
    if group.told and not any(entries[n].firing for n in group.told):
        group, pages = _close(name, group, entries)
    live = {n: entry for n, entry in sorted(entries.items()) if entry.firing}
    news = {
        n: entry
        for n, entry in live.items()
        if entry.acknowledged_by is None and group.told.get(n) != entry.notice.key
    }
    if news:
        group = replace(group, opens=group.opens or now + policy.group_wait)
    group, more = _advance(name, group, live, news, policy, now)
    return group, pages + more


def climbs(group: Group, policy: Policy) -> datetime | None:
    """When the group's page goes to the next receiver, if nobody acknowledges it."""
    climbing = group.phase is Phase.SENT and group.severity is Severity.PAGE
    if not climbing or group.paged is None:
        return None
    return escalation.due(group.paged, group.level, policy.page, policy.escalate_after)


def _advance(
    name: str,
    group: Group,
    live: Mapping[str, Open],
    news: Mapping[str, Open],
    policy: Policy,
    now: datetime,
) -> Settled:
    if not news:
        group = replace(group, opens=None)
    elif group.opens is not None and now >= group.opens:
        return _send(name, group, live, news, policy, now)
    if group.told:
        return _escalate(name, group, live, policy, now)
    phase = Phase.WAITING if news else Phase.CLOSED
    return Group(phase=phase, ordinal=group.ordinal, opens=group.opens), ()


def _send(
    name: str,
    group: Group,
    live: Mapping[str, Open],
    news: Mapping[str, Open],
    policy: Policy,
    now: datetime,
) -> Settled:
    pages = any(entry.notice.severity is Severity.PAGE for entry in news.values())
    severity = Severity.PAGE if pages else Severity.TICKET
    receivers = policy.first(severity)
    told = {n: live[n] for n in live if n in news or n in group.told}
    sent = replace(
        group,
        phase=Phase.SENT,
        ordinal=group.ordinal + 1,
        first=group.first if group.told else group.ordinal + 1,
        told={n: entry.notice.key for n, entry in told.items()},
        heard_by=_joined(group.heard_by, receivers),
        opens=None,
    )
    # A ticket that joins an unanswered page must not stop the page from climbing.
    if pages or group.severity is Severity.TICKET or group.phase is not Phase.SENT:
        sent = replace(sent, severity=severity, paged=now, level=0)
    return sent, _pages(name, sent, told, Event.FIRING, receivers, severity)


def _escalate(
    name: str, group: Group, live: Mapping[str, Open], policy: Policy, now: datetime
) -> Settled:
    told = {n: live[n] for n in group.told if n in live}
    if group.phase is Phase.SENT and all(entry.acknowledged_by for entry in told.values()):
        return replace(group, phase=Phase.ACKNOWLEDGED), ()
    due = climbs(group, policy)
    if due is None or now < due:
        return group, ()
    level = group.level + 1
    receivers = (policy.page[level],)
    up = replace(group, level=level, paged=now, heard_by=_joined(group.heard_by, receivers))
    return up, _pages(name, up, told, Event.ESCALATED, receivers, up.severity)


def _close(name: str, group: Group, entries: Mapping[str, Open]) -> Settled:
    over = {n: entries[n] for n in group.told}
    pages = _pages(name, group, over, Event.RESOLVED, group.heard_by, group.severity)
    return Group(ordinal=group.ordinal, opens=group.opens), pages


def _joined(heard: tuple[str, ...], more: Sequence[str]) -> tuple[str, ...]:
    return heard + tuple(receiver for receiver in more if receiver not in heard)


def _pages(
    name: str,
    group: Group,
    entries: Mapping[str, Open],
    event: Event,
    receivers: Sequence[str],
    severity: Severity,
) -> tuple[Page, ...]:
    key = f"{name}-{group.ordinal}:{event}:{group.level}"
    notices = [entry.notice for entry in entries.values()]
    return paging.pages(key, f"{name}-{group.first}", notices, event, receivers, severity)

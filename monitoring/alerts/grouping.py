"""One group: all alerts of one kind of one team, notified, escalated and closed together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from monitoring.alerts import paging
from monitoring.alerts.group import Around, Group, Open, Phase, Policy
from monitoring.alerts.levels import Chain, Present
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event, Message, Page

Settled = tuple[Group, tuple[Page, ...]]


def settle(name: str, group: Group, entries: Mapping[str, Open], around: Around) -> Settled:
    """Bring a group up to date with its alerts, firing or resolved.

    `name` is the group's (`team:kind`); an alert missing from `entries` is forgotten.
    """
    # Muted alerts are sent again afterwards; those who heard of them hear how they end.
    known = {n: key for n, key in group.told.items() if n in entries}
    told = {n: "" if n in around.muted else key for n, key in known.items()}
    group = replace(group, told=told)
    pages: tuple[Page, ...] = ()
    if told and not any(entries[n].firing for n in told):
        group, pages = _close(name, group, entries)
    live = {n: e for n, e in sorted(entries.items()) if e.firing and n not in around.muted}
    news = {
        n: entry
        for n, entry in live.items()
        if entry.acknowledged_by is None and group.told.get(n) != entry.notice.key
    }
    group = replace(group, opens=_opens(group, news, around))
    if group.opens is not None and around.now >= group.opens:
        group, more = _send(name, group, entries, news, around)
        pages += more
    group, more = _follow(name, group, live, around)
    return group, pages + more


def _opens(group: Group, news: Mapping[str, Open], around: Around) -> datetime | None:
    """Return when the news are sent; tickets wait until the team's business hours."""
    if not news:
        return None
    waited = around.now + around.policy.group_wait
    opens = min(group.opens or waited, waited)
    pages = any(entry.notice.severity is Severity.PAGE for entry in news.values())
    resumes = around.present.resumes
    return opens if pages or resumes is None else max(opens, resumes)


def climbs(group: Group, policy: Policy, present: Present) -> datetime | None:
    """When the group's page goes to the next receiver, if nobody acknowledges it."""
    climbing = group.phase is Phase.SENT and group.severity is Severity.PAGE
    if not climbing or group.paged is None:
        return None
    place = _place(group, policy)
    if place is None:
        return group.paged if policy.page else None
    return _chain(policy, present).due(group.paged, place, group.rounds, group.passes)


def _chain(policy: Policy, present: Present) -> Chain:
    return Chain(policy.page, policy.escalate_after, policy.repeat, present.delegates)


def _place(group: Group, policy: Policy) -> int | None:
    """Return the place of the page's receiver in the chain, which fleet.yaml may have changed."""
    if not group.paged_to:
        return group.level
    return policy.page.index(group.paged_to) if group.paged_to in policy.page else None


def passing(name: str, group: Group, to: str, incident: str, at: datetime | None) -> Group:
    """Note when the page of an incident goes past receiver `to`, where that one has it last."""
    concerned = group.paged_to == to and f"{name}-{group.first}" == incident
    return replace(group, passes=at) if concerned else group


def handled(name: str, group: Group, receiver: str, incident: str, handle: str) -> Group:
    """Remember what a receiver calls the message of an incident, where that is still open."""
    if not handle or f"{name}-{group.first}" != incident:
        return group
    return replace(group, handles={**group.handles, receiver: handle})


def _send(
    name: str,
    group: Group,
    entries: Mapping[str, Open],
    news: Mapping[str, Open],
    around: Around,
) -> Settled:
    policy = around.policy
    pages = any(entry.notice.severity is Severity.PAGE for entry in news.values())
    severity = Severity.PAGE if pages else Severity.TICKET
    reminds = all(n in group.told and not entry.risen for n, entry in news.items())
    receivers = policy.first(severity)
    shown = {
        n: e
        for n, e in sorted(entries.items())
        if n in news or (e.firing and n in group.told and n not in around.muted)
    }
    ended = _ended(group, entries)
    sent = replace(
        group,
        phase=Phase.SENT,
        ordinal=group.ordinal + 1,
        first=group.first if group.told else group.ordinal + 1,
        opened=group.opened if group.told else around.now,
        handles=group.handles if group.told else {},
        told=group.told | {n: entry.notice.key for n, entry in (shown | ended).items()},
        heard_by=_joined(group.heard_by, receivers),
        opens=None,
    )
    # A ticket that joins an unanswered page must not stop the page from climbing.
    if pages or group.severity is Severity.TICKET or group.phase is not Phase.SENT:
        first = receivers[0]
        sent = replace(sent, severity=severity, paged=around.now, level=0, rounds=0)
        sent = replace(sent, paged_to=first, passes=around.passes(first))
    event = Event.REMINDER if reminds else Event.FIRING
    message = _message(name, sent, event, severity, shown)
    message = replace(message, ended=tuple(entry.notice for entry in ended.values()))
    return sent, paging.pages(message, receivers)


def _ended(group: Group, entries: Mapping[str, Open]) -> dict[str, Open]:
    """Return the alerts that were told, are over, and were not told as over yet."""
    told = ((n, key, entries[n]) for n, key in group.told.items())
    return {n: e for n, key, e in told if not e.firing and key != e.notice.key}


def _follow(name: str, group: Group, live: Mapping[str, Open], around: Around) -> Settled:
    """Bring a group's phase up to date, and pass its page on until a receiver has time left."""
    if not group.told:
        phase = Phase.WAITING if group.opens is not None else Phase.CLOSED
        return Group(phase=phase, ordinal=group.ordinal, opens=group.opens), ()
    told = {n: live[n] for n in group.told if n in live}
    if not told:
        return replace(group, phase=Phase.MUTED), ()
    if group.phase is not Phase.ACKNOWLEDGED and all(e.acknowledged_by for e in told.values()):
        return _acknowledge(name, group, told)
    pages: tuple[Page, ...] = ()
    policy, present = around.policy, around.present
    while (due := climbs(group, policy, present)) is not None and around.now >= due:
        group, more = _escalate(name, group, told, around)
        pages += more
    return group, pages


def _escalate(name: str, group: Group, told: Mapping[str, Open], around: Around) -> Settled:
    chain = _chain(around.policy, around.present)
    place, rounds = chain.next(_place(group, around.policy), group.rounds)
    receiver = around.policy.page[place]
    up = replace(
        group,
        level=group.level + 1,
        rounds=rounds,
        paged=around.now,
        paged_to=receiver,
        passes=around.passes(receiver),
        heard_by=_joined(group.heard_by, (receiver,)),
    )
    message = _message(name, up, Event.ESCALATED, up.severity, told)
    return up, paging.pages(message, (receiver,))


def _acknowledge(name: str, group: Group, told: Mapping[str, Open]) -> Settled:
    """Tell those who heard of a group, once after each of its messages, who acknowledged it."""
    taken = replace(group, phase=Phase.ACKNOWLEDGED, acknowledged=group.ordinal)
    if group.acknowledged == group.ordinal:
        return taken, ()
    by = ", ".join(sorted({e.acknowledged_by for e in told.values() if e.acknowledged_by}))
    message = _message(name, group, Event.ACKNOWLEDGED, group.severity, told)
    message = replace(message, notes=(f"acknowledged by {by}",))
    return taken, paging.pages(message, group.heard_by)


def _close(name: str, group: Group, entries: Mapping[str, Open]) -> Settled:
    over = {n: entries[n] for n in group.told}
    message = _message(name, group, Event.RESOLVED, group.severity, over)
    closed = Group(ordinal=group.ordinal, opens=group.opens)
    return closed, paging.pages(message, group.heard_by)


def _joined(heard: tuple[str, ...], more: Sequence[str]) -> tuple[str, ...]:
    return heard + tuple(receiver for receiver in more if receiver not in heard)


def _message(
    name: str, group: Group, event: Event, severity: Severity, entries: Mapping[str, Open]
) -> Message:
    key = f"{name}-{group.ordinal}:{event}:{group.level}"
    notices = tuple(entry.notice for entry in entries.values())
    since = {n: entry.since for n, entry in entries.items() if entry.since is not None}
    incident = f"{name}-{group.first}"
    return Message(
        key,
        incident,
        event,
        severity,
        notices,
        opened=group.opened,
        since=since,
        handles=group.handles,
    )

"""The on-call partition of one team: mute, group, page, escalate, acknowledge.

Notifications come from many models, late, duplicated and out of order. A resolved alert name never
fires again, so every order of arrival leads to the same state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from engine.errors import Refused
from monitoring.alerts import grouping, muting, notes, reach, receivers
from monitoring.alerts.grouping import Around, Group, Open, Policy
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from monitoring.alerts.muting import Silence
from monitoring.alerts.notes import Hidden
from monitoring.alerts.paging import Page
from monitoring.alerts.reach import Delivered, Down, Undelivered

__all__ = [
    "Acknowledge",
    "Acknowledged",
    "Delivered",
    "OnCall",
    "Page",
    "Policy",
    "Silence",
    "Step",
    "Undelivered",
    "Unsilence",
    "step",
]

KEEP = timedelta(days=8)
"""How long a resolved alert is kept: as long as a late notification of it may still arrive."""


@dataclass(frozen=True)
class Acknowledge:
    """Acknowledge an alert by its fleet-wide or (where unambiguous) its short name."""

    alert: str
    by: str


@dataclass(frozen=True)
class Unsilence:
    """Lift a silence before its time."""

    id: str
    by: str


Fact = Notify | Acknowledge | Silence | Unsilence | Undelivered | Delivered


@dataclass(frozen=True)
class Acknowledged:
    """Tell the model's partition that its alert is acknowledged; `key` is the delivery id there."""

    key: str
    model: str
    alert: str
    by: str


Effect = Page | Acknowledged


@dataclass(frozen=True)
class OnCall:
    """The state of one team's on-call partition.

    `muted` gives the reason for each muted alert, `hidden` what each silence hid, by its id.
    `receivers` are those that cannot be reached; `outages` counts how often one could not.
    """

    team: str
    alerts: dict[str, Open] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    muted: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, Hidden] = field(default_factory=dict)
    receivers: dict[str, Down] = field(default_factory=dict)
    outages: int = 0


@dataclass(frozen=True)
class Step:
    """The partition after a step, the effects it owes, and when to step again."""

    state: OnCall
    effects: tuple[Effect, ...] = ()
    wake_at: datetime | None = None


def step(state: OnCall, facts: Sequence[Fact], policy: Policy, now: datetime) -> Step:
    """Take in facts (perhaps none) and return the messages due to the team at `now`.

    Raises `Refused` when an acknowledgement or an unsilence names an unknown alert or silence.
    """
    effects: list[Effect] = []
    for fact in facts:
        state, owed = _absorb(state, fact, now)
        effects += owed
    state, again = _reach(state, policy, now)
    state, told = _forget(state, policy, now)
    state, pages = _settle(state, policy, now)
    return Step(state, (*effects, *again, *told, *pages), min(_wakes(state, policy), default=None))


def _settle(state: OnCall, policy: Policy, now: datetime) -> tuple[OnCall, tuple[Page, ...]]:
    """Bring every group up to date."""
    pages: list[Page] = []
    groups = dict(state.groups)
    for kind in sorted({e.notice.kind for e in state.alerts.values()} | {Kind(g) for g in groups}):
        entries = {n: entry for n, entry in state.alerts.items() if entry.notice.kind is kind}
        around = Around(_rules(state, kind, policy), state.receivers, state.muted, now)
        group = groups.get(kind, Group())
        groups[kind], more = grouping.settle(_group(state, kind), group, entries, around)
        pages += more
    return replace(state, groups=groups), tuple(pages)


def _group(state: OnCall, kind: str) -> str:
    return f"{state.team}:{kind}"


def _rules(state: OnCall, kind: Kind, policy: Policy) -> Policy:
    """Return the policy of a group: alerts about receivers go to those that can be reached."""
    return receivers.left(policy, state.receivers) if kind is Kind.RECEIVER else policy


def _wakes(state: OnCall, policy: Policy) -> list[datetime]:
    wakes: list[datetime | None] = [silence.until for silence in state.silences]
    for kind, group in state.groups.items():
        wakes += [group.opens, grouping.climbs(group, _rules(state, Kind(kind), policy))]
    wakes += [at for down in state.receivers.values() for at in reach.wakes(down)]
    return [at for at in wakes if at is not None]


def _absorb(state: OnCall, fact: Fact, now: datetime) -> tuple[OnCall, tuple[Effect, ...]]:
    match fact:
        case Notify():
            merged = _merge(state.alerts.get(fact.id), fact, now)
            return replace(state, alerts={**state.alerts, fact.id: merged}), ()
        case Acknowledge():
            return _take(state, fact)
        case Silence():
            others = tuple(s for s in state.silences if s.id != fact.id)
            return replace(state, silences=(*others, fact)), ()
        case Unsilence():
            others = tuple(s for s in state.silences if s.id != fact.id)
            if len(others) == len(state.silences):
                raise Refused(f"{fact.id}: no such silence for team {state.team}")
            return replace(state, silences=others), ()
        case Undelivered():
            return _failed(state, fact, now), ()
        case Delivered():
            return _answered(state, fact)


def _failed(state: OnCall, fact: Undelivered, now: datetime) -> OnCall:
    name = fact.page.receiver
    known = state.receivers.get(name)
    down = reach.failed(known, fact, state.outages + 1, now)
    outages = state.outages if known is not None else down.outage
    state = replace(state, receivers={**state.receivers, name: down}, outages=outages)
    return _passing(state, name, fact.page.incident, down.passed_at)


def _answered(state: OnCall, fact: Delivered) -> tuple[OnCall, tuple[Effect, ...]]:
    down = state.receivers.get(fact.receiver)
    kept = {name: one for name, one in state.receivers.items() if name != fact.receiver}
    state = _passing(replace(state, receivers=kept), fact.receiver, fact.incident, None)
    return state, reach.answered(down, fact.incident) if down is not None else ()


def _passing(state: OnCall, receiver: str, incident: str, at: datetime | None) -> OnCall:
    """Note when the page of an incident goes past a receiver, where it waits for that one."""
    groups = {
        kind: grouping.passing(_group(state, kind), group, receiver, incident, at)
        for kind, group in state.groups.items()
    }
    return replace(state, groups=groups)


def _merge(known: Open | None, notice: Notify, now: datetime) -> Open:
    if known is None:
        return Open(notice, now)
    if _rank(notice) <= _rank(known.notice):
        return known
    rises = notice.severity is Severity.PAGE and known.notice.severity is Severity.TICKET
    taken_by = None if rises and notice.status is Status.FIRING else known.acknowledged_by
    return Open(notice, now, taken_by, risen=rises)


def _rank(notice: Notify) -> tuple[bool, datetime, bool, str]:
    resolved = notice.status is Status.RESOLVED
    return resolved, notice.at, notice.severity is Severity.PAGE, notice.key


def _take(state: OnCall, fact: Acknowledge) -> tuple[OnCall, tuple[Effect, ...]]:
    names = [n for n in state.alerts if n == fact.alert or n.endswith(f":{fact.alert}")]
    if len(names) != 1:
        what = f"ambiguous, name one of {', '.join(sorted(names))}" if names else "no such alert"
        raise Refused(f"{fact.alert}: {what} (team {state.team})")
    entry = state.alerts[names[0]]
    if not entry.firing:
        raise Refused(f"{fact.alert}: it is resolved, since {entry.notice.at:%Y-%m-%d %H:%M} UTC")
    if entry.acknowledged_by is not None:
        raise Refused(f"{fact.alert}: it was acknowledged by {entry.acknowledged_by}")
    alerts = {**state.alerts, names[0]: replace(entry, acknowledged_by=fact.by)}
    notice = entry.notice
    if notice.kind is Kind.RECEIVER:
        return replace(state, alerts=alerts), ()
    told = Acknowledged(f"ack:{notice.key}", notice.model, notice.alert, fact.by)
    return replace(state, alerts=alerts), (told,)


def _reach(state: OnCall, policy: Policy, now: datetime) -> tuple[OnCall, tuple[Page, ...]]:
    """Bring the receivers up to date, and the alerts about those that cannot be reached."""
    used = {*policy.page, *policy.ticket}
    down = {n: reach.passed(one, now) for n, one in state.receivers.items() if n in used}
    again: list[Page] = []
    for name, one in down.items():
        down[name], refused = reach.retried(one, now)
        sent = [page for page in refused if page.event in reach.LAST or _newest(state, page)]
        tried = one.retry is not None and down[name].retry is None
        again += sent or ([reach.restored(state.team, name, one, now)] if tried else [])
    alerts = dict(state.alerts)
    for notice in receivers.notices(state.team, state.alerts, down, policy, now):
        alerts[notice.id] = _merge(alerts.get(notice.id), notice, now)
    return replace(state, receivers=down, alerts=alerts), tuple(again)


def _newest(state: OnCall, page: Page) -> bool:
    """Whether a page is the newest of an incident that is still open."""
    newest = [f"{_group(state, kind)}-{group.ordinal}:" for kind, group in state.groups.items()]
    incidents = [f"{_group(state, kind)}-{group.first}" for kind, group in state.groups.items()]
    return page.incident in incidents and page.key.startswith(tuple(newest))


def _forget(state: OnCall, policy: Policy, now: datetime) -> tuple[OnCall, tuple[Page, ...]]:
    """Forget what is over, note what is muted, and tell the owners of silences that ended."""
    kept = {n: e for n, e in state.alerts.items() if e.firing or now < e.heard + KEEP}
    silences = muting.lasting(state.silences, now)
    hidden = notes.hidden(state.hidden, kept, silences)
    told: list[Page] = []
    for name, over in state.hidden.items():
        if name not in hidden:
            told += notes.pages(state.team, over, kept, policy, now)
    firing = [entry.notice for entry in kept.values() if entry.firing]
    left = receivers.left(policy, state.receivers)
    muted = receivers.untold(kept, left) | muting.muted(firing, silences)
    state = replace(state, alerts=kept, silences=silences, hidden=hidden, muted=muted)
    return state, tuple(told)

"""The on-call partition of one team: mute, group, page, escalate, acknowledge.

Notifications come from many models, late, duplicated and out of order. A resolved alert name never
fires again, so every order of arrival leads to the same state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from engine.errors import Refused
from monitoring.alerts import grouping, muting
from monitoring.alerts.grouping import Group, Open, Policy
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from monitoring.alerts.muting import Silence
from monitoring.alerts.paging import Page

__all__ = [
    "Acknowledge",
    "Acknowledged",
    "OnCall",
    "Page",
    "Policy",
    "Silence",
    "Step",
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


Fact = Notify | Acknowledge | Silence | Unsilence


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
    """The state of one team's on-call partition; `muted` gives the reason for each muted alert."""

    team: str
    alerts: dict[str, Open] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    muted: dict[str, str] = field(default_factory=dict)


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
    state = _forget(state, now)
    wakes = [silence.until for silence in state.silences]
    groups = dict(state.groups)
    for kind in sorted({e.notice.kind for e in state.alerts.values()} | {Kind(g) for g in groups}):
        heard = {
            name: entry
            for name, entry in state.alerts.items()
            if entry.notice.kind is kind and name not in state.muted
        }
        group = groups.get(kind, Group())
        group, pages = grouping.settle(f"{state.team}:{kind}", group, heard, policy, now)
        groups[kind] = group
        effects += pages
        wakes += [at for at in (group.opens, grouping.climbs(group, policy)) if at is not None]
    return Step(replace(state, groups=groups), tuple(effects), min(wakes, default=None))


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


def _merge(known: Open | None, notice: Notify, now: datetime) -> Open:
    if known is None:
        return Open(notice, now)
    if _rank(notice) <= _rank(known.notice):
        return known
    rises = notice.severity is Severity.PAGE and known.notice.severity is Severity.TICKET
    taken_by = None if rises and notice.status is Status.FIRING else known.acknowledged_by
    return Open(notice, now, taken_by)


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
    told = Acknowledged(f"ack:{notice.key}", notice.model, notice.alert, fact.by)
    return replace(state, alerts=alerts), (told,)


def _forget(state: OnCall, now: datetime) -> OnCall:
    kept = {n: e for n, e in state.alerts.items() if e.firing or now < e.heard + KEEP}
    silences = muting.lasting(state.silences, now)
    firing = [entry.notice for entry in kept.values() if entry.firing]
    muted = muting.muted(firing, silences)
    return replace(state, alerts=kept, silences=silences, muted=muted)

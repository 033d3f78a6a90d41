"""The on-call partition of one team: mute, group, page, escalate, acknowledge.

Notifications come from many models, late, duplicated and out of order. A resolved alert name never
fires again, so every order of arrival leads to the same state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.errors import Refused
from monitoring.alerts import (
    acks,
    changes,
    delivery,
    duty,
    grouping,
    muting,
    notes,
    reach,
    receivers,
)
from monitoring.alerts.acks import Acknowledged
from monitoring.alerts.changes import ModelChanged
from monitoring.alerts.desk import OnCall
from monitoring.alerts.group import Around, Group, Policy, merged
from monitoring.alerts.levels import Present
from monitoring.alerts.lifecycle import Kind, Notify
from monitoring.alerts.muting import Silence
from monitoring.alerts.paging import Page
from monitoring.alerts.reach import Delivered, Undelivered

__all__ = [
    "Acknowledge",
    "Acknowledged",
    "Delivered",
    "ModelChanged",
    "OnCall",
    "Page",
    "Policy",
    "Silence",
    "Step",
    "Undelivered",
    "Unsilence",
    "step",
]

#: Nothing holds beside a policy.
NOTHING = Present()
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


Fact = Notify | Acknowledge | Silence | Unsilence | Undelivered | Delivered | ModelChanged


Effect = Page | Acknowledged


@dataclass(frozen=True)
class Step:
    """The partition after a step, the effects it owes, and when to step again."""

    state: OnCall
    effects: tuple[Effect, ...] = ()
    wake_at: datetime | None = None


def step(
    state: OnCall,
    facts: Sequence[Fact],
    policy: Policy,
    now: datetime,
    present: Present = NOTHING,
) -> Step:
    """Take in facts (perhaps none) and return the messages due to the team at `now`.

    `policy` names who is on call at `now`; see `monitoring.alerts.duty`.

    Raises `Refused` when an acknowledgement or an unsilence names an unknown alert or silence.
    """
    effects: list[Effect] = []
    for fact in facts:
        state, owed = _absorb(state, fact, now)
        effects += owed
        if isinstance(fact, ModelChanged):
            effects += changes.pages(state.team, fact, policy.changes)
    state, lapsed = acks.expire(state, policy, now)
    state, again = delivery.follow(state, policy, now)
    state, told = _forget(state, policy, now, present)
    state, pages = _settle(state, policy, now, present)
    wake_at = min(_wakes(state, policy, present), default=None)
    return Step(state, (*effects, *lapsed, *again, *told, *pages), wake_at)


def _settle(
    state: OnCall, policy: Policy, now: datetime, present: Present
) -> tuple[OnCall, tuple[Page, ...]]:
    """Bring every group up to date."""
    pages: list[Page] = []
    groups = dict(state.groups)
    for kind in sorted({e.notice.kind for e in state.alerts.values()} | {Kind(g) for g in groups}):
        entries = {n: entry for n, entry in state.alerts.items() if entry.notice.kind is kind}
        around = Around(state.rules(kind, policy), state.receivers, state.muted, now, present)
        group = groups.get(kind, Group())
        groups[kind], more = grouping.settle(state.group(kind), group, entries, around)
        pages += more
    return replace(state, groups=groups), tuple(pages)


def _wakes(state: OnCall, policy: Policy, present: Present) -> list[datetime]:
    wakes: list[datetime | None] = [silence.until for silence in state.silences]
    for kind, group in state.groups.items():
        wakes += [group.opens, grouping.climbs(group, state.rules(Kind(kind), policy), present)]
    if any(entry.firing for entry in state.alerts.values()):
        wakes.append(present.changes)
    wakes += acks.wakes(state, policy)
    wakes += [at for down in state.receivers.values() for at in reach.wakes(down)]
    return [at for at in wakes if at is not None]


def _absorb(state: OnCall, fact: Fact, now: datetime) -> tuple[OnCall, tuple[Effect, ...]]:
    match fact:
        case Notify():
            entry = merged(state.alerts.get(fact.id), fact, now)
            return replace(state, alerts={**state.alerts, fact.id: entry}), ()
        case Acknowledge():
            return _take(state, fact, now)
        case Silence():
            others = tuple(s for s in state.silences if s.id != fact.id)
            _check_news(fact, others)
            return replace(state, silences=(*others, fact)), ()
        case Unsilence():
            others = tuple(s for s in state.silences if s.id != fact.id)
            if len(others) == len(state.silences):
                raise Refused(f"{fact.id}: no such silence for team {state.team}")
            return replace(state, silences=others), ()
        case Undelivered():
            return delivery.failed(state, fact, now), ()
        case Delivered():
            return delivery.answered(state, fact)
        case ModelChanged():
            return state, ()


def _check_news(silence: Silence, others: Iterable[Silence]) -> None:
    for held in others:
        if held.covers(silence):
            told = f"silenced until {held.until:%Y-%m-%d %H:%M} UTC by {held.by} already"
            to_do = f"unsilence {held.id} first to end that sooner"
            raise Refused(f"{silence.subject}: {told}; {to_do}")


def _take(state: OnCall, fact: Acknowledge, now: datetime) -> tuple[OnCall, tuple[Effect, ...]]:
    names = [n for n in state.alerts if n == fact.alert or n.endswith(f":{fact.alert}")]
    if len(names) != 1:
        what = f"ambiguous, name one of {', '.join(sorted(names))}" if names else "no such alert"
        raise Refused(f"{fact.alert}: {what} (team {state.team})")
    entry = state.alerts[names[0]]
    if not entry.firing:
        raise Refused(f"{fact.alert}: it is resolved, since {entry.notice.at:%Y-%m-%d %H:%M} UTC")
    if entry.acknowledged_by is not None:
        raise Refused(f"{fact.alert}: it was acknowledged by {entry.acknowledged_by}")
    taken = replace(entry, acknowledged_by=fact.by, acknowledged_at=now)
    return replace(state, alerts={**state.alerts, names[0]: taken}), acks.told(taken, fact.by)


def _forget(
    state: OnCall, policy: Policy, now: datetime, present: Present
) -> tuple[OnCall, tuple[Page, ...]]:
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
    mute = duty.muted(firing, present) | muting.muted(firing, silences)
    muted = receivers.untold(kept, left) | mute
    state = replace(state, alerts=kept, silences=silences, hidden=hidden, muted=muted)
    return state, tuple(told)

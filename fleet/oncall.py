"""The on-call partition of a team: notifications in, pages out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from engine.errors import Refused
from engine.step import Step
from fleet.commands import EVERY_MODEL
from fleet.links import SILENCED
from fleet.model.effects import AckModel, OnCallEffect, SendPage
from fleet.model.facts import (
    Asked,
    Configured,
    Declined,
    Delayed,
    Digested,
    Fact,
    Followed,
    Notified,
)
from fleet.model.lines import alerting, operations
from fleet.model.lines.line import Line, write_line
from monitoring.alerts import followed, leaving, routing
from monitoring.alerts.changes import ModelChanged
from monitoring.alerts.levels import Present
from monitoring.alerts.lifecycle import Kind, Severity, Status
from monitoring.alerts.muting import Silence
from monitoring.alerts.paging import Event
from monitoring.alerts.reach import Delivered, Undelivered


def _nowhere(model: str) -> str:
    del model
    return ""


def step(
    state: routing.OnCall,
    facts: Sequence[Fact],
    policy: routing.Policy,
    now: datetime,
    elsewhere: leaving.Elsewhere = _nowhere,
    present: Present = routing.NOTHING,
) -> Step:
    """Take facts in one by one: one that is refused leaves the others alone.

    `elsewhere` tells why a model is no longer the team's: its alerts are over for the team.
    `policy` and `present` are what `monitoring.alerts.duty` says of `now`.
    """
    state = followed.lasting(state, now)
    state = replace(state, alerts=leaving.left(state.alerts, elsewhere, now))
    effects: list[OnCallEffect] = []
    lines: list[Line] = []
    wake_at: datetime | None = None
    for fact in [*facts, None]:
        try:
            opened, known = _known(state, fact, elsewhere, now)
            done = routing.step(opened, known, policy, now, present)
        except Refused as error:
            name = fact.id if isinstance(fact, Asked | Followed) else None
            lines.append(operations.Refused(str(error), name))
            continue
        state, wake_at = done.state, done.wake_at
        owed = (*done.effects, *_digest(state.team, fact, policy))
        effects += [_owed(state, effect, now) for effect in owed]
        lines += _lines(fact, owed)
    return Step(state, tuple(effects), wake_at, tuple(map(write_line, lines)))


def _known(
    state: routing.OnCall, fact: Fact | None, elsewhere: leaving.Elsewhere, now: datetime
) -> tuple[routing.OnCall, list[routing.Fact]]:
    """Return what a fact is to the team; a link is used up by what it does."""
    if isinstance(fact, Followed):
        return _followed(state, fact, elsewhere, now)
    one = _routed(fact, elsewhere, now) if fact is not None else None
    return state, [one] if one is not None else []


def _followed(
    state: routing.OnCall, fact: Followed, elsewhere: leaving.Elsewhere, now: datetime
) -> tuple[routing.OnCall, list[routing.Fact]]:
    link = fact.link
    state = followed.used(state, link.id, link.expires, now)
    if link.model and (reason := elsewhere(link.model)):
        raise Refused(f"the link is about {link.model}: {reason}")
    kind = followed.kind_of(state, link.incident)
    if link.verb == "ack":
        alerts = followed.waiting(state, kind, link.model)
        return state, [routing.Acknowledge(alert, fact.by) for alert in alerts]
    until = now + SILENCED
    return state, [followed.silence(kind, link.model, until, fact.id, fact.by, fact.reason)]


def _routed(fact: Fact, elsewhere: leaving.Elsewhere, now: datetime) -> routing.Fact | None:
    match fact:
        case Notified(notice=notice):
            firing = notice.status is Status.FIRING
            return None if firing and elsewhere(notice.model) else notice
        case Undelivered() | Delivered() | ModelChanged():
            return fact
        case Asked(verb="ack"):
            return routing.Acknowledge(fact.target, fact.by)
        case Asked(verb="silence"):
            return _silence(fact, now)
        case Asked(verb="unsilence"):
            return routing.Unsilence(fact.target, fact.by)
        case Declined() | Delayed() | Configured() | Digested():
            return None
        case _:
            raise Refused(f"an on-call partition does not take {type(fact).__name__}")


def _digest(team: str, fact: Fact | None, policy: routing.Policy) -> tuple[routing.Page, ...]:
    """Return the message of a digest, where the team still has a receiver for it."""
    if not isinstance(fact, Digested) or policy.digest is None:
        return ()
    receiver = policy.digest.receiver
    incident = f"{team}:digest-{'week-' if fact.weekly else ''}{fact.day}"
    page = routing.Page(
        key=f"{incident}:{receiver}",
        receiver=receiver,
        event=Event.DIGEST,
        severity=Severity.TICKET,
        title=fact.title,
        lines=fact.lines,
        alerts=(),
        incident=incident,
    )
    return (page,)


def _silence(asked: Asked, now: datetime) -> Silence:
    model, _, feature = asked.target.partition("/")
    matchers = asked.matchers
    if matchers.kind and matchers.kind not in set(Kind):
        raise Refused(f"silence {asked.target}: no kind {matchers.kind!r}")
    return Silence(
        id=asked.id,
        until=asked.until or now + timedelta(hours=4),
        by=asked.by,
        reason=asked.reason,
        model=None if model == EVERY_MODEL else model or None,
        feature=feature or matchers.feature or None,
        kind=Kind(matchers.kind) if matchers.kind else None,
        segment=matchers.segment or None,
    )


def _owed(state: routing.OnCall, effect: routing.Effect, now: datetime) -> OnCallEffect:
    if isinstance(effect, routing.Page):
        return SendPage(effect, now, report=effect.receiver in state.receivers)
    return AckModel(effect.key, effect.model, effect.alert, effect.by, lapsed=effect.lapsed)


def _lines(fact: Fact | None, effects: Sequence[routing.Effect]) -> list[Line]:
    lines: list[Line] = []
    match fact:
        case Notified(notice=notice):
            lines.append(
                alerting.Notified(notice.id, notice.status, notice.severity, notice.reason)
            )
        case Asked():
            lines.append(
                operations.Command(
                    fact.verb,
                    fact.by,
                    fact.reason,
                    fact.target,
                    id=fact.id,
                    matching=str(fact.matchers),
                )
            )
        case Followed(link=link):
            model = f" {link.model}" if link.model else ""
            lines.append(
                operations.Command(
                    link.verb, fact.by, fact.reason, f"{link.incident}{model}", id=fact.id
                )
            )
        case Undelivered(page=page, reason=reason, permanent=permanent):
            lines.append(
                alerting.Undelivered(page.receiver, page.event, page.incident, reason, permanent)
            )
        case Delivered(receiver=receiver, incident=incident, handle=""):
            lines.append(alerting.Delivered(receiver, incident))
        case Declined():
            lines.append(operations.Refused(fact.reason, fact.key))
    lines += [
        alerting.Page(page.receiver, page.severity, page.event, page.title)
        for page in effects
        if isinstance(page, routing.Page)
    ]
    return lines

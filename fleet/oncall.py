"""The on-call partition of a team: notifications in, pages out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from engine.errors import Refused
from engine.step import Step
from fleet.model.effects import AckModel, OnCallEffect, SendPage
from fleet.model.facts import Asked, Configured, Declined, Delayed, Fact, Notified
from fleet.model.lines import alerting, operations
from fleet.model.lines.line import Line, write_line
from monitoring.alerts import leaving, routing
from monitoring.alerts.changes import ModelChanged
from monitoring.alerts.lifecycle import Status
from monitoring.alerts.muting import Silence
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
) -> Step:
    """Take facts in one by one: one that is refused leaves the others alone.

    `elsewhere` tells why a model is no longer the team's: its alerts are over for the team.
    """
    state = replace(state, alerts=leaving.left(state.alerts, elsewhere, now))
    effects: list[OnCallEffect] = []
    lines: list[Line] = []
    wake_at: datetime | None = None
    for fact in [*facts, None]:
        try:
            known = [_routed(fact, elsewhere, now)] if fact is not None else []
            done = routing.step(state, [f for f in known if f is not None], policy, now)
        except Refused as error:
            lines.append(
                operations.Refused(str(error), fact.id if isinstance(fact, Asked) else None)
            )
            continue
        state, wake_at = done.state, done.wake_at
        effects += [_owed(state, effect, now) for effect in done.effects]
        lines += _lines(fact, done.effects)
    return Step(state, tuple(effects), wake_at, tuple(map(write_line, lines)))


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
            model, _, feature = fact.target.partition("/")
            until = fact.until or now + timedelta(hours=4)
            return Silence(
                id=fact.id, until=until, by=fact.by, reason=fact.reason, model=model or None,
                feature=feature or None,
            )  # fmt: skip
        case Asked(verb="unsilence"):
            return routing.Unsilence(fact.target, fact.by)
        case Declined() | Delayed() | Configured():
            return None
        case _:
            raise Refused(f"an on-call partition does not take {type(fact).__name__}")


def _owed(state: routing.OnCall, effect: routing.Effect, now: datetime) -> OnCallEffect:
    if isinstance(effect, routing.Page):
        return SendPage(effect, now, report=effect.receiver in state.receivers)
    return AckModel(effect.key, effect.model, effect.alert, effect.by)


def _lines(fact: Fact | None, effects: Sequence[routing.Effect]) -> list[Line]:
    lines: list[Line] = []
    match fact:
        case Notified(notice=notice):
            lines.append(
                alerting.Notified(notice.id, notice.status, notice.severity, notice.reason)
            )
        case Asked():
            lines.append(
                operations.Command(fact.verb, fact.by, fact.reason, fact.target, id=fact.id)
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

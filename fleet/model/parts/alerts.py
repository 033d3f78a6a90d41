"""Signals become alerts; an alert that changes is told to the team."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from engine.errors import Refused
from engine.store import instant
from fleet.model.effects import Publish, Tell
from fleet.model.facts import LAPSED, Asked, Configured, Declined
from fleet.model.lines import alerting, operations
from fleet.model.part import Part, take
from fleet.model.report_links import named
from fleet.model.signals.catalogue import REFUSED, REFUSED_SPLIT, of_effect, signal_of
from fleet.model.turn import Turn
from fleet.published import Event, Fields
from monitoring.alerts import lifecycle, transitions
from monitoring.alerts.lifecycle import Condition, Phase, Severity
from monitoring.drift import why
from monitoring.finding import Finding

#: How long before an alert the window that it is about began, at most.
WINDOW = timedelta(days=2)
#: What is reported at the very moment of a notification is still named in it.
MOMENT = timedelta(microseconds=1)


def follow(turn: Turn) -> None:
    """Bring every alert up to date with its signal."""
    policy = turn.watched.policy.alerts
    for key, condition in sorted(turn.alerting.signals.items()):
        known = turn.alerting.alerts.get(key)
        news_for = signal_of(key).news_for
        if news_for is not None and known is not None and turn.now >= known.since + news_for:
            turn.settle(key)
            condition = turn.alerting.signals[key]
        condition = _with_changes(turn, condition, known)
        step = transitions.step(known, condition, policy, turn.now)
        turn.wake(step.wake_at)
        if news_for is not None and condition.active and step.alert is not None:
            turn.wake(step.alert.since + news_for)
        if step.alert is not None and step.alert != known:
            turn.alerting = replace(turn.alerting, alerts={**turn.alerting.alerts, key: step.alert})
        for notice in step.effects:
            _tell(turn, notice)
        turn.notices += [(notice, known) for notice in step.effects]
        _say_alert(turn, known, step.alert)


def _with_changes(turn: Turn, said: Condition, known: lifecycle.Alert | None) -> Condition:
    """Add the changes that were reported around an alert, up to its newest notification.

    A signal about windows, which draws a report, looks back over the window's day, too.
    """
    if not said.active:
        return said
    since = known.since if known is not None and known.phase is not Phase.RESOLVED else turn.now
    lead = why.LEAD + (WINDOW if signal_of(said.key).report else timedelta(0))
    around = why.just_before(turn.model.happened, since, turn.now + MOMENT, lead)
    words = why.changed(around)
    return replace(said, lines=(*said.lines, words)) if words else said


def configured(turn: Turn, fact: Configured) -> Configured:
    """Tell the team of every live alert, which another team may have had before."""
    for alert in turn.alerting.live if fact.policy else ():
        notice = named(transitions.notice(alert, lifecycle.Status.FIRING, turn.now))
        turn.owe(Tell(turn.watched.policy.team, notice, again=f":{instant(turn.now)}"))
    return fact


def _tell(turn: Turn, notice: lifecycle.Notify) -> None:
    turn.owe(Tell(turn.watched.policy.team, named(notice)))
    said: Fields = {
        "alert": notice.alert,
        "kind": notice.kind,
        "severity": notice.severity,
        "reason": notice.reason,
        "features": notice.features,
    }
    turn.owe(Publish(f"alert:{notice.key}", Event(f"alert.{notice.status}"), said, turn.now))


def _say_alert(turn: Turn, before: lifecycle.Alert | None, after: lifecycle.Alert | None) -> None:
    if after is None or (before is not None and _shown(before) == _shown(after)):
        return
    if before is None and after.phase is lifecycle.Phase.INACTIVE:
        return
    turn.say(alerting.Alert.of(after))


def _shown(alert: lifecycle.Alert) -> tuple[object, ...]:
    return alert.phase, alert.ordinal, alert.severity, alert.explained_by


def declined(turn: Turn, fact: Declined) -> Declined:
    """Signal that an effect was refused for good; the day for which it is news begins again."""
    key = of_effect(REFUSED, fact.effect)
    severity = Severity.PAGE if key == REFUSED_SPLIT else Severity.TICKET
    turn.signal(Finding(key, True, f"{fact.effect} was refused: {fact.reason}", severity))
    known = turn.alerting.alerts.get(key)
    if known is not None:
        turn.alerting = replace(
            turn.alerting, alerts={**turn.alerting.alerts, key: replace(known, since=turn.now)}
        )
    return fact


def acknowledged(turn: Turn, fact: Asked) -> Asked:
    """Take an alert's acknowledgement by an operator, or note that it expired."""
    if fact.verb not in ("ack", LAPSED):
        return fact
    key = lifecycle.key_of(fact.target)
    policy, known = turn.watched.policy.alerts, turn.alerting.alerts.get(key)
    try:
        if fact.verb == LAPSED:
            done = transitions.lapse(known, fact.target, policy, turn.now)
        else:
            done = transitions.acknowledge(known, fact.target, fact.by, policy)
    except Refused as error:
        turn.say(operations.Refused(str(error), fact.id))
        return fact
    if done.alert is not None:
        turn.alerting = replace(turn.alerting, alerts={**turn.alerting.alerts, key: done.alert})
    return fact


PART = Part(
    "alerts",
    (take(Configured, configured), take(Asked, acknowledged), take(Declined, declined)),
    follow,
)

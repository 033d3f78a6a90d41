"""Alerts of Azure Monitor on the model's resources: each is journalled, loud ones become alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from engine.store import instant
from fleet.model.facts import AzureAlerted, Configured
from fleet.model.lines import alerting
from fleet.model.part import Part, take
from fleet.model.signals.catalogue import AZURE
from fleet.model.turn import Turn
from monitoring.alerts import azure
from monitoring.alerts.azure import AzureAlert, Phase
from monitoring.alerts.lifecycle import Severity
from monitoring.drift import why
from monitoring.finding import Finding

#: Rules with an alert of their own; the senders choose names, and an alert's key is kept for good.
MOST = 20
OTHERS = f"{AZURE}other-rules"
UNRESOLVED = "Azure Monitor did not resolve it"


def alerted(turn: Turn, fact: AzureAlerted) -> AzureAlerted:
    """Take in that an alert fired or was resolved, in whatever order that arrives."""
    at = min(fact.at or turn.now, turn.now)
    seen = AzureAlert(
        fact.rule, fact.severity, fact.phase, fact.target, fact.description, at, fact.stateless
    )
    _take(turn, fact.id, seen, at, fact.description)
    return fact


def configured(turn: Turn, fact: Configured) -> Configured:
    """Judge the alerts that fire by the policy that holds now."""
    for rule in sorted({one.rule for one in turn.alerting.azure.values()}):
        _signal(turn, _key(turn, rule))
    return fact


def follow(turn: Turn) -> None:
    """End the alerts that nobody will resolve, and wake for the next one."""
    for name in azure.ended(turn.alerting.azure, turn.now):
        over = replace(turn.alerting.azure[name], phase=Phase.RESOLVED)
        _take(turn, name, over, turn.now, UNRESOLVED)
    for one in turn.alerting.azure.values():
        if one.phase is Phase.FIRED:
            turn.wake(one.ends)


def _take(turn: Turn, name: str, seen: AzureAlert, at: datetime, reason: str) -> None:
    before = turn.alerting.azure
    after = azure.step(before, name, seen)
    if after is None:
        return
    turn.alerting = replace(turn.alerting, azure=after)
    turn.say(
        alerting.AzureAlert(seen.rule, seen.phase, seen.severity, seen.target, instant(at), reason)
    )
    forgotten = (before[gone].rule for gone in before.keys() - after.keys())
    for rule in (seen.rule, *forgotten):
        _signal(turn, _key(turn, rule))


def _key(turn: Turn, rule: str) -> str:
    own, known = AZURE + azure.slug(rule), turn.alerting.signals
    room = sum(key.startswith(AZURE) for key in known) < MOST
    return own if own in known or room else OTHERS


def _signal(turn: Turn, key: str) -> None:
    """Say what the alerts behind a key come to: the loudest one that fires, and how many do."""
    firing = [
        (loudness, one)
        for one in turn.alerting.azure.values()
        if one.phase is Phase.FIRED and _key(turn, one.rule) == key
        if (loudness := turn.watched.policy.azure_alerts.loudness(one.severity)) is not None
    ]
    if not firing:
        turn.settle(key)
        return
    firing.sort(key=lambda one: (one[0] is not Severity.PAGE, one[1].severity, one[1].fired))
    loudness, first = firing[0]
    turn.signal(Finding(key, True, _reason(first, len(firing)), loudness, lines=_lines(turn)))


def _reason(first: AzureAlert, number: int) -> str:
    told = f"Azure Monitor: {first.rule} fired ({first.severity}) on {first.target}"
    more = f", and {number - 1} more" if number > 1 else ""
    return f"{told}{more}{f': {first.description}' if first.description else ''}"


def _lines(turn: Turn) -> tuple[str, ...]:
    """What was noted around the model just before; the alert itself is not among it yet."""
    words = why.told(why.just_before(turn.model.happened, turn.now, turn.now))
    return (words,) if words else ()


PART = Part(
    "alerts of Azure Monitor",
    (take(AzureAlerted, alerted), take(Configured, configured)),
    follow,
)

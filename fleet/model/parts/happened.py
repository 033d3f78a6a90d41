"""Recent happenings around a model, from its own journal lines: possible causes of drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from engine.store import instant
from fleet.model import changes
from fleet.model.facts import Asked, Noted
from fleet.model.happenings import happening
from fleet.model.lines import alerting, operations
from fleet.model.lines.line import Line
from fleet.model.part import Part, take
from fleet.model.turn import Turn
from monitoring.drift.why import Happening

KEPT = 20
#: Changes that are kept beside those: whoever reports many drops none of the model's own.
REPORTED = 50
REPEAT = timedelta(minutes=10)


def remember(turn: Turn, lines: Sequence[Line]) -> None:
    """Keep the happenings in these lines, except repeats of the newest one of their kind.

    Of an alert of Azure Monitor, which may fire every few minutes, the last time is kept.
    """
    for line in lines:
        found = happening(line, turn.now)
        if found is None:
            continue
        known = turn.model.happened
        if found.reported:
            turn.model = replace(turn.model, happened=_reported(known, found, turn.now))
            continue
        kind = found.what.split(" ", 1)[0]
        before = next((one for one in reversed(known) if one.what.startswith(f"{kind} ")), None)
        repeats = isinstance(line, operations.Noted | alerting.AzureAlert)
        again = before is not None and before.what == found.what
        if again and (not repeats or (before is not None and before.at == found.at)):
            continue
        if isinstance(line, alerting.AzureAlert):
            known = tuple(one for one in known if one.what != found.what)
        own = tuple(one for one in known if not one.reported)
        told = tuple(one for one in known if one.reported)
        turn.model = replace(turn.model, happened=(*told, *(*own, found)[-KEPT:]))


def _reported(known: Sequence[Happening], found: Happening, now: datetime) -> tuple[Happening, ...]:
    """Return the happenings with a reported one; of too many that go first which ended first."""
    own = [one for one in known if not one.reported]
    told = [one for one in known if one.reported and not _same(one, found)] + [found]
    while len(told) > REPORTED:
        told.remove(min(told, key=lambda one: min(one.end, now)))
    return (*told, *own)


def _same(one: Happening, other: Happening) -> bool:
    """Tell whether two reports tell of one change: some senders announce it twice."""
    return (one.what, one.until) == (other.what, other.until) and abs(one.at - other.at) < REPEAT


def noted(turn: Turn, fact: Noted) -> Noted:
    """Journal something that was noted around the model."""
    at = instant(fact.at) if fact.at else None
    until = instant(fact.until) if fact.until else ""
    turn.say(operations.Noted(fact.type, fact.subject, at, fact.change, fact.by, until))
    return fact


def asked(turn: Turn, fact: Asked) -> Asked:
    """Journal the change that an operator reports."""
    if fact.verb == "note":
        noted(turn, changes.asked(fact))
    return fact


PART = Part("happened", (take(Noted, noted), take(Asked, asked)))

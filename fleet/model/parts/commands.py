"""Operators' commands: each is refused with its reason, or journalled and handed on."""

from __future__ import annotations

from dataclasses import replace

from fleet.model.facts import Asked
from fleet.model.lines import operations
from fleet.model.objections import objection
from fleet.model.part import Part, take
from fleet.model.turn import Turn
from monitoring.calendars import Freeze


def asked(turn: Turn, fact: Asked) -> Asked | None:
    """Refuse a command that does not apply now; write another down, and freeze or unfreeze."""
    reason = objection(turn, fact)
    if reason:
        turn.say(operations.Refused(reason, fact.id))
        return None
    turn.say(operations.Command(fact.verb, fact.by, fact.reason, fact.target, id=fact.id))
    match fact.verb:
        case "freeze" if fact.until is not None:
            freeze = Freeze(fact.until, fact.by, fact.reason)
            turn.model = replace(turn.model, freezes=(*turn.model.freezes, freeze))
        case "unfreeze":
            turn.model = replace(turn.model, freezes=())
    return fact


def follow(turn: Turn) -> None:
    """Wake at the end of every freeze."""
    for freeze in turn.model.freezes:
        turn.wake(freeze.until)


PART = Part("commands", (take(Asked, asked),), follow)

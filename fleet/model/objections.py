"""Why an operator's command does not apply to a model as it is now.

A command names its object. It is refused where the object is not there, is not in a state in which
the command applies, or where nothing would change.
"""

from __future__ import annotations

from engine.errors import Refused
from engine.store import instant
from fleet.model import changes
from fleet.model.facts import Asked
from fleet.model.turn import Turn
from monitoring import calendars
from retrain.rollout.state import Phase, Rollout


def objection(turn: Turn, fact: Asked) -> str:
    """Return the reason; empty where the command applies."""
    match fact.verb:
        case "retrain":
            return _retrain(turn)
        case "cancel":
            return "" if turn.training.active is not None else "no training run is under way"
        case "freeze":
            return _freeze(turn, fact)
        case "unfreeze":
            frozen = calendars.frozen(turn.model.freezes, turn.now)
            return "" if frozen is not None else "no freeze is in force"
        case "approve":
            return _approve(turn, fact)
        case "rollback":
            return _rollback(turn, fact)
        case "reference":
            return _reference(turn, fact)
        case "note":
            return _note(fact)
        case _:
            return ""


def _note(fact: Asked) -> str:
    try:
        changes.asked(fact)
    except Refused as error:
        return str(error)
    return ""


def _retrain(turn: Turn) -> str:
    if turn.watched.policy.training is None:
        return f"fleet.yaml has no training for {turn.watched.name}"
    freeze = calendars.frozen(turn.model.freezes, turn.now)
    if freeze is not None:
        until = instant(freeze.until)[:16]
        return f"{turn.watched.name} is frozen until {until}Z by {freeze.by}: unfreeze it first"
    return ""


def _freeze(turn: Turn, fact: Asked) -> str:
    if fact.until is None:
        return ""
    if fact.until <= turn.now:
        return f"the freeze would have ended already, at {instant(fact.until)[:16]}Z"
    held = calendars.frozen(turn.model.freezes, turn.now)
    if held is not None and held.until >= fact.until:
        until = instant(held.until)[:16]
        told = f"is frozen until {until}Z by {held.by} already"
        return f"{turn.watched.name} {told}; unfreeze it first to end that sooner"
    return ""


def _approve(turn: Turn, fact: Asked) -> str:
    active = turn.promotion.active
    if active is None or not _named(turn, fact, active):
        return _no_rollout(turn, fact)
    if not turn.watched.rules.rollout.approval:
        return f"rollout.approval is false: {active.id} waits for no approval"
    if active.approved_by:
        return f"{active.id} was approved already, by {', '.join(active.approved_by)}"
    if active.phase not in (Phase.waiting, Phase.shadow):
        return f"{active.id} is past its approval: it is in phase {active.phase}"
    return ""


def _rollback(turn: Turn, fact: Asked) -> str:
    active = turn.promotion.active
    if active is None or not _named(turn, fact, active):
        return _no_rollout(turn, fact)
    return ""


def _reference(turn: Turn, fact: Asked) -> str:
    if not turn.model.champion:
        return "no version serves yet"
    known = turn.windows
    if fact.days and not (known.reference and known.counted(*fact.days)):
        return f"no day from {fact.days[0]} to {fact.days[1]} has counts"
    return ""


def _named(turn: Turn, fact: Asked, active: Rollout) -> bool:
    """Tell whether a command means the rollout under way: by its name, or by its model's."""
    return fact.target in ("", turn.watched.name, active.id)


def _no_rollout(turn: Turn, fact: Asked) -> str:
    active, last = turn.promotion.active, turn.promotion.rollout
    if active is not None:
        return f"{fact.target} is not under way; {active.id} is, in phase {active.phase}"
    if last is None:
        return f"{turn.watched.name} never had a rollout"
    return f"no rollout is under way; the last one, {last.id}, ended as {last.phase}"

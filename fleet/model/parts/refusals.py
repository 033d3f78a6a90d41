"""Refusals and delays: what was refused for good is journalled, what waits long is told."""

from __future__ import annotations

from fleet.model.facts import Declined, Delayed, Parked
from fleet.model.lines import operations
from fleet.model.part import Part, take
from fleet.model.signals.catalogue import DELAYED, of_effect
from fleet.model.turn import Turn
from monitoring.finding import Finding


def declined(turn: Turn, fact: Declined) -> Declined:
    """Journal that an effect was refused for good; the part that owed it continues from that."""
    turn.say(operations.Refused(fact.reason, fact.key))
    turn.count("declined")
    turn.settle(of_effect(DELAYED, fact.effect))
    return fact


def delayed(turn: Turn, fact: Delayed) -> Delayed:
    """Signal an effect that waits for a service, until one of its kind is done."""
    key = of_effect(DELAYED, fact.effect)
    if fact.reason:
        turn.signal(Finding(key, True, f"{fact.effect} waits: {fact.reason}"))
    else:
        turn.settle(key)
    return fact


def parked(turn: Turn, fact: Parked) -> Parked:
    """Journal an event or a message that could not be taken in."""
    turn.say(operations.Parked(fact.id, fact.reason))
    return fact


PART = Part("refusals", (take(Declined, declined), take(Delayed, delayed), take(Parked, parked)))

"""Refusals: parked events and effects that are refused for good are journalled."""

from __future__ import annotations

from fleet.model.facts import Declined, Parked
from fleet.model.lines import operations
from fleet.model.part import Part, take
from fleet.model.turn import Turn


def declined(turn: Turn, fact: Declined) -> Declined:
    """Journal that an effect was refused for good; the part that owed it continues from that."""
    turn.say(operations.Refused(fact.reason, fact.key))
    turn.count("declined")
    return fact


def parked(turn: Turn, fact: Parked) -> Parked:
    """Journal an event or a message that could not be taken in."""
    turn.say(operations.Parked(fact.id, fact.reason))
    return fact


PART = Part("refusals", (take(Declined, declined), take(Parked, parked)))

"""Refusals: events that were parked and effects that will never be paid are written down."""

from __future__ import annotations

from fleet.model.facts import Declined, Parked
from fleet.model.lines import operations
from fleet.model.part import Part, take
from fleet.model.turn import Turn


def declined(turn: Turn, fact: Declined) -> Declined:
    """Write down that an effect was refused for good; its owner goes on from that."""
    turn.say(operations.Refused(fact.reason, fact.key))
    turn.count("declined")
    return fact


def parked(turn: Turn, fact: Parked) -> Parked:
    """Write down what could not be taken in."""
    turn.say(operations.Parked(fact.id, fact.reason))
    return fact


PART = Part("refusals", (take(Declined, declined), take(Parked, parked)))

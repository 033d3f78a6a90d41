"""The fleet's own partition: unknown events, parked messages, and the anchors of all journals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import Refused
from engine.step import Step
from fleet.model.effects import Effect, KeepAnchors, Publish
from fleet.model.facts import Anchored, Declined, Fact, Parked, Unrecognised
from fleet.model.lines import operations
from fleet.model.lines.line import Line, write_line
from fleet.published import Event, Fields


@dataclass(frozen=True)
class Desk:
    """The state of the fleet's own partition: event types met that nobody knows, things parked."""

    types: tuple[str, ...] = ()
    parked: int = 0


def step(state: Desk, facts: Sequence[Fact]) -> Step:
    """Take the facts in; anchors are published and kept beside the store."""
    lines: list[Line] = []
    effects: list[Effect] = []
    types, parked = state.types, state.parked
    for fact in facts:
        match fact:
            case Unrecognised(type=kind, source=source):
                if kind not in types:
                    types = (*types, kind)
                    lines.append(operations.Unknown(kind, source))
            case Parked(id=name, reason=reason):
                parked += 1
                lines.append(operations.Parked(name, reason))
            case Anchored():
                effects += _told(fact)
            case Declined(key=key, reason=reason):
                lines.append(operations.Refused(reason, key))
            case _:
                raise Refused(f"the fleet's partition does not take {type(fact).__name__}")
    return Step(Desk(types, parked), tuple(effects), None, tuple(map(write_line, lines)))


def _told(fact: Anchored) -> tuple[Effect, ...]:
    fields: Fields = {"hour": fact.hour, "part": fact.part, "anchors": fact.anchors}
    key = f"anchored:{fact.hour}:{fact.part}"
    return (
        KeepAnchors(fact.hour, fact.part, fact.anchors),
        Publish(key, Event.JOURNAL_ANCHORED, fields, fact.at),
    )

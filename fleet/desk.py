"""The fleet's own partition: input that no model takes, and the anchors of all journals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.errors import Refused
from engine.step import Step
from fleet.model.effects import Effect, KeepAnchors, Publish, Tell
from fleet.model.facts import Anchored, Asked, Declined, Delayed, Fact, Parked, Unrecognised
from fleet.model.lines import alerting, operations
from fleet.model.lines.line import Line, write_line
from fleet.partitions import FLEET
from fleet.published import Event, Fields
from monitoring.alerts import lifecycle, transitions
from monitoring.alerts.lifecycle import Alert, Condition, Kind, Severity

REFUSED = "refused"
#: Unknown types that are remembered; the sender of an event chooses its type.
KEPT = 50
#: The ticket ends a day after the last refusal.
POLICY = lifecycle.Policy(resolve_after=timedelta(days=1), renotify=timedelta(days=7))


@dataclass(frozen=True)
class Desk:
    """The last types of events that nobody knows, the number of refused inputs, and the alert."""

    types: tuple[str, ...] = ()
    parked: int = 0
    alert: Alert | None = None


def step(state: Desk, facts: Sequence[Fact], teams: Sequence[str], now: datetime) -> Step:
    """Journal what could not be taken in, and open one ticket for each team.

    Anchors are published and kept beside the store.

    Raises
    ------
    Refused
        The partition does not take a fact, or the acknowledged alert never fired.
    """
    taken = _Taken(state.types, state.alert)
    for fact in facts:
        taken.take(fact)
    done = transitions.step(taken.alert, _condition(taken.reasons), POLICY, now)
    effects = (*taken.effects, *(Tell(team, told) for told in done.effects for team in teams))
    lines = (*taken.lines, *_said(taken.alert, done.alert))
    after = Desk(taken.types[-KEPT:], state.parked + taken.parked, done.alert)
    return Step(after, effects, done.wake_at, tuple(map(write_line, lines)))


@dataclass
class _Taken:
    """What the facts of one step come to; `reasons` are those for which a ticket is opened."""

    types: tuple[str, ...]
    alert: Alert | None
    parked: int = 0
    reasons: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def take(self, fact: Fact) -> None:
        """Take one fact in."""
        match fact:
            case Unrecognised(type=kind, source=source):
                if kind not in self.types:
                    self.types = (*self.types, kind)
                    self.lines.append(operations.Unknown(kind, source))
            case Parked(id=name, reason=reason):
                self.parked += 1
                said = f"{name}: {reason}" if name else reason
                self.reasons.append(f"input is refused: {said}")
                self.lines.append(operations.Parked(name, reason))
            case Anchored():
                self.effects += _published(fact)
            case Delayed(effect=effect, reason=reason):
                if reason:
                    self.reasons.append(f"{effect} waits: {reason}")
            case Declined(key=key, reason=reason):
                self.lines.append(operations.Refused(reason, key))
            case Asked(verb="ack"):
                done = transitions.acknowledge(self.alert, fact.target, fact.by, POLICY)
                self.alert = done.alert
                self.lines.append(
                    operations.Command(fact.verb, fact.by, fact.reason, fact.target, id=fact.id)
                )
            case _:
                raise Refused(f"the fleet's partition does not take {type(fact).__name__}")


def _condition(reasons: Sequence[str]) -> Condition:
    reason = reasons[-1] if reasons else "no input is refused, and no effect waits"
    return Condition(FLEET, REFUSED, Kind.RUN, bool(reasons), reason, Severity.TICKET)


def _said(before: Alert | None, after: Alert | None) -> list[Line]:
    if after is None or (before is not None and before.phase is after.phase):
        return []
    return [alerting.Alert.of(after)]


def _published(fact: Anchored) -> tuple[Effect, ...]:
    fields: Fields = {"hour": fact.hour, "part": fact.part, "anchors": fact.anchors}
    key = f"anchored:{fact.hour}:{fact.part}"
    return (
        KeepAnchors(fact.hour, fact.part, fact.anchors),
        Publish(key, Event.JOURNAL_ANCHORED, fields, fact.at),
    )

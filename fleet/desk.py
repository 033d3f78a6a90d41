"""The fleet's own partition: input that no model takes, and the anchors of all journals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
#: The ticket ends a day after the last refusal.
POLICY = lifecycle.Policy(resolve_after=timedelta(days=1), renotify=timedelta(days=7))


@dataclass(frozen=True)
class Desk:
    """The types of events that nobody knows, the number of refused inputs, and their alert."""

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
    types, alert = state.types, state.alert
    lines: list[Line] = []
    refused: list[str] = []
    effects: list[Effect] = []
    for fact in facts:
        match fact:
            case Unrecognised(type=kind, source=source):
                if kind not in types:
                    types = (*types, kind)
                    lines.append(operations.Unknown(kind, source))
            case Parked(id=name, reason=reason):
                refused.append(f"{name}: {reason}" if name else reason)
                lines.append(operations.Parked(name, reason))
            case Anchored():
                effects += _told(fact)
            case Delayed(effect=effect, key=key, reason=reason):
                if reason:
                    refused.append(f"{effect} waits: {reason}")
                    lines.append(operations.Refused(f"{effect} waits: {reason}", key))
            case Declined(key=key, reason=reason):
                lines.append(operations.Refused(reason, key))
            case Asked(verb="ack"):
                alert = transitions.acknowledge(alert, fact.target, fact.by, POLICY).alert
                lines.append(
                    operations.Command(fact.verb, fact.by, fact.reason, fact.target, id=fact.id)
                )
            case _:
                raise Refused(f"the fleet's partition does not take {type(fact).__name__}")
    done = transitions.step(alert, _condition(refused), POLICY, now)
    effects += [Tell(team, notice) for notice in done.effects for team in teams]
    lines += _said(alert, done.alert)
    after = Desk(types, state.parked + len(refused), done.alert)
    return Step(after, tuple(effects), done.wake_at, tuple(map(write_line, lines)))


def _condition(refused: Sequence[str]) -> Condition:
    reason = f"input is refused: {refused[-1]}" if refused else "no input is refused"
    return Condition(FLEET, REFUSED, Kind.RUN, bool(refused), reason, Severity.TICKET)


def _said(before: Alert | None, after: Alert | None) -> list[Line]:
    if after is None or before == after or (before and before.phase is after.phase):
        return []
    return [
        alerting.Alert(
            after.id,
            after.phase,
            after.kind,
            after.severity,
            after.reason,
            after.features,
            after.explained_by,
        )
    ]


def _told(fact: Anchored) -> tuple[Effect, ...]:
    fields: Fields = {"hour": fact.hour, "part": fact.part, "anchors": fact.anchors}
    key = f"anchored:{fact.hour}:{fact.part}"
    return (
        KeepAnchors(fact.hour, fact.part, fact.anchors),
        Publish(key, Event.JOURNAL_ANCHORED, fields, fact.at),
    )

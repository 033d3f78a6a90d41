"""The fleet's own partition: refused input, trouble of the host, anchors, the teams' digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.errors import Refused
from engine.step import Step
from fleet.model.effects import Effect, KeepAnchors, Publish, Tell, WriteDigest
from fleet.model.facts import (
    LAPSED,
    Anchored,
    Asked,
    Configured,
    Declined,
    Delayed,
    Documented,
    Fact,
    Noticed,
    Parked,
    Unrecognised,
)
from fleet.model.lines import alerting, operations
from fleet.model.lines.line import Line, write_line
from fleet.partitions import FLEET
from fleet.published import Event, Fields
from monitoring.alerts import digest, lifecycle, transitions
from monitoring.alerts.digest import Told
from monitoring.alerts.lifecycle import Alert, Condition, Kind, Severity

REFUSED, HOST, DOCUMENT = "refused", "host", "document"
#: Unknown types that are remembered; the sender of an event chooses its type.
KEPT = 50
NO_PLANS: Mapping[str, digest.Policy] = {}
#: A ticket ends a day after the last occurrence.
POLICY = lifecycle.Policy(resolve_after=timedelta(days=1), renotify=timedelta(days=7))
#: A faulty document stays one until the next is read.
UNTIL_READ = lifecycle.Policy(resolve_after=timedelta(0), renotify=timedelta(days=7))


@dataclass(frozen=True)
class Desk:
    """The last types of events that nobody knows, the number of refused inputs, and the alerts.

    `document` is the version of fleet.yaml that holds, where it can change while the app runs, and
    the fault of a changed one. `digests` are the last of each team that has some.
    """

    types: tuple[str, ...] = ()
    parked: int = 0
    alerts: dict[str, Alert] = field(default_factory=dict)
    document: Documented | None = None
    digests: dict[str, Told] = field(default_factory=dict)


@dataclass
class _Taken:
    """What the facts of one step come to; `news` are new reasons by alert."""

    types: tuple[str, ...]
    alerts: dict[str, Alert]
    document: Documented | None
    lines: list[Line] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    news: dict[str, list[str]] = field(default_factory=lambda: {REFUSED: [], HOST: []})

    def take(self, fact: Fact, now: datetime) -> None:
        """Take one fact in; Refused where the partition does not take it."""
        match fact:
            case Unrecognised(type=kind, source=source):
                if kind not in self.types:
                    self.types = (*self.types, kind)
                    self.lines.append(operations.Unknown(kind, source))
            case Parked(id=name, reason=reason):
                self.news[REFUSED].append(f"{name}: {reason}" if name else reason)
                self.lines.append(operations.Parked(name, reason))
            case Noticed(id=name, reason=reason):
                self._notice(name, reason)
            case Documented(version=version, fault=fault):
                if fact != self.document:
                    self.document = fact
                    self.lines.append(operations.Documented(version, fault))
            case Delayed(effect=effect, key=key, reason=reason):
                if reason:
                    self._notice(key, f"{effect} waits: {reason}")
            case Configured():
                pass
            case Anchored():
                self.effects += _told(fact)
            case Declined(effect="write_digest", key=key, reason=reason):
                self._notice(key, f"a digest could not be made: {reason}")
            case Declined(key=key, reason=reason):
                self.lines.append(operations.Refused(reason, key))
            case Asked(verb=verb) if verb in ("ack", LAPSED):
                self.alerts |= _acknowledged(self.alerts, fact, now)
                self.lines.append(
                    operations.Command(fact.verb, fact.by, fact.reason, fact.target, id=fact.id)
                )
            case _:
                raise Refused(f"the fleet's partition does not take {type(fact).__name__}")

    def _notice(self, name: str, reason: str) -> None:
        self.news[HOST].append(reason)
        self.lines.append(operations.Noticed(name, reason))


def step(
    state: Desk,
    facts: Sequence[Fact],
    teams: Sequence[str],
    now: datetime,
    plans: Mapping[str, digest.Policy] = NO_PLANS,
) -> Step:
    """Journal the facts; refused input and trouble of the host are one ticket each for every team.

    Anchors are published and kept beside the store. `plans` are the digests by team.

    Raises
    ------
    Refused
        The partition does not take a fact, or the acknowledged alert never fired.
    """
    taken = _Taken(state.types, dict(state.alerts), state.document)
    for fact in facts:
        taken.take(fact, now)
    wakes = []
    fault = taken.document.fault if taken.document is not None else ""
    for key, said in {**taken.news, DOCUMENT: [fault] if fault else []}.items():
        known = taken.alerts.get(key)
        policy = UNTIL_READ if key == DOCUMENT else POLICY
        done = transitions.step(known, _condition(key, said), policy, now)
        taken.effects += [Tell(team, notice) for notice in done.effects for team in teams]
        taken.lines += _said(known, done.alert)
        taken.alerts |= {key: done.alert} if done.alert is not None else {}
        wakes += [done.wake_at] if done.wake_at is not None else []
    parked = state.parked + len(taken.news[REFUSED])
    digests = {
        team: digest.step(state.digests.get(team), plan, now) for team, plan in plans.items()
    }
    for team, found in digests.items():
        taken.effects += [_digest(team, due) for due in found.due]
        wakes.append(found.wake_at)
    told = {team: found.told for team, found in digests.items()}
    after = Desk(taken.types[-KEPT:], parked, taken.alerts, taken.document, told)
    lines = tuple(map(write_line, taken.lines))
    return Step(after, tuple(taken.effects), min(wakes, default=None), lines)


def _digest(team: str, due: digest.Due) -> WriteDigest:
    return WriteDigest(team, due.day, due.since, due.until, due.missed, due.weekly)


def _condition(key: str, said: Sequence[str]) -> Condition:
    reason = said[-1] if said else ""
    text = f"input is refused: {reason}" if key == REFUSED else reason
    return Condition(FLEET, key, Kind.RUN, bool(said), text, Severity.TICKET)


def _acknowledged(alerts: Mapping[str, Alert], fact: Asked, now: datetime) -> dict[str, Alert]:
    key = lifecycle.key_of(fact.target)
    if fact.verb == LAPSED:
        done = transitions.lapse(alerts.get(key), fact.target, POLICY, now)
    else:
        done = transitions.acknowledge(alerts.get(key), fact.target, fact.by, POLICY)
    return {key: done.alert} if done.alert is not None else {}


def _said(before: Alert | None, after: Alert | None) -> list[Line]:
    if after is None or (before is not None and before.phase is after.phase):
        return []
    return [alerting.Alert.of(after)]


def _told(fact: Anchored) -> tuple[Effect, ...]:
    fields: Fields = {"hour": fact.hour, "part": fact.part, "anchors": fact.anchors}
    key = f"anchored:{fact.hour}:{fact.part}"
    return (
        KeepAnchors(fact.hour, fact.part, fact.anchors),
        Publish(key, Event.JOURNAL_ANCHORED, fields, fact.at),
    )

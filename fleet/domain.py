"""The domain that the loop drives: the step of each partition and the payment of each effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, assert_never

from engine.codec import kind_of
from engine.errors import Refused, Unavailable
from engine.step import Delivery, Step
from engine.store import instant
from fleet import desk, moved, oncall
from fleet.desk import Desk
from fleet.digests import reading as digests
from fleet.document.policies import Fleet
from fleet.model import step
from fleet.model.effects import EFFECTS, Effect, SendPage, WriteDigest
from fleet.model.facts import (
    FACTS,
    Configured,
    Declined,
    Delayed,
    Fact,
    Notified,
    Parked,
)
from fleet.model.lines import operations
from fleet.model.lines.line import Line, write_line
from fleet.model.state import Model
from fleet.model.upgrade import FORMAT, upgrade
from fleet.partitions import FLEET, ONCALL
from fleet.perform import perform
from fleet.ports import World
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from monitoring.alerts.reach import Delivered, Undelivered
from monitoring.alerts.routing import OnCall

DORMANT_FOR = timedelta(hours=1)
#: Failed attempts at a page from one report to the next.
TRIES = 10
#: Failed attempts at another effect from one report to the next: some 40 minutes, then hours.
LONG = 6


State = Model | OnCall | Desk


class FleetDomain:
    """`engine.step.Domain` for models, on-call teams, and the fleet itself."""

    version = FORMAT
    facts = FACTS
    effects = EFFECTS

    def __init__(self, fleet: Fleet, world: World) -> None:
        self.fleet = fleet
        self.world = world

    def shape(self, partition: str) -> type[State]:
        """See `engine.step.Domain`."""
        if partition == FLEET:
            return Desk
        return OnCall if partition.startswith(ONCALL) else Model

    def upgrade(self, partition: str, version: int, stored: dict[str, Any]) -> dict[str, Any]:
        """See `engine.step.Domain`; only models have changed their format so far."""
        return upgrade(version, stored) if self.shape(partition) is Model else stored

    def initial(self, partition: str) -> State:
        """See `engine.step.Domain`."""
        if partition == FLEET:
            return Desk()
        if partition.startswith(ONCALL):
            return OnCall(partition.removeprefix(ONCALL))
        return Model()

    def step(self, partition: str, state: State, facts: Sequence[Fact], now: datetime) -> Step:
        """See `engine.step.Domain`."""
        match state:
            case Desk():
                plans = {
                    name: team.digest
                    for name, team in sorted(self.fleet.teams.items())
                    if team.digest is not None
                }
                return desk.step(state, facts, sorted(self.fleet.teams), now, plans)
            case OnCall():
                team = partition.removeprefix(ONCALL)
                if team not in self.fleet.teams:
                    return _nobody(state, facts, f"team {team} is not in fleet.yaml")
                elsewhere = partial(moved.elsewhere, self.fleet, team)
                policy, present = self.fleet.duty(team).at(now)
                return oncall.step(state, facts, policy, now, elsewhere, present)
            case Model():
                if partition not in self.fleet.models:
                    return _nobody(state, facts, f"model {partition} is not in fleet.yaml")
                return step.step(state, facts, self.fleet.models[partition], now)
            case _:
                assert_never(state)

    def perform(self, partition: str, effect: Effect, now: datetime) -> tuple[Delivery, ...]:
        """See `engine.step.Domain`; what a model that left the document owes stays owed."""
        if isinstance(effect, WriteDigest):
            return self._written(effect, now)
        watched = partition in self.fleet.models
        if not watched and partition != FLEET and not partition.startswith(ONCALL):
            raise Unavailable(f"model {partition} is not in fleet.yaml", DORMANT_FOR)
        return perform(self.world, self.fleet, partition, effect, now)

    def _written(self, effect: WriteDigest, now: datetime) -> tuple[Delivery, ...]:
        if self.world.store is None:
            raise Refused("this host cannot read the journals that a digest tells of")
        found = digests.digest(self.world.store, self, self.fleet, effect, now)
        return (Delivery(ONCALL + effect.team, effect.key, found),)

    def halted(self, partition: str, reason: str, now: datetime) -> tuple[Delivery, ...]:
        """See `engine.step.Domain`: teams are paged, or the fleet's journal says that none can be.

        A model's team hears of the model, every team of the fleet's partition, and the other teams
        of a team that can no longer be reached.
        """
        said = f"{partition} is stopped by a defect and waits to be resumed: {reason}"
        return self._notices(partition, Status.FIRING, said, now, now)

    def resumed(self, partition: str, halted_at: datetime, now: datetime) -> tuple[Delivery, ...]:
        """See `engine.step.Domain`."""
        return self._notices(partition, Status.RESOLVED, f"{partition} was resumed", halted_at, now)

    def _notices(
        self, partition: str, status: Status, reason: str, since: datetime, now: datetime
    ) -> tuple[Delivery, ...]:
        """Return one notice a team, under the id that the halt has for as long as it lasts."""
        key = f"halted:{partition}:{instant(since)}" + (
            ":over" if status is Status.RESOLVED else ""
        )
        notice = Notify(
            key=key,
            model=partition,
            alert=f"halted-{instant(since)}",
            kind=Kind.RUN,
            severity=Severity.PAGE,
            status=status,
            reason=reason,
            at=now,
        )
        teams = self._operators(partition)
        if not teams and partition != FLEET:
            return (Delivery(FLEET, key, Parked(partition, reason)),)
        return tuple(Delivery(ONCALL + team, key, Notified(notice)) for team in teams)

    def _operators(self, partition: str) -> list[str]:
        if partition in self.fleet.models:
            return [self.fleet.models[partition].policy.team]
        if partition == FLEET or partition.startswith(ONCALL):
            return [team for team in self.fleet.teams if ONCALL + team != partition]
        return []

    def refused(self, effect: Effect, reason: str) -> Declined | Undelivered:
        """See `engine.step.Domain`."""
        if isinstance(effect, SendPage):
            return Undelivered(effect.page, reason, permanent=True)
        return Declined(kind_of(type(effect)), effect.key, reason)

    def urgent(self, effect: Effect) -> bool:
        """See `engine.step.Domain`: pages come before tickets."""
        return isinstance(effect, SendPage) and effect.page.severity is Severity.PAGE

    def attempted(
        self, effect: Effect, attempts: int, reason: str
    ) -> Undelivered | Delivered | Delayed | None:
        """See `engine.step.Domain`: the on-call partition hears which pages get out.

        It hears of the first failure of a page, and of every `TRIES`-th in case that another page
        got through to the receiver meanwhile. Other partitions hear of effects that wait long.
        """
        if not isinstance(effect, SendPage):
            due = attempts >= LONG and (not reason or attempts % LONG == 0)
            return Delayed(kind_of(type(effect)), effect.key, reason) if due else None
        if reason:
            return Undelivered(effect.page, reason) if attempts % TRIES == 0 else None
        if attempts or effect.report:
            return Delivered(effect.page.receiver, effect.page.incident)
        return None


def _nobody(state: State, facts: Sequence[Fact], reason: str) -> Step:
    """Journal the facts of a partition that fleet.yaml no longer names; nothing else follows.

    Failed attempts at its last effects are no news: these stay owed until it is named again.
    """
    lines: list[Line] = []
    for fact in facts:
        if isinstance(fact, Configured) and isinstance(state, Model):
            if not state.dormant:
                lines.append(operations.Dormant(reason))
                state = replace(state, dormant=True)
        elif not _attempt(fact):
            lines.append(operations.Parked(kind_of(type(fact)), reason))
    return Step(state, (), None, tuple(map(write_line, lines)))


def _attempt(fact: Fact) -> bool:
    """Whether a fact tells of an attempt at an effect that did not end it for good."""
    if isinstance(fact, Undelivered):
        return not fact.permanent
    return isinstance(fact, Delayed | Delivered)

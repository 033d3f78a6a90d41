"""A domain whose steps are counted and whose payments are timed, for every host."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.codec import kind_of
from engine.errors import Refused, Unavailable
from engine.step import Delivery, Domain, Step
from fleet.domain import State
from fleet.model.effects import Effect, Publish
from fleet.model.facts import Fact
from fleet.published import CATALOGUE
from fleet.telemetry import TRACEPARENT, Telemetry


class Traced:
    """Passes everything on to a domain and tells the telemetry about it."""

    def __init__(self, domain: Domain, telemetry: Telemetry) -> None:
        self._domain, self._telemetry = domain, telemetry
        self.version = domain.version
        self.facts = domain.facts
        self.effects = domain.effects

    def shape(self, partition: str) -> type[State]:
        """See `engine.step.Domain`."""
        return self._domain.shape(partition)

    def upgrade(self, partition: str, version: int, stored: dict[str, Any]) -> dict[str, Any]:
        """See `engine.step.Domain`."""
        return self._domain.upgrade(partition, version, stored)

    def initial(self, partition: str) -> object:
        """See `engine.step.Domain`."""
        return self._domain.initial(partition)

    def step(self, partition: str, state: State, facts: Sequence[Fact], now: datetime) -> Step:
        """See `engine.step.Domain`."""
        done = self._domain.step(partition, state, facts, now)
        for kind, number in Counter(kind_of(type(fact)) for fact in facts).items():
            said = {"partition": partition, "fact": kind}
            self._telemetry.add("driftwarden.facts.settled", number, said)
        return done

    def perform(self, partition: str, effect: Effect, now: datetime) -> tuple[Delivery, ...]:
        """See `engine.step.Domain`."""
        said = {"partition": partition, "effect": kind_of(type(effect))}
        outcome = "failed"
        with self._telemetry.span("driftwarden.effect", said) as span:
            try:
                results = self._domain.perform(partition, effect, now)
                outcome = "paid"
            except Unavailable:
                outcome = "postponed"
                raise
            except Refused:
                outcome = "refused"
                self._telemetry.event("driftwarden.declined", said)
                raise
            finally:
                span["outcome"] = outcome
                self._telemetry.add("driftwarden.effects.paid", 1, {**said, "outcome": outcome})
            if isinstance(effect, Publish):
                self._published(partition, effect)
        return results

    def halted(self, partition: str, reason: str, now: datetime) -> tuple[Delivery, ...]:
        """See `engine.step.Domain`."""
        self._telemetry.event("driftwarden.halted", {"partition": partition})
        return self._domain.halted(partition, reason, now)

    def resumed(self, partition: str, halted_at: datetime, now: datetime) -> tuple[Delivery, ...]:
        """See `engine.step.Domain`."""
        return self._domain.resumed(partition, halted_at, now)

    def refused(self, effect: Effect, reason: str) -> object:
        """See `engine.step.Domain`."""
        return self._domain.refused(effect, reason)

    def urgent(self, effect: Effect) -> bool:
        """See `engine.step.Domain`."""
        return self._domain.urgent(effect)

    def attempted(self, effect: Effect, attempts: int, reason: str) -> object | None:
        """See `engine.step.Domain`."""
        return self._domain.attempted(effect, attempts, reason)

    def _published(self, model: str, effect: Publish) -> None:
        shape = CATALOGUE[effect.type]
        words = {
            field.name: str(effect.fields[field.name])
            for field in shape.fields
            if field.words and effect.fields.get(field.name) is not None
        }
        self._telemetry.event(shape.telemetry, {"model": model, **words})


def doorbell(partition: str, telemetry: Telemetry) -> str:
    """Return the queue message that rings for a partition and carries the present trace on."""
    message = {"partition": partition, TRACEPARENT: telemetry.traceparent()}
    return json.dumps({name: value for name, value in message.items() if value})

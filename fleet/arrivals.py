"""Look for versions that others registered: without a subscription no event tells of them.

The first look of a model takes what is in the registry as known: a version is tried because it was
registered while somebody watched, not because it lies there. What was registered while no process
ran is found with the next look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from engine.errors import Broken, Conflict, Refused, Unavailable
from engine.loop import Loop
from engine.step import Delivery
from engine.store import instant
from fleet import registrations
from fleet.document.policies import Watched
from fleet.model.facts import Registered, Surveyed
from fleet.model.slices.registry import Registry
from fleet.pacing import Pace
from fleet.ports import Arrivals, ListedVersion

#: A look lists all versions of the model.
EVERY = timedelta(minutes=5)
#: After a fault the next look waits for this long at most.
LONGEST_WAIT = timedelta(minutes=30)
#: Facts are taken in by the time of their arrival: each version gets a time of its own.
APART = timedelta(microseconds=1)


def _pace() -> Pace:
    return Pace(LONGEST_WAIT)


@dataclass(frozen=True)
class Look:
    """What one look found: facts, oldest first, versions to be refused, or a fault that lasts."""

    facts: tuple[Surveyed | Registered, ...] = ()
    refused: tuple[tuple[ListedVersion, str], ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class ArrivalsPoller:
    """Looks at the registry of each model, and remembers in this process when it did."""

    arrivals: Arrivals
    _paces: defaultdict[str, Pace] = field(default_factory=lambda: defaultdict(_pace))

    def due(self, model: str, now: datetime) -> bool:
        """Whether it is time for a look at a model's registry."""
        return self._paces[model].due(EVERY, now)

    def look(self, model: str, known: Registry, now: datetime) -> Look:
        """Look for versions that are not known yet."""
        pace = self._paces[model]
        try:
            if known.to is None:
                # A model that is not there yet, or a wrong workspace, is nothing to begin with.
                newest = self.arrivals.newest(model)
                found = Look() if newest is None else Look((Surveyed(newest),))
            else:
                found = _news(model, known, self.arrivals.since(model, known.to))
        except (Unavailable, Refused, Broken, Conflict) as error:
            return Look(fault=pace.failed(error, now))
        pace.done(now)
        return found


def _news(model: str, known: Registry, versions: tuple[ListedVersion, ...]) -> Look:
    facts: list[Registered] = []
    refused: list[tuple[ListedVersion, str]] = []
    for one in versions:
        try:
            tags = {name.lower(): value for name, value in one.tags.items()}
            fact = registrations.registered(model, one.version, tags, one.properties)
        except Refused as error:
            refused.append((one, str(error)))
            continue
        before = known.known(one.version, one.created)
        if fact is None or (before is not None and (before.waived_by or not fact.waived_by)):
            continue
        facts.append(replace(fact, at=one.created, found=True))
    return Look(tuple(facts), tuple(refused))


def deliver(
    loop: Loop,
    poller: ArrivalsPoller,
    watched: Watched,
    now: datetime,
    park: Callable[[object, str], object],
) -> str:
    """Look at a model's registry and deliver what is new there; return a fault that lasts.

    A version that cannot be read is parked.
    """
    name = watched.name
    if not poller.due(name, now):
        return ""
    seen = poller.look(name, loop.head(name).state.promotion.registry, now)
    for place, fact in enumerate(seen.facts):
        loop.deliver(Delivery(name, _id(fact), fact), now + place * APART)
    for one, reason in seen.refused:
        where = f"model {watched.registered_as} {one.version}"
        event = {"model": name, "version": one.version, "tags": dict(one.tags)}
        park(event, f"{where}: {reason}")
    return seen.fault


def _id(fact: Surveyed | Registered) -> str:
    if isinstance(fact, Surveyed):
        return f"surveyed:{instant(fact.to)}"
    created = instant(fact.at) if fact.at is not None else ""
    return f"registered:{fact.version}:{created}:{fact.waived_by or ''}"

"""Registrations: one that an event tells of and a look at the registry finds is taken once.

An event can come hours after the look that found its version. Two events, and an event that names
no time, are a wish to try the version again.
"""

from __future__ import annotations

from dataclasses import replace

from engine.store import instant
from fleet.model.facts import Registered, Surveyed
from fleet.model.lines import training
from fleet.model.part import Part, take
from fleet.model.slices.registry import Event, Version
from fleet.model.turn import Turn


def registered(turn: Turn, fact: Registered) -> Registered | None:
    """Pass a registration on, unless it is known."""
    return _found(turn, fact) if fact.found else _told(turn, fact)


def _found(turn: Turn, fact: Registered) -> Registered | None:
    registry, created = turn.promotion.registry, fact.at or turn.now
    known = registry.known(fact.version, created)
    event = registry.awaited(fact.version, created)
    waived_by = next((one.waived_by for one in (known, event) if one is not None), None)
    announced = event is not None or (known is not None and known.announced)
    version = Version(created, announced, waived_by or fact.waived_by)
    _keep(turn, fact.version, version)
    if known is None and event is None:
        return fact
    _waive(turn, fact)
    return None


def _told(turn: Turn, fact: Registered) -> Registered | None:
    registry = turn.promotion.registry
    known = registry.unannounced(fact.version, fact.at) if fact.at is not None else None
    if known is None:
        event = Event(fact.at or turn.now, fact.waived_by)
        told = registry.with_told(fact.version, event, turn.now)
        turn.promotion = replace(turn.promotion, registry=told)
        return fact
    waived_by = known.waived_by or fact.waived_by
    _keep(turn, fact.version, replace(known, announced=True, waived_by=waived_by))
    _waive(turn, fact)
    return None


def _keep(turn: Turn, name: str, version: Version) -> None:
    registry = turn.promotion.registry.with_found(name, version)
    turn.promotion = replace(turn.promotion, registry=registry)


def _waive(turn: Turn, fact: Registered) -> None:
    """Waive the shadow of a version that still waits, where its tags say so by now."""
    waits = any(c.version == fact.version and not c.waived_by for c in turn.promotion.queue)
    if not fact.waived_by or not waits:
        return
    queue = tuple(
        replace(c, waived_by=fact.waived_by, waived_for=fact.reason)
        if c.version == fact.version
        else c
        for c in turn.promotion.queue
    )
    turn.promotion = replace(turn.promotion, queue=queue)
    turn.say(training.Registered(fact.version, fact.waived_by, fact.reason))


def surveyed(turn: Turn, fact: Surveyed) -> Surveyed:
    """Take what is in the registry as known, once."""
    registry = turn.promotion.registry
    if registry.to is None:
        turn.promotion = replace(turn.promotion, registry=replace(registry, to=fact.to))
        turn.say(training.Surveyed(instant(fact.to)))
    return fact


PART = Part("registry", (take(Registered, registered), take(Surveyed, surveyed)))

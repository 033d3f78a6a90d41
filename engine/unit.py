"""One unit: as many of the waiting facts as it has room for, and the step over them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from engine import inbox
from engine.errors import Broken, Refused
from engine.step import Domain, Step
from engine.store import MAX_OPERATIONS


def fitting(
    domain: Domain, partition: str, state: Any, facts: list[inbox.Waiting], now: datetime
) -> tuple[Step, list[inbox.Waiting]]:
    """Return a step that fits into one unit, and the facts that it took in."""
    try:
        step = _stepped(domain, partition, state, facts, now)
    except Refused as error:
        if not facts or facts[0].reason:
            raise
        return fitting(domain, partition, state, _apart(facts, str(error)), now)
    room = MAX_OPERATIONS - 2 - len(facts)
    if len(step.effects) > room:
        if len(facts) <= 1:
            raise Broken(f"{partition}: one fact owes {len(step.effects)} effects, over {room}")
        return fitting(domain, partition, state, facts[: len(facts) // 2], now)
    return step, facts


def _stepped(
    domain: Domain, partition: str, state: Any, facts: list[inbox.Waiting], now: datetime
) -> Step:
    known = [item.fact for item in facts if not item.reason]
    step = domain.step(partition, state, known, now)
    refusals = tuple(
        {"what": "refused", "id": str(item.row.props["id"]), "reason": item.reason}
        for item in facts
        if item.reason
    )
    return replace(step, lines=step.lines + refusals)


def _apart(facts: list[inbox.Waiting], reason: str) -> list[inbox.Waiting]:
    """Halve the facts until the refused one is alone, then park it with the reason."""
    if len(facts) > 1:
        return facts[: len(facts) // 2]
    return [replace(facts[0], reason=reason)]

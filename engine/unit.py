"""One unit: as many of the waiting facts as it has room for, and the step over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from engine import inbox
from engine.errors import DriftwardenError, Refused, TooLarge
from engine.step import Domain, Step
from engine.store import Operation, check
from engine.texts import cut, unexpected

#: Makes the operations of a unit from its step and the facts it took in.
Build = Callable[[Step, list[inbox.Waiting]], list[Operation]]


class Failed(DriftwardenError):
    """The code of a step failed; the message names the fact and the exception."""


def fitting(
    domain: Domain,
    partition: str,
    state: Any,
    facts: list[inbox.Waiting],
    now: datetime,
    build: Build,
) -> list[Operation]:
    """Return a unit that fits the store; none where nothing changes.

    Facts are halved until the unit fits and no fact of it is refused; one that is refused alone is
    parked with the reason.

    Raises
    ------
    TooLarge
        A unit of one fact does not fit.
    Failed
        The step or its encoding raised an exception that is none of the domain's.
    """
    try:
        step = _stepped(domain, partition, state, facts, now)
        operations = build(step, facts)
        if operations:
            check(partition, operations)
    except Exception as error:
        smaller = _smaller(facts, error)
        if smaller is None:
            if isinstance(error, DriftwardenError) and not isinstance(error, TooLarge):
                raise
            kind = TooLarge if isinstance(error, TooLarge) else Failed
            raise kind(f"{unexpected(error)}{_of(facts)}") from error
    else:
        return operations
    return fitting(domain, partition, state, smaller, now, build)


def _smaller(facts: list[inbox.Waiting], error: Exception) -> list[inbox.Waiting] | None:
    """Return half of the facts, or the refused one to be parked; None where neither helps."""
    refused = isinstance(error, Refused)
    if isinstance(error, DriftwardenError) and not (refused or isinstance(error, TooLarge)):
        return None
    if len(facts) > 1:
        return facts[: len(facts) // 2]
    if refused and facts and not facts[0].reason:
        return [replace(facts[0], reason=cut(str(error)))]
    return None


def _of(facts: list[inbox.Waiting]) -> str:
    """Name the fact that a unit could not be made of."""
    return f" (fact {cut(str(facts[0].row.props['id']), 200)})" if facts else ""


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

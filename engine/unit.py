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
    except Refused as error:
        if not facts or facts[0].reason:
            raise
        smaller = _apart(facts, str(error))
    except TooLarge as error:
        if len(facts) <= 1:
            raise TooLarge(f"{error}{_of(facts)}") from error
        smaller = facts[: len(facts) // 2]
    except DriftwardenError:
        raise
    except Exception as error:
        if len(facts) <= 1:
            raise Failed(f"{unexpected(error)}{_of(facts)}") from error
        smaller = facts[: len(facts) // 2]
    else:
        return operations
    return fitting(domain, partition, state, smaller, now, build)


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


def _apart(facts: list[inbox.Waiting], reason: str) -> list[inbox.Waiting]:
    """Halve the facts until the refused one is alone, then park it with the reason."""
    if len(facts) > 1:
        return facts[: len(facts) // 2]
    return [replace(facts[0], reason=cut(reason))]

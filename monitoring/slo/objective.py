"""One service-level objective, judged from counts of good and bad events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitoring.alerts.lifecycle import Severity
from monitoring.drift.wording import level
from monitoring.slo.budget import Buckets, Burn, burn, remaining, span, standard

GUARD = 1e-4
"""A burn with a larger probability than this, for a service on budget, raises no alert."""


class Sli(StrEnum):
    """The indicator of an objective, counted as good and bad events."""

    AVAILABILITY = "availability"
    LATENCY = "latency"
    FRESHNESS = "freshness"


class Verdict(StrEnum):
    """The verdict on an objective."""

    MET = "met"
    BURNING = "burning"
    EXHAUSTED = "exhausted"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True)
class Objective:
    """A share `target` of good events over the rolling `window`.

    `threshold` separates good from bad for latency and freshness: at most that is good.
    """

    name: str
    service: str
    sli: Sli
    target: float
    window: timedelta
    threshold: timedelta | None = None


@dataclass(frozen=True)
class Status:
    """The status of an objective at one moment; `severity` is that of the most urgent burn.

    `budget_left` is a share of the whole budget, negative when overspent.
    """

    objective: str
    verdict: Verdict
    severity: Severity | None
    reasons: tuple[str, ...]
    attained: float | None
    budget_left: float | None
    burns: tuple[Burn, ...]


def evaluate(objective: Objective, buckets: Buckets, now: datetime, guard: float = GUARD) -> Status:
    """Judge an objective; without events in its window it is insufficient, never met."""
    target, period = objective.target, objective.window
    total, bad = buckets.counted(now - period, now)
    burns = tuple(burn(buckets, row, target, period, guard, now) for row in standard())
    left = remaining(buckets, target, period, now)
    firing = [one for one in burns if one.firing]
    reasons = tuple(_reason(objective, one) for one in firing)
    verdict = Verdict.BURNING if firing else Verdict.MET
    if left is None:
        verdict = Verdict.INSUFFICIENT
        reasons = (f"{objective.name}: no events in the last {span(period)}",)
    elif left <= 0 and bad and not firing:
        verdict = Verdict.EXHAUSTED
        reasons = (
            f"{objective.name}: the error budget of {span(period)} is spent: "
            f"{_bad(bad, total)}, {level(1 - target)} allowed",
        )
    return Status(
        objective=objective.name,
        verdict=verdict,
        severity=max((one.severity for one in firing), key=_loudness, default=None),
        reasons=reasons,
        attained=1 - bad / total if total else None,
        budget_left=left,
        burns=burns,
    )


def _reason(objective: Objective, one: Burn) -> str:
    # A burn that fires has a rate.
    rate = one.long_rate or one.needed
    return (
        f"{objective.name}: {_bad(one.bad, one.total)} in the last {span(one.window)}; the error "
        f"budget burns at {rate:.3g} times the even rate (limit {one.needed:.3g}): the budget of "
        f"{span(objective.window)} lasts {span(objective.window / rate)}"
    )


def _bad(bad: int, total: int) -> str:
    return f"{bad:,} of {total:,} events bad ({100 * bad / total:.3g} %)"


def _loudness(severity: Severity) -> int:
    return [Severity.TICKET, Severity.PAGE].index(severity)

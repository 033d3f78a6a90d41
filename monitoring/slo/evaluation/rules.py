"""The rules of an objective's alerts: those of its document, or the built-in ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction

from monitoring.alerts.lifecycle import Severity
from monitoring.slo.budget import Window, standard
from monitoring.slo.definition import AlertPolicy, Calendar, Condition, Op, Rolling, Slo
from monitoring.slo.evaluation.periods import MINUTE, length

EXHAUSTED = "exhausted"


@dataclass(frozen=True)
class Clause:
    """One condition, in minutes; without `lookback` it is about the objective's own window."""

    op: Op
    threshold: Fraction
    lookback: int | None
    after: int = 0


@dataclass(frozen=True)
class Rule:
    """Fires while all clauses hold, and, if `guarded`, chance does not explain the bad events."""

    name: str
    severity: str
    clauses: tuple[Clause, ...]
    no_data: bool = False
    resolved: bool = True
    breaching: bool = True
    guarded: bool = False


def rules(slo: Slo) -> tuple[Rule, ...]:
    """Return the rules of an SLO's policies, or the built-in ones."""
    return tuple(map(_written, slo.policies)) or built_in(slo.window)


def built_in(window: Rolling | Calendar) -> tuple[Rule, ...]:
    """Return the rows of windows.yaml, scaled to the window, and the exhausted budget.

    All are guarded. A row whose long window is not shorter than the objective's is left out. The
    first rule tells of missing data, so that it is told once.
    """
    period = length(window)
    pairs = [_burning(row, period) for row in standard() if row.long < period]
    spent = Rule(EXHAUSTED, Severity.TICKET, (Clause(Op.GTE, Fraction(1), None),), guarded=True)
    first, *others = [*pairs, spent]
    return replace(first, no_data=True), *others


def _name(row: Window) -> str:
    hours = row.long // timedelta(hours=1)
    return f"{row.severity}-{f'{hours}h' if hours < 24 else f'{hours // 24}d'}"


def _burning(row: Window, period: timedelta) -> Rule:
    """Fires at more than the burn rate that spends the row's share within its long window."""
    rate = Fraction(str(row.budget)) * Fraction(period // MINUTE, row.long // MINUTE)
    both = tuple(Clause(Op.GT, rate, one // MINUTE) for one in (row.short, row.long))
    return Rule(_name(row), row.severity, both, guarded=True)


def _written(policy: AlertPolicy) -> Rule:
    return Rule(
        policy.name,
        policy.conditions[0].severity if policy.conditions else "",
        tuple(map(_clause, policy.conditions)),
        policy.no_data,
        policy.resolved,
        policy.breaching,
        policy.guarded,
    )


def _clause(condition: Condition) -> Clause:
    lookback, after = condition.lookback // MINUTE, condition.after // MINUTE
    return Clause(condition.op, condition.threshold, lookback, after)

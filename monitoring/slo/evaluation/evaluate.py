"""One objective over a span of minutes: intervals that fire, notifications, budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitoring.slo.definition import Calendar, Objective, Slo
from monitoring.slo.evaluation.budgets import Budget, budget
from monitoring.slo.evaluation.exact import Bools
from monitoring.slo.evaluation.firing import fires, without_data
from monitoring.slo.evaluation.gaps import unusual
from monitoring.slo.evaluation.ledger import Ledger, ledger
from monitoring.slo.evaluation.notices import Found, Told, notices
from monitoring.slo.evaluation.rules import Rule, rules
from monitoring.slo.evaluation.series import Counts


@dataclass(frozen=True)
class Interval:
    """From the first evaluation of a state to the first one after it, None while it lasts."""

    since: int
    until: int | None


@dataclass(frozen=True)
class Notice:
    """What is told at a minute boundary."""

    at: int
    kind: Told


@dataclass(frozen=True)
class Outcome:
    """One rule over a span."""

    rule: Rule
    firing: tuple[Interval, ...]
    no_data: tuple[Interval, ...]
    notices: tuple[Notice, ...]


@dataclass(frozen=True)
class Judged:
    """One objective over a span; a budget for each moment that was asked for."""

    outcomes: tuple[Outcome, ...]
    budgets: tuple[Budget, ...]

    @property
    def fired(self) -> bool:
        """Whether any rule fired."""
        return any(one.firing for one in self.outcomes)


def evaluate(
    slo: Slo, objective: Objective, counts: Counts, span: tuple[int, int], at: Sequence[int] = ()
) -> Judged:
    """Judge an objective at every minute boundary in (begin, end] of a span.

    `span` and `at` are minutes since 1970. The counts may begin earlier: all that a window reaches
    is counted, and `after` of a condition may have begun before the span.
    """
    begin, end = span
    first = int(counts.minute[0]) if len(counts.minute) else begin
    base, last = min(first, begin, *at), max(end, *at, begin)
    known = ledger(slo, objective, counts, _base(slo, base), last)
    outcomes = tuple(_outcome(rule, known, begin, end) for rule in rules(slo))
    return Judged(outcomes, tuple(budget(known, one) for one in at))


def _base(slo: Slo, base: int) -> int:
    # A day earlier, so that the period of the first moment is known in any zone.
    return base - 1440 if isinstance(slo.window, Calendar) else base


def _outcome(rule: Rule, known: Ledger, begin: int, end: int) -> Outcome:
    at = np.arange(begin + 1, end + 1)
    firing, missing = fires(rule, known, begin, end), without_data(rule, known, at)
    found = np.where(firing, Found.FIRING, Found.CLEAR).astype(np.int8)
    gaps = np.flatnonzero(missing)
    found[gaps] = np.where(unusual(known.minutes, at[gaps]), Found.GAP, Found.SHORT_GAP)
    return Outcome(
        rule,
        _intervals(firing, begin),
        _intervals(missing, begin),
        tuple(Notice(begin + 1 + place, told) for place, told in notices(rule, found)),
    )


def _intervals(state: Bools, begin: int) -> tuple[Interval, ...]:
    """Gather the runs of a state; place i is the evaluation at begin + 1 + i."""
    edges = np.flatnonzero(np.diff(state.astype(np.int8), prepend=0, append=0)) + begin + 1
    end = begin + 1 + len(state)
    return tuple(
        Interval(int(since), None if until == end else int(until))
        for since, until in edges.reshape(-1, 2)
    )

"""The result of a dry run as JSON."""

from __future__ import annotations

from itertools import groupby

from commands.slo.run import Result, Told
from monitoring.slo.definition import Problem
from monitoring.slo.evaluation.budgets import Budget
from monitoring.slo.evaluation.evaluate import Interval, Outcome
from monitoring.slo.evaluation.periods import moment_of
from monitoring.slo.evaluation.rules import rules

Json = dict[str, object]


def document(told: Told) -> Json:
    """Return the problems of all files, and each SLO with its objectives."""
    by_slo = groupby(told.results, key=lambda one: id(one.slo))
    return {
        "problems": [_problem(one) for one in told.problems],
        "slos": [_slo(list(results)) for _, results in by_slo],
    }


def instant(minute: int) -> str:
    """Write a minute.

    >>> instant(1440)
    '1970-01-02T00:00:00Z'
    """
    return f"{moment_of(minute).replace(tzinfo=None).isoformat()}Z"


def _problem(one: Problem) -> Json:
    return {"file": one.file, "line": one.line, "level": one.level.value, "text": one.text}


def _slo(results: list[Result]) -> Json:
    return {"name": results[0].slo.name, "objectives": [_objective(one) for one in results]}


def _objective(one: Result) -> Json:
    if one.judged is None:
        nothing = [_policy(Outcome(rule, (), (), ())) for rule in rules(one.slo)]
        return {"policies": nothing, "budget": []}
    return {
        "policies": [_policy(outcome) for outcome in one.judged.outcomes],
        "budget": [_budget(budget) for budget in one.judged.budgets],
    }


def _policy(one: Outcome) -> Json:
    return {
        "name": one.rule.name,
        "firing": _intervals(one.firing),
        "no_data": _intervals(one.no_data),
        "notifications": [[instant(notice.at), notice.kind.value] for notice in one.notices],
    }


def _intervals(found: tuple[Interval, ...]) -> list[list[str | None]]:
    return [
        [instant(one.since), None if one.until is None else instant(one.until)] for one in found
    ]


def _budget(one: Budget) -> Json:
    left = None if one.left is None else float(one.left)
    exhaustion = None if one.exhaustion is None else instant(one.exhaustion)
    return {"at": instant(one.at), "left": left, "exhaustion": exhaustion}

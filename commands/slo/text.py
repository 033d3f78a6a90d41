"""The result of a dry run as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from commands.slo.run import Result, Told
from monitoring.drift.wording import counted
from monitoring.slo.budget import span
from monitoring.slo.definition import Calendar, Slo
from monitoring.slo.evaluation.budgets import Budget
from monitoring.slo.evaluation.evaluate import Interval, Outcome
from monitoring.slo.evaluation.periods import moment_of

#: The most intervals or notifications of one policy that are listed.
MOST = 20
UNITS = {"m": "minute", "h": "hour", "d": "day", "w": "week", "M": "month", "Q": "quarter"}


def lines(told: Told) -> Iterator[str]:
    """Yield a paragraph for each objective."""
    for result in told.results:
        yield _title(result)
        if result.judged is None:
            name = result.slo.indicator or result.slo.name
            yield f"  not judged: --counts {name}=TABLE is needed"
            continue
        for outcome in result.judged.outcomes:
            yield from _outcome(outcome)
        for budget in result.judged.budgets:
            yield f"  {_budget(budget)}"


def _title(result: Result) -> str:
    target = f"{float(100 * result.objective.target):.6g} %"
    name = result.slo.name
    if len(result.slo.objectives) > 1:
        name = f"{name}: {result.objective.name}"
    return f"{name}: {target} of {_window(result.slo)}, {result.slo.method.value}"


def _window(slo: Slo) -> str:
    if isinstance(slo.window, Calendar):
        unit, count = UNITS.get(slo.window.unit.value, "year"), slo.window.count
        return f"each {unit if count == 1 else counted(count, unit)} ({slo.window.zone})"
    return f"the last {span(slo.window.length)}"


def _outcome(outcome: Outcome) -> Iterator[str]:
    name = outcome.rule.name
    if not outcome.firing and not outcome.notices:
        yield f"  {name}: quiet"
    yield from _listed([f"  {name}: fired {_interval(one)}" for one in outcome.firing])
    told = [f"  {name}: told {one.kind.value} at {_time(one.at)}" for one in outcome.notices]
    yield from _listed(told)


def _listed(found: list[str]) -> Iterator[str]:
    yield from found[:MOST]
    if len(found) > MOST:
        yield f"  … {len(found) - MOST:,} more"


def _interval(one: Interval) -> str:
    if one.until is None:
        return f"from {_time(one.since)} to the end"
    length = timedelta(minutes=one.until - one.since)
    told = span(length) if length >= timedelta(hours=1) else f"{one.until - one.since} min"
    return f"from {_time(one.since)} to {_time(one.until)} ({told})"


def _budget(one: Budget) -> str:
    if one.left is None:
        return f"budget at {_time(one.at)}: no events in the window"
    told = f"budget at {_time(one.at)}: {float(100 * one.left):.4g} % left"
    if one.burn is not None:
        told += f", the last hour burnt {float(one.burn):.3g} times the even rate"
    if one.exhausted:
        return f"{told}; exhausted"
    if one.exhaustion is None:
        return f"{told}; it lasts"
    return f"{told}; exhausted at {_time(one.exhaustion)} if that goes on"


def _time(minute: int) -> str:
    return f"{moment_of(minute):%Y-%m-%d %H:%M}Z"

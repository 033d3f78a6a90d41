"""Service-level objectives: counts are gathered, measured, and turned into signals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from fleet.model.facts import Declined
from fleet.model.lines import alerting
from fleet.model.part import Part, take
from fleet.model.records import ObjectiveStatus, TrafficCount
from fleet.model.results import Counted, LogRead, Measured, TrafficCounted
from fleet.model.signals.catalogue import OBJECTIVE
from fleet.model.tasks import Measure
from fleet.model.turn import Turn
from monitoring.alerts.lifecycle import Severity
from monitoring.finding import Finding
from monitoring.slo.forecast import Sample, sampled
from monitoring.slo.objective import Verdict
from monitoring.slo.sources.table import SOURCES

REPEAT = timedelta(hours=1)


def log_read(turn: Turn, fact: LogRead) -> LogRead:
    """Gather what a range of a log adds to the objectives."""
    _gather(turn, fact.traffic, fresh=any(batch.sketch for batch in fact.batches))
    return fact


def counted(turn: Turn, fact: Counted) -> Counted:
    """A window with rows in it is fresh data."""
    _gather(turn, (), fresh=any(batch.count for _, batch in fact.inputs))
    return fact


def traffic_counted(turn: Turn, fact: TrafficCounted) -> TrafficCounted:
    """Gather what a log service counted."""
    _gather(turn, fact.counts, fresh=False)
    return fact


def _gather(turn: Turn, counts: Sequence[TrafficCount], *, fresh: bool) -> None:
    if not turn.watched.objectives:
        return
    known = turn.objectives
    fresh_at = turn.now if fresh else known.fresh_at
    turn.objectives = replace(known, counts=(*known.counts, *counts), fresh_at=fresh_at)


def measured(turn: Turn, fact: Measured) -> Measured:
    """Take over the measurement that was asked for; an older one is dropped."""
    known = turn.objectives
    if known.asked != fact.at:
        return fact
    budgets = {
        one.name: sampled(known.budgets.get(one.name, ()), Sample(fact.at, one.budget_left))
        for one in fact.statuses
        if one.budget_left is not None
    }
    turn.objectives = replace(known, history=fact.history, at=fact.at, asked=None, budgets=budgets)
    for status in fact.statuses:
        _signal(turn, status)
    return fact


def declined(turn: Turn, fact: Declined) -> Declined:
    """Measure again with the next counts where a measurement was refused; these are lost."""
    if fact.effect == "measure":
        turn.objectives = replace(turn.objectives, asked=None)
    return fact


def follow(turn: Turn) -> None:
    """Owe a measurement where something was counted, grew stale, or burns."""
    known = turn.objectives
    if not turn.watched.objectives or known.asked is not None:
        return
    again = None
    if known.at is not None:
        burning = any(_burns(turn, objective.name) for objective in turn.watched.objectives)
        dues = [known.at + REPEAT] if burning else []
        dues += _stale_at(turn)
        again = min(dues, default=None)
    if known.counts or (again is not None and turn.now >= again):
        turn.owe(Measure(turn.now, known.history, known.counts, known.fresh_at, known.fresh_was))
        asked = replace(known, counts=(), asked=turn.now, fresh_was=known.fresh_at)
        turn.objectives = asked
        return
    turn.wake(again)


def _stale_at(turn: Turn) -> list[datetime]:
    """When the newest log will be too old for a freshness objective, while it is not yet."""
    known = turn.objectives
    if known.fresh_at is None or known.at is None:
        return []
    limits = [
        objective.threshold
        for objective in turn.watched.objectives
        if SOURCES[objective.sli].ages and objective.threshold is not None
    ]
    # An hour late: freshness is counted by whole hours.
    moments = [known.fresh_at + limit + REPEAT for limit in limits]
    return [moment for moment in moments if moment > known.at]


def _burns(turn: Turn, name: str) -> bool:
    said = turn.alerting.signals.get(_key(name))
    return said is not None and bool(said.active)


def _key(name: str) -> str:
    return f"{OBJECTIVE}{name}"


def _signal(turn: Turn, status: ObjectiveStatus) -> None:
    active: bool | None = status.verdict in (Verdict.BURNING, Verdict.EXHAUSTED)
    if status.verdict is Verdict.INSUFFICIENT:
        active = None
    before = turn.alerting.signals.get(_key(status.name))
    if active and (before is None or not before.active):
        turn.say(alerting.Slo(status.name, status.verdict, status.reasons))
    reason = "; ".join(status.reasons) or f"{status.name} is met"
    severity = Severity.PAGE if status.page else Severity.TICKET
    key = _key(status.name)
    turn.signal(Finding(key, active, reason, severity))


PART = Part(
    "objectives",
    (
        take(LogRead, log_read),
        take(Counted, counted),
        take(TrafficCounted, traffic_counted),
        take(Measured, measured),
        take(Declined, declined),
    ),
    follow,
)

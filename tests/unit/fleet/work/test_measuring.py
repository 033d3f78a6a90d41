"""Objectives measured from hourly counts that roll on from blob to blob."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fleet.document.policies import Fleet, Watched
from fleet.model.records import TrafficCount
from fleet.model.tasks import Measure
from fleet.ports import World
from fleet.work.measuring import measure
from monitoring.slo.objective import Objective, Sli, Verdict

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def watched(fleet: Fleet, *objectives: Objective) -> Watched:
    return replace(fleet.models["demand"], objectives=objectives)


def hour(start: datetime, requests: int, errors: int, slow: int = 0) -> TrafficCount:
    return TrafficCount("v1", start, start + HOUR, requests, errors, 0, {"fast": slow})


def test_counts_add_up_over_measurements_and_a_burn_pages(fleet: Fleet, world: World) -> None:
    up = Objective("up", "demand", Sli.AVAILABILITY, 0.99, timedelta(days=30))
    model = watched(fleet, up)
    calm = measure(world, model, Measure(NOON, "", (hour(NOON - HOUR, 10_000, 10),), None, None))
    assert calm.statuses[0].verdict is Verdict.MET
    assert calm.statuses[0].attained == 1 - 10 / 10_000
    later = NOON + HOUR
    burnt = Measure(later, calm.history, (hour(NOON, 1_000, 600),), None, None)
    found = measure(world, model, burnt).statuses[0]
    assert found.verdict is Verdict.BURNING
    assert found.page is True
    assert found.attained == 1 - 610 / 11_000


def test_latency_takes_its_own_limit_and_no_traffic_is_insufficient(
    fleet: Fleet, world: World
) -> None:
    fast = Objective(
        "fast", "demand", Sli.LATENCY, 0.9, timedelta(days=28), timedelta(milliseconds=250)
    )
    model = watched(fleet, fast)
    nothing = measure(world, model, Measure(NOON, "", (), None, None))
    assert nothing.statuses[0].verdict is Verdict.INSUFFICIENT
    counted = Measure(NOON, "", (hour(NOON - HOUR, 1_000, 0, 50),), None, None)
    assert measure(world, model, counted).statuses[0].attained == 0.95
    known = replace(hour(NOON - HOUR, 1_000, 0), slow=None, over={})
    without = measure(world, model, Measure(NOON, "", (known,), None, None))
    assert without.statuses[0].verdict is Verdict.INSUFFICIENT


def test_freshness_counts_the_hours_since_the_last_look(fleet: Fleet, world: World) -> None:
    fresh = Objective("fresh", "demand", Sli.FRESHNESS, 0.5, timedelta(days=28), 6 * HOUR)
    model = watched(fleet, fresh)
    begun = measure(world, model, Measure(NOON, "", (), NOON, None))
    assert begun.statuses[0].verdict is Verdict.INSUFFICIENT
    silent = measure(world, model, Measure(NOON + 10 * HOUR, begun.history, (), NOON, NOON))
    # Hours 1 to 6 are young enough, 7 to 10 are not.
    assert silent.statuses[0].attained == 0.6

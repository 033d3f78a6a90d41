"""Objectives: measured with what was counted, and again after a refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fleet.document.policies import Fleet
from fleet.model.facts import Declined
from fleet.model.records import Collection, TrafficCount
from fleet.model.results import LogRead, Measured
from fleet.model.tasks import Measure
from monitoring.slo.objective import Objective, Sli
from tests.unit.fleet.model.days import ENDS, grew

HOUR = timedelta(hours=1)


@pytest.fixture
def story(fleet: Fleet, telling: Callable[..., Any]) -> Any:
    days = timedelta(days=28)
    objective = Objective("available", "demand", Sli.AVAILABILITY, 0.99, days)
    return telling(replace(fleet.models["demand"], objectives=(objective,))).begin()


def requests(number: int) -> LogRead:
    start = ENDS - number * HOUR
    count = TrafficCount("v1", start, start + HOUR, 10, 0, 0)
    return LogRead("a", number * 10 - 10, number * 10, number * 10, (), (count,))


def test_a_measurement_that_was_refused_does_not_end_all_others(story: Any) -> None:
    story.tell(grew(10, Collection.traffic), at=ENDS).tell(requests(1))
    (first,) = story.owed(Measure)
    story.tell(Declined("measure", first.key, "it failed 5 times: KeyError: 'x'"))
    story.tell(grew(20, Collection.traffic)).tell(requests(2), after=HOUR)
    (second,) = story.owed(Measure)
    assert len(second.counts) == 1
    story.tell(Measured(second.at, "history", ()))
    assert story.state.objectives.history == "history"

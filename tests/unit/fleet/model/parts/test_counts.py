"""Days and hours that a log service is asked to count."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.document.policies import Fleet
from fleet.model.effects import SetTraffic
from fleet.model.facts import Gated, Registered, TrafficSeen, TrafficSet
from fleet.model.records import Batch, TrafficCount
from fleet.model.results import Counted, TrafficCounted
from fleet.model.tasks import Assess, Count, CountTraffic, Gate
from monitoring.alerts.lifecycle import Severity
from monitoring.finding import Finding
from retrain.gate import Decision, Verdict
from retrain.rollout.state import Phase

LOGS = "logs: {endpoint: shop-demand, grace: PT2H, slow_ms: 100}"
COUNTED = "logs: {endpoint: shop-demand, grace: PT2H, table: Features_CL, outputs: Scores_CL}"
HOURLY = "logs: {endpoint: shop-demand, grace: PT2H, traffic: true}"
HOUR = timedelta(hours=1)
#: The fleet's days end at midnight in Berlin: 23:00 UTC in winter.
FIRST_DUE = datetime(2024, 3, 5, 1, tzinfo=UTC)


@pytest.fixture
def asking(resolve: Callable[..., Fleet], telling: Callable[..., Any]) -> Callable[[str], Any]:
    """A begun partition with other logs, whose traffic was set."""

    def begun(logs: str) -> Any:
        story = telling(resolve((LOGS, logs)).models["demand"]).begin()
        asked = story.ever(SetTraffic)[-1]
        return story.tell(TrafficSet(asked.key, asked.weights))

    return begun


def test_a_day_is_counted_once_when_it_is_over(asking: Any) -> None:
    story = asking(COUNTED)
    assert story.wake_at <= FIRST_DUE
    story.tell(at=FIRST_DUE - HOUR)
    assert not story.ever(Count)
    story.tell(at=FIRST_DUE)
    (count,) = story.owed(Count)
    assert (count.window, count.start, count.end) == (
        "2024-03-04",
        datetime(2024, 3, 3, 23, tzinfo=UTC),
        datetime(2024, 3, 4, 23, tzinfo=UTC),
    )
    assert count.served == (("v1", "v1"),)
    assert count.scored == (("v0", "v0"), ("v1", "v1"))
    story.tell(after=HOUR)
    assert len(story.ever(Count)) == 1


def test_days_that_were_slept_through_are_all_counted(asking: Any) -> None:
    story = asking(COUNTED)
    story.tell(at=FIRST_DUE + timedelta(days=3))
    days = [count.window for count in story.owed(Count)]
    assert days == ["2024-03-04", "2024-03-05", "2024-03-06", "2024-03-07"]


def test_what_was_counted_is_assessed(asking: Any) -> None:
    story = asking(COUNTED)
    story.tell(at=FIRST_DUE)
    counted = Batch("2024-03-04", 500, "", "sketch-1")
    story.tell(Counted("2024-03-04", (("v1", counted),)))
    (assess,) = story.owed(Assess)
    assert assess.sketches == ("sketch-1",)
    (line,) = story.said("counted")
    assert line["rows"] == 500


def test_a_shadows_copies_are_no_requests_and_its_answers_are_read(asking: Any) -> None:
    story = asking(COUNTED)
    story.tell(Registered("v2"))
    gate = story.ever(Gate)[-1]
    story.tell(Gated(gate.id, "v2", Decision(Verdict.passed, "better"), "s", 0.2))
    assert story.state.promotion.rollout.phase is Phase.shadow
    asked = story.ever(SetTraffic)[-1]
    story.tell(TrafficSet(asked.key, asked.weights, asked.shadow, {"green": "v2"}))
    story.tell(at=FIRST_DUE)
    (count,) = story.owed(Count)
    assert count.served == (("v1", "v1"),)
    assert ("green", "v2") in count.scored


def test_hours_of_traffic_are_counted_behind_the_logs_lag(asking: Any) -> None:
    story = asking(HOURLY)
    story.tell(at=datetime(2024, 3, 4, 10, 9, tzinfo=UTC))
    assert not story.ever(CountTraffic)
    story.tell(at=datetime(2024, 3, 4, 10, 10, tzinfo=UTC))
    (count,) = story.owed(CountTraffic)
    assert (count.start.hour, count.end.hour) == (9, 10)
    story.tell(at=datetime(2024, 3, 4, 11, 0, tzinfo=UTC))
    assert len(story.ever(CountTraffic)) == 1
    story.tell(at=datetime(2024, 3, 4, 12, 30, tzinfo=UTC))
    (count,) = story.owed(CountTraffic)
    assert (count.start.hour, count.end.hour) == (10, 12)
    story.tell(at=datetime(2024, 3, 8, 12, 10, tzinfo=UTC))
    assert story.owed(CountTraffic)[0].start == datetime(2024, 3, 7, 12, tzinfo=UTC)


@pytest.mark.parametrize("key", ["capacity", "collector"])
def test_what_metrics_find_is_an_alert_until_they_find_it_gone(asking: Any, key: str) -> None:
    story = asking(HOURLY)
    start = story.now
    for hour, active in enumerate((False, True, None, True, False)):
        found = Finding(key, active, "why", Severity.PAGE)
        when = start + hour * HOUR
        story.tell(TrafficCounted(when, when + HOUR, (), findings=(found,)))
        assert story.state.alerting.signals[key].active is active
    assert story.state.alerting.signals[key].reason == "why"


def test_counts_without_latencies_are_evidence_of_errors_alone(asking: Any) -> None:
    story = canary(asking)
    start = story.now
    story.tell(at=start + 2 * HOUR)
    counts = (
        TrafficCount("green", start, start + HOUR, 30, 1, None),
        TrafficCount("v1", start, start + HOUR, 120, 2, None),
    )
    story.tell(TrafficCounted(start, start + HOUR, counts, gapless=False))
    assert story.state.promotion.rollout.heard == 30
    assert "slow" not in story.state.counts


def canary(asking: Any) -> Any:
    """A canary of v2, which is served by the deployment green."""
    story = asking(HOURLY)
    story.tell(Registered("v2", waived_by="m.okafor"))
    gate = story.ever(Gate)[-1]
    story.tell(Gated(gate.id, "v2", Decision(Verdict.passed, "better"), "s", 0.2))
    asked = story.ever(SetTraffic)[-1]
    return story.tell(TrafficSet(asked.key, asked.weights, (), {"green": "v2"}))


def test_counted_hours_are_evidence_in_a_canary(asking: Any) -> None:
    story = canary(asking)
    start = story.now
    story.tell(at=start + 2 * HOUR)
    counts = (
        TrafficCount("green", start, start + HOUR, 30, 1, 0),
        TrafficCount("v1", start, start + HOUR, 120, 2, 0),
    )
    story.tell(TrafficCounted(start, start + HOUR, counts))
    # Errors and latency each heard the challenger's thirty.
    assert story.state.promotion.rollout.heard == 60
    # What the same hour says once more is known.
    story.tell(TrafficCounted(start, start + HOUR, counts))
    assert story.state.promotion.rollout.heard == 60
    looked = TrafficSeen(story.now, {"v1": 80, "v2": 20})
    assert not story.tell(looked).said("foreign")

"""Requests without rows: told after a day, with what may be the cause, and over with a row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.document.policies import Fleet
from fleet.model.facts import LogGrew
from fleet.model.records import Batch, Collection, TrafficCount
from fleet.model.results import LogRead, TrafficCounted
from monitoring.alerts.lifecycle import Kind

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def counts(requests: int = 5) -> tuple[TrafficCount, ...]:
    return (TrafficCount("v1", NOW, NOW + HOUR, requests, 0, 0),)


def told(story: Any) -> list[tuple[str, str]]:
    return [
        (x["phase"], x["reason"])
        for x in story.said("alert")
        if x["alert"].startswith("uncollected")
    ]


SERVED = {
    "a traffic log": LogRead("traffic", 0, 1, 1, (), counts()),
    "a log service": TrafficCounted(NOW, NOW + HOUR, counts()),
}


@pytest.mark.parametrize("served", SERVED.values(), ids=SERVED)
def test_requests_without_a_row_are_told_after_a_day(begun: Any, served: Any) -> None:
    begun.tell(served)
    assert begun.wake_at is not None
    begun.tell(after=DAY - HOUR)
    assert told(begun) == []
    begun.tell(after=HOUR)
    ((phase, reason),) = told(begun)
    assert phase == "firing"
    assert "shop-demand answers requests, and no row of them was ever found" in reason
    for cause in ("does not collect model_inputs", "logs.container", "Storage Blob Data Reader"):
        assert cause in reason
    assert [x["kind"] for x in begun.said("alert")] == [Kind.QUALITY]


def test_the_reason_names_what_the_policy_says(
    resolve: Callable[..., Fleet], telling: Callable[..., Any]
) -> None:
    logs = "grace: PT2H, container: theirs, path: mdc, payloads: yes"
    story = telling(resolve(("grace: PT2H", logs)).models["demand"]).begin()
    story.tell(SERVED["a traffic log"]).tell(after=2 * DAY)
    ((_, reason),) = told(story)
    assert "does not collect request " in reason
    assert "below mdc in container theirs" in reason


def test_a_row_ends_it(begun: Any) -> None:
    begun.tell(SERVED["a traffic log"]).tell(after=2 * DAY)
    begun.tell(LogGrew("a", 9, Collection.inputs, "v1")).tell(after=2 * DAY)
    assert [phase for phase, _ in told(begun)][-1] == "resolved"
    begun.tell(SERVED["a traffic log"]).tell(after=9 * DAY)
    assert begun.state.logs.served_at is None


QUIET = {
    "no request": (TrafficCounted(NOW, NOW + HOUR, counts(0)),),
    "nothing counted": (TrafficCounted(NOW, NOW + HOUR, ()),),
    "rows before": (LogGrew("a", 9, Collection.inputs, "v1"), SERVED["a log service"]),
    "rows within the day": (SERVED["a log service"], LogGrew("a", 9, Collection.inputs, "v1")),
    "rows of a canary": (LogGrew("a", 9, Collection.inputs, "v2"), SERVED["a log service"]),
}


@pytest.mark.parametrize("facts", QUIET.values(), ids=QUIET)
def test_where_rows_come_or_no_request_nothing_is_told(begun: Any, facts: tuple[Any, ...]) -> None:
    begun.tell(*facts).tell(after=3 * DAY)
    assert told(begun) == []


@pytest.mark.parametrize(
    "fact",
    [
        LogGrew("a", 0, Collection.inputs, "v1"),
        LogGrew("a", 9, Collection.outputs, "v1"),
        LogGrew("a", 9, Collection.traffic),
        LogGrew("a", 9, Collection.labels),
        LogRead("x", 0, 1, 1, (Batch("2024-03-04", 5, "rows"),)),
    ],
    ids=str,
)
def test_other_files_are_no_rows_of_requests(begun: Any, fact: Any) -> None:
    begun.tell(SERVED["a log service"], fact).tell(after=DAY)
    assert [phase for phase, _ in told(begun)] == ["firing"]


def test_a_model_that_had_rows_before_this_was_noted_is_not_told(begun: Any) -> None:
    begun.batch("2024-03-04")
    logs = begun.state.logs
    begun.state = type(begun.state)(
        **{**vars(begun.state), "logs": type(logs)(**{**vars(logs), "collected": False})}
    )
    begun.tell(SERVED["a log service"]).tell(after=DAY)
    assert told(begun) == []
    assert begun.state.logs.collected


def test_a_table_is_counted_a_day_later_so_that_nothing_is_told(
    resolve: Callable[..., Fleet], telling: Callable[..., Any]
) -> None:
    story = telling(resolve(("grace: PT2H", "grace: PT2H, table: T")).models["demand"]).begin()
    story.tell(SERVED["a log service"])
    assert story.state.logs.served_at is None

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from dashboards.story import story


def test_a_year(
    records: Callable[..., Any], year: list[tuple[datetime | dict[Any, Any], ...]]
) -> None:
    told = story(records(year))
    assert told.records == len(year)
    assert len(told.days) == 277
    assert told.days[0].day.isoformat() == "2013-03-30"
    assert [alert.id for alert in told.alerts] == [
        "drift-1", "score-1", "performance-1", "quality-1",
    ]  # fmt: skip
    assert [held.explained_by for held in told.held] == ["Thanksgiving"]
    assert [(r.version, r.gate) for r in told.retrains] == [
        ("v2", "passed"), ("leaky", "passed"), ("v3", "failed"), ("thanksgiving", "passed"),
    ]  # fmt: skip
    assert [(r.challenger, r.outcome) for r in told.rollouts] == [
        ("v2", "promoted"), ("leaky", "rolled_back"), ("thanksgiving", "stopped"),
    ]  # fmt: skip
    assert told.splits[0].weights == {"q1": 100}
    assert told.counts["read"] == 277


def test_events_that_are_over(records: Callable[..., Any], line: Callable[..., Any]) -> None:
    (event,) = story(records([(datetime(2013, 4, 3, tzinfo=UTC), line("event"))])).events
    assert (event.name, event.first.day, event.last.day) == ("strike", 1, 2)
    assert event.came_to == "harmless: no drift in its 2 windows"


def test_nothing_yet() -> None:
    told = story([])
    assert (told.records, told.days, told.episodes, told.alerts) == (0, (), (), ())


def test_unknown_lines_are_counted_only(records: Callable[..., Any]) -> None:
    told = story(records([(datetime(2013, 4, 1, tzinfo=UTC), {"what": "parked"})]))
    assert told.counts == {"parked": 1}

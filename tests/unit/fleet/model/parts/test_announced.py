"""Announced events that are over: once each, when their last window is assessed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.document.policies import Fleet
from monitoring.drift.verdict import Verdict as Drift

DRIFT: dict[str, Any] = {"verdict": Drift.DRIFTED, "stream": {"x": Drift.DRIFTED}}
CALM: dict[str, Any] = {}
#: The strike of 11 and 12 March, one day before and after it included.
REACHED = ("2024-03-10", "2024-03-11", "2024-03-12", "2024-03-13")


@pytest.fixture
def story(resolve: Callable[..., Fleet], telling: Callable[..., Any]) -> Any:
    """A model whose events reach a day to either side."""
    fleet = resolve(("lead_days: 0, lag_days: 0", "lead_days: 1, lag_days: 1"))
    return telling(fleet.models["demand"]).begin()


def assess(story: Any, day: str, **fields: Any) -> None:
    story.batch(day)
    closes = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1, hours=1)
    story.tell(at=max(closes, story.now))
    story.tell(story.assessed(day, **fields))


def test_an_event_in_which_nothing_moved_was_harmless(story: Any) -> None:
    for day in ("2024-03-08", *REACHED[:-1]):
        assess(story, day)
    assert story.said("event") == []
    assess(story, REACHED[-1])
    (line,) = story.said("event")
    assert line == {
        "what": "event", "event": "strike", "first": "2024-03-11", "last": "2024-03-12",
        "category": "other", "source": "strike.ics", "outcome": "harmless",
        "reason": "harmless: no drift in its 4 windows", "windows": 4, "alerts": 0,
    }  # fmt: skip


def test_an_event_that_explained_says_how_many_alerts(story: Any) -> None:
    assess(story, REACHED[0])
    for day in REACHED[1:3]:
        assess(story, day, **DRIFT, explained_by="strike", score=Drift.DRIFTED, score_psi=0.4)
    assess(story, REACHED[3])
    (line,) = story.said("event")
    assert (line["outcome"], line["alerts"]) == ("explained", 2)
    assert line["reason"] == "explained 2 alerts"


def test_what_the_last_window_needs_explained_counts(story: Any) -> None:
    for day in REACHED[:-1]:
        assess(story, day)
    assess(story, REACHED[-1], **DRIFT, explained_by="strike")
    assert [line["reason"] for line in story.said("event")] == ["explained 1 alert"]


def test_drift_that_is_not_put_down_to_the_event_is_not_explained_by_it(story: Any) -> None:
    for day in REACHED:
        assess(story, day, **DRIFT, explained_by=None)
    (line,) = story.said("event")
    assert (line["outcome"], line["windows"], line["alerts"]) == ("moved", 4, 0)


def test_an_event_without_windows_was_unused_and_is_told_with_the_next_one(story: Any) -> None:
    assess(story, "2024-03-08")
    assess(story, "2024-03-20")
    (line,) = story.said("event")
    assert (line["outcome"], line["windows"]) == ("unused", 0)


def test_it_is_told_once_even_when_the_window_is_assessed_again(story: Any) -> None:
    for day in REACHED:
        assess(story, day)
    assess(story, REACHED[-1], of=story.state.windows.open[REACHED[-1]].assess_asked)
    for day in ("2024-03-14", "2024-03-15"):
        assess(story, day)
    assert len(story.said("event")) == 1


def test_events_from_before_the_first_window_are_not_told(story: Any) -> None:
    assess(story, "2024-03-20")
    assert story.said("event") == []


def test_counters_of_an_event_that_is_over_are_let_go(story: Any) -> None:
    assess(story, REACHED[1], **DRIFT, explained_by="strike")
    assert [key for key in story.state.counts if key.startswith("explained:")]
    assess(story, REACHED[3])
    assert [key for key in story.state.counts if key.startswith("explained:")] == []


def test_a_model_without_events_counts_nothing(fleet: Fleet, telling: Callable[..., Any]) -> None:
    story = telling(fleet.models["fraud"])
    story.tell(at=story.now)
    assert story.state.counts == {}

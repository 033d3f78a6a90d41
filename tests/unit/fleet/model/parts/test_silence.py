"""Silence of an endpoint: told by time, when what is unread was read, and over with a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import codec
from fleet.document.policies import Fleet
from fleet.model.effects import Tell
from fleet.model.facts import LogGrew
from fleet.model.records import Collection, TrafficCount
from fleet.model.results import LogRead, TrafficCounted
from fleet.model.state import Model
from monitoring.alerts.lifecycle import Kind, Severity, Status
from monitoring.traffic import KEPT

HOUR = timedelta(hours=1)
START = datetime(2024, 4, 8, tzinfo=UTC)
WEEKS = 3
END = START + timedelta(weeks=WEEKS)


def hour(start: datetime, requests: int = 25, deployment: str = "v1") -> TrafficCount:
    return TrafficCount(deployment, start, start + HOUR, requests, 0, 0)


def read(story: Any, counts: list[TrafficCount], at: datetime) -> None:
    story.tell(LogRead("traffic", 0, 1, 1, (), tuple(counts)), at=at)


@pytest.fixture(scope="module")
def weeks(fleet: Fleet, telling: Callable[..., Any]) -> Any:
    """Three weeks of 25 requests an hour, read at the end of each hour. Not to be told more."""
    story = telling(fleet.models["demand"]).begin()
    for i in range(WEEKS * 7 * 24):
        start = START + i * HOUR
        read(story, [hour(start, 24 + i % 3)], start + HOUR)
    return story


@pytest.fixture
def heard(weeks: Any) -> Any:
    """A story of its own after those three weeks."""
    told = {name: list(getattr(weeks, name)) for name in ("effects", "lines", "last")}
    return replace(weeks, **told)


def pages(story: Any) -> list[Any]:
    return [tell.notice for tell in story.owed(Tell) if tell.notice.alert.startswith("silence")]


def test_silence_pages_by_time_alone_and_ends_with_a_request(heard: Any) -> None:
    due = heard.state.silence.due
    assert END + HOUR < due <= END + 2 * HOUR + timedelta(minutes=10)
    assert heard.wake_at <= due
    heard.tell(at=due - timedelta(minutes=1))
    assert pages(heard) == []
    heard.tell(at=due)
    (page,) = pages(heard)
    assert (page.kind, page.severity, page.status) == (Kind.TRAFFIC, Severity.PAGE, Status.FIRING)
    assert page.alert == "silence-1"
    assert "no request since 2024-04-29 00:00 UTC, about " in page.reason
    assert "check the callers: an expired credential is a frequent cause" in page.reason
    assert len(heard.said("silence")) == 1
    heard.tell(after=5 * HOUR)
    assert pages(heard) == []
    read(heard, [hour(END + 7 * HOUR)], END + 8 * HOUR)
    assert not heard.state.alerting.signals["silence"].active
    heard.tell(after=timedelta(days=1, minutes=1))
    assert [page.status for page in pages(heard) if page.status is Status.RESOLVED]


def test_traffic_as_usual_leaves_no_signal(heard: Any) -> None:
    assert "silence" not in heard.state.alerting.signals
    assert heard.said("quiet") == []


def test_what_is_announced_and_not_read_yet_may_be_requests(heard: Any) -> None:
    due = heard.state.silence.due
    heard.tell(LogGrew("traffic/new", 100, Collection.traffic), at=due - timedelta(minutes=1))
    heard.tell(at=due)
    assert pages(heard) == []
    heard.tell(LogRead("traffic/new", 0, 100, 100, ()), after=timedelta(minutes=1))
    assert len(pages(heard)) == 1


def test_who_was_away_waits_an_hour_for_what_was_logged_meanwhile(heard: Any) -> None:
    due = heard.state.silence.due
    heard.tell(at=due + timedelta(hours=9))
    assert pages(heard) == []
    assert heard.wake_at <= due + timedelta(hours=10)
    heard.tell(at=due + timedelta(hours=10))
    assert len(pages(heard)) == 1


def test_what_came_meanwhile_is_no_silence(heard: Any) -> None:
    due = heard.state.silence.due
    heard.tell(at=due + timedelta(hours=9))
    count = int((heard.now - END) / HOUR)
    read(heard, [hour(END + i * HOUR) for i in range(count)], heard.now + timedelta(minutes=5))
    assert pages(heard) == []
    heard.tell(after=timedelta(minutes=30))
    assert pages(heard) == []


def test_logs_that_come_once_a_day_are_awaited_as_long(begun: Any) -> None:
    for day in range(WEEKS * 7):
        start = START + timedelta(days=day)
        read(begun, [hour(start + i * HOUR) for i in range(24)], start + timedelta(hours=26))
    due = begun.state.silence.due
    assert due > END + timedelta(hours=26)
    assert due < END + timedelta(hours=32)


def test_a_history_that_is_read_at_once_says_nothing_about_its_lateness(begun: Any) -> None:
    hours = [START + i * HOUR for i in range(WEEKS * 7 * 24)]
    read(begun, [hour(start) for start in hours], END)
    assert begun.state.silence.due is None


def test_copies_for_a_yardstick_are_no_requests(begun: Any) -> None:
    read(begun, [hour(START, deployment="v0")], START + HOUR)
    assert begun.state.silence.heard.counts == ()


def test_silence_can_be_left_out(
    resolve: Callable[..., Fleet], telling: Callable[..., Any]
) -> None:
    fleet = resolve(
        ("    calendar: berlin\n", "    calendar: berlin\n    traffic: {silence: false}\n")
    )
    story = telling(fleet.models["demand"]).begin()
    read(story, [hour(START)], START + HOUR)
    story.tell(TrafficCounted(START, START + HOUR, (hour(START),)))
    assert story.state.silence == Model().silence


def test_a_log_service_is_believed_only_as_far_as_it_has_counted(
    resolve: Callable[..., Fleet], telling: Callable[..., Any]
) -> None:
    fleet = resolve(("slow_ms: 100}", "slow_ms: 100, traffic: true}"))
    story = telling(fleet.models["demand"]).begin()
    for i in range(WEEKS * 7 * 24):
        start = START + i * HOUR
        story.tell(
            TrafficCounted(start, start + HOUR, (hour(start),)),
            at=start + HOUR + timedelta(minutes=11),
        )
    due = story.state.silence.due
    story.tell(at=due)
    assert pages(story) == []
    story.tell(TrafficCounted(END, END + 2 * HOUR, ()), after=timedelta(minutes=2))
    assert len(pages(story)) == 1


def test_metrics_tell_no_silence(
    resolve: Callable[..., Fleet], telling: Callable[..., Any]
) -> None:
    fleet = resolve(("slow_ms: 100}", "slow_ms: 100, traffic: true}"))
    story = telling(fleet.models["demand"]).begin()
    known = story.state.silence
    for i in range(5):
        start = START + i * HOUR
        told = TrafficCounted(start, start + HOUR, (hour(start),), gapless=False)
        story.tell(told, at=start + HOUR + timedelta(minutes=11))
    assert story.state.silence == known


def test_half_of_the_callers_gone_is_written_down_once_and_pages_nobody(heard: Any) -> None:
    for i in range(5):
        read(heard, [hour(END + i * HOUR, 4)], END + (i + 1) * HOUR + timedelta(minutes=11))
    assert len(heard.said("quiet")) == 1
    assert pages(heard) == []


def test_the_bounded_history_is_small_and_is_read_back(heard: Any) -> None:
    for i in range(4 * 7):
        day = [hour(END + (24 * i + j) * HOUR, 900 + j % 7) for j in range(24)]
        read(heard, day, END + (i + 1) * 24 * HOUR)
    assert len(heard.state.silence.heard.counts) == KEPT
    stored = codec.encode(heard.state.silence)
    assert len(stored) < 8_000
    assert codec.decode(type(heard.state.silence), stored) == heard.state.silence

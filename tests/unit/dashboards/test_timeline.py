from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from dashboards import timeline
from dashboards.charts import Axis
from dashboards.days import Day
from dashboards.story import story

AXIS = Axis(date(2013, 4, 1), 100, "UTC")


def at(day: int, month: int = 4) -> datetime:
    return datetime(2013, month, day, tzinfo=UTC)


def test_an_event_is_one_bar_over_its_days() -> None:
    days = [Day(date(2013, 4, n), event="Fair" if n in (3, 4) else None) for n in range(1, 8)]
    (row,) = timeline.calendar(days, AXIS)
    (bar,) = row.bars
    assert (row.label, bar.left, bar.width) == ("calendar", 2, 2)
    assert bar.title == "Fair\n2013-04-03 to 2013-04-04"


def test_the_challengers_share_stands_in_the_champions_era(
    records: Callable[..., Any], line: Callable[..., Any]
) -> None:
    told = story(
        records(
            [
                (at(1), line("traffic")),
                (at(11), line("rollout")),
                (at(11), line("traffic", shadow=["v2"])),
                (at(21), line("rollout", phase="canary")),
                (at(21), line("traffic", weights={"q1": 90, "v2": 10})),
                (at(1, 5), line("rollout", phase="promoted")),
                (at(1, 5), line("traffic", weights={"v2": 100})),
            ]
        )
    )
    (traffic, rollouts) = timeline.serving(told, AXIS, at(11, 5), "m")
    bars = [(bar.look, bar.left, bar.width, bar.share, bar.name) for bar in traffic.bars]
    assert bars == [
        ("era-0", 0, 30, 100, "q1"),
        ("era-1", 30, 10, 100, "v2"),
        ("shadow", 10, 10, 12, ""),
        ("share", 20, 10, 10, ""),
    ]
    ways = [(bar.look, bar.left, bar.width) for bar in rollouts.bars]
    assert ways == [("phase-shadow", 10, 10), ("phase-canary", 20, 10), ("end promoted", 30, 0)]


def test_a_rollout_under_way_reaches_to_now(
    records: Callable[..., Any], line: Callable[..., Any]
) -> None:
    told = story(records([(at(1), line("rollout"))]))
    (rollouts,) = timeline.serving(told, AXIS, at(6), "m")
    assert [(bar.left, bar.width) for bar in rollouts.bars] == [(0, 5)]


def test_pages_come_first_and_what_was_held_is_hollow(
    records: Callable[..., Any], line: Callable[..., Any]
) -> None:
    page = {"alert": "quality-1", "severity": "page"}
    told = story(
        records(
            [
                (at(1), line("alert", phase="pending", alert="drift-0", explained_by="Fair")),
                (at(3), line("alert")),
                (at(6), line("alert", phase="resolved")),
                (at(8), line("alert", **page)),
            ]
        )
    )
    quality, drift = timeline.alerts(told, AXIS, at(10))
    assert [(bar.look, bar.left, bar.width) for bar in quality.bars] == [("page", 7, 2)]
    assert [(bar.look, bar.left, bar.width) for bar in drift.bars] == [
        ("held", 0, 2), ("ticket", 2, 3),
    ]  # fmt: skip
    assert (drift.note, quality.label) == ("1", "quality")
    assert "still firing" in quality.bars[0].title
    assert drift.spoken.startswith("drift: not sent: explained by Fair")


def test_what_changed_is_a_point_or_a_bar_where_it_lasts(
    records: Callable[..., Any], line: Callable[..., Any]
) -> None:
    """Times are those that were reported, and a change that spans the whole axis is on it."""

    def noted(subject: str, at: str | None, until: str = "", kind: str = "campaign") -> Any:
        said = {"what": "noted", "type": "t", "subject": subject, "at": at, "until": until}
        return said | ({"kind": kind, "by": "ada"} if kind else {})

    told = story(
        records(
            [
                (at(5), noted("sale", "2013-04-03T00:00:00Z", "2013-04-05T00:00:00Z")),
                (at(6), noted("<b>app</b>", None, kind="deployment")),
                (at(7), noted("endpoints/shop", "2013-04-07T00:00:00Z", kind="")),
                (at(7), noted("decade", "2010-01-01T00:00:00Z", "2019-01-01T00:00:00Z")),
                (at(7), noted("before", "2010-01-01T00:00:00Z", "2011-01-01T00:00:00Z")),
                (at(7), noted("after", "2019-01-01T00:00:00Z")),
            ]
        )
    )
    (row, *_) = timeline.serving(told, AXIS, at(10), "m")
    assert row.label == "what changed"
    assert [(bar.look, bar.left, bar.width, bar.title) for bar in row.bars] == [
        ("event", 0, 100,
         "campaign: decade, by ada (2010-01-01 00:00 to 2019-01-01 00:00 UTC)"),
        ("event", 2, 2, "campaign: sale, by ada (2013-04-03 00:00 to 2013-04-05 00:00 UTC)"),
        ("point open", 5, 0, "deployment: <b>app</b>, by ada (2013-04-06 00:00 UTC)"),
        ("point open", 6, 0, "t endpoints/shop (2013-04-07 00:00 UTC)"),
    ]  # fmt: skip

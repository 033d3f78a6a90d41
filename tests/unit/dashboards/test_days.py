from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from dashboards.days import Day, Episode, days, episodes
from dashboards.journal import Journal
from fleet.model.lines.line import Line

AT = datetime(2013, 4, 3, tzinfo=UTC)


def drifting(day: int, *features: str, event: str | None = None) -> Day:
    return Day(date(2013, 4, day), stream=dict.fromkeys(features, "drifting"), event=event)


def journal(*lines: Line) -> Journal:
    return Journal((AT, line) for line in lines)


def test_the_latest_assessment_and_join_of_a_window_hold(said: Callable[..., Any]) -> None:
    assessed = [
        said("assessed", window="2013-04-02", rows=10),
        said("assessed", window="2013-04-01", rows=20),
        said("assessed", window="2013-04-02", rows=30, quality=["no temp"], event="Fair"),
    ]
    joined = [
        said("joined", window="2013-04-02", labelled=1),
        said("joined", window="2013-04-02", labelled=2, scores={"served": {"auc": 0.7}}),
    ]
    first, second = days(journal(*assessed, *joined))
    assert (first.day, first.rows, first.labelled, first.health) == (date(2013, 4, 1), 20, 0, None)
    assert (second.rows, second.labelled, second.quality) == (30, 2, ("no temp",))
    assert (second.event, second.served, second.baseline) == ("Fair", {"auc": 0.7}, {})


def test_an_estimate_is_told_only_while_labels_are_missing(said: Callable[..., Any]) -> None:
    estimate = {"brier": (0.18, 0.17, 0.19), "auc": (0.7, 0.65, 0.75)}
    estimated = replace(said("assessed"), estimate=estimate)
    (waiting,) = days(journal(estimated, said("joined", labelled=9)))
    assert waiting.estimated == "auc 0.700 (0.650 to 0.750), brier 0.180 (0.170 to 0.190)"
    (known,) = days(journal(estimated, said("joined", labelled=880)))
    assert known.estimated == ""
    (plain,) = days(journal(said("assessed")))
    assert plain.estimated == ""


def test_a_window_that_is_only_joined_has_no_verdict(said: Callable[..., Any]) -> None:
    (day,) = days(journal(said("joined", health="insufficient")))
    assert (day.verdict, day.health) == (None, "insufficient")


def test_one_quiet_window_does_not_end_an_episode_and_two_do() -> None:
    known = [
        drifting(1, "temp"), drifting(2), drifting(3, "temp"), drifting(4), drifting(5),
        drifting(6, "temp"),
    ]  # fmt: skip
    assert episodes(known) == (
        Episode(("temp",), date(2013, 4, 1), date(2013, 4, 3)),
        Episode(("temp",), date(2013, 4, 6), date(2013, 4, 6)),
    )


def test_features_that_drift_at_the_same_time_are_one_episode() -> None:
    known = [drifting(1, "b"), drifting(2, "a", "b"), drifting(3, "a"), drifting(4, "c")]
    assert episodes(known) == (
        Episode(("a", "b"), date(2013, 4, 1), date(2013, 4, 3)),
        Episode(("c",), date(2013, 4, 4), date(2013, 4, 4)),
    )


def test_an_event_explains_an_episode_only_when_every_window_lies_in_one() -> None:
    inside = [
        drifting(1, "a", event="Fair"), drifting(2, "a", event="Fair"),
        drifting(3, "a", event="Fair travel"),
    ]  # fmt: skip
    assert [e.explained_by for e in episodes(inside)] == ["Fair"]
    assert [e.explained_by for e in episodes([*inside, drifting(4, "a")])] == [None]


def test_a_holiday_stands_out_of_a_season_that_drifts_anyway() -> None:
    known = [
        drifting(1, "temp"), drifting(2, "temp", "seats", event="Fair"), drifting(3, "temp"),
    ]  # fmt: skip
    assert episodes(known) == (
        Episode(("temp",), date(2013, 4, 1), date(2013, 4, 3)),
        Episode(("seats",), date(2013, 4, 2), date(2013, 4, 2), "Fair"),
    )


def test_no_window_no_episode() -> None:
    assert episodes([]) == ()
    assert episodes([drifting(1), drifting(2)]) == ()

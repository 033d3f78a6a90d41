from __future__ import annotations

from datetime import UTC, date, datetime

from dashboards.days import Day, Episode, days, episodes

AT = datetime(2013, 4, 3, tzinfo=UTC)


def drifting(day: int, *features: str, event: str | None = None) -> Day:
    return Day(date(2013, 4, day), stream=dict.fromkeys(features, "drifting"), event=event)


def test_the_latest_assessment_and_join_of_a_window_hold(line) -> None:
    assessed = [
        (AT, line("assessed", window="2013-04-02", rows=10)),
        (AT, line("assessed", window="2013-04-01", rows=20)),
        (AT, line("assessed", window="2013-04-02", rows=30, quality=["no temp"], event="Fair")),
    ]
    joined = [
        (AT, line("joined", window="2013-04-02", labelled=1)),
        (AT, line("joined", window="2013-04-02", labelled=2, scores={"served": {"auc": 0.7}})),
    ]
    first, second = days(assessed, joined)
    assert (first.day, first.rows, first.labelled, first.health) == (date(2013, 4, 1), 20, 0, None)
    assert (second.rows, second.labelled, second.quality) == (30, 2, ("no temp",))
    assert (second.event, second.served, second.baseline) == ("Fair", {"auc": 0.7}, {})


def test_a_window_that_is_only_joined_has_no_verdict(line) -> None:
    (day,) = days([], [(AT, line("joined", health="insufficient"))])
    assert (day.verdict, day.health) == (None, "insufficient")


def test_one_quiet_window_does_not_end_an_episode_and_two_do() -> None:
    known = [
        drifting(1, "temp"), drifting(2), drifting(3, "humid"), drifting(4), drifting(5),
        drifting(6, "wind"),
    ]  # fmt: skip
    assert episodes(known) == (
        Episode(("humid", "temp"), date(2013, 4, 1), date(2013, 4, 3)),
        Episode(("wind",), date(2013, 4, 6), date(2013, 4, 6)),
    )


def test_an_event_explains_an_episode_only_when_all_its_windows_lie_in_it() -> None:
    inside = [drifting(1, "a", event="Fair"), drifting(2, "a", event="Fair")]
    assert episodes(inside)[0].explained_by == "Fair"
    assert episodes([*inside, drifting(3, "a")])[0].explained_by is None
    assert episodes([*inside, drifting(3, "a", event="Storm")])[0].explained_by is None


def test_no_window_no_episode() -> None:
    assert episodes([]) == ()
    assert episodes([drifting(1), drifting(2)]) == ()

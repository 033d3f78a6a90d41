"""Which days are trained on."""

from __future__ import annotations

from datetime import date, timedelta

from retrain.dataset import DayRow, Policy, select

FIRST = date(2013, 4, 1)
TODAY = FIRST + timedelta(days=30)


def month(events: dict[int, str] | None = None, unlabelled: tuple[int, ...] = ()) -> list[DayRow]:
    named = events or {}
    return [
        DayRow(FIRST + timedelta(days=i), 900, 300 if i in unlabelled else 880, named.get(i))
        for i in range(30)
    ]


def test_the_holdout_is_the_newest_and_later_than_training() -> None:
    chosen = select(month(), Policy(days=14, holdout_days=5, min_days=7), TODAY)
    assert chosen.holdout == tuple(FIRST + timedelta(days=i) for i in range(25, 30))
    assert chosen.training == tuple(FIRST + timedelta(days=i) for i in range(11, 25))
    assert chosen.left_out == ()
    assert chosen.enough


def test_announced_events_and_days_without_labels_are_left_out_and_said() -> None:
    rows = month(events=dict.fromkeys(range(20, 27), "furloughs"), unlabelled=(28,))
    chosen = select(rows, Policy(days=60, holdout_days=3, min_days=7), TODAY)
    assert [(out.day.day, out.reason) for out in chosen.left_out] == [
        *[(day, "announced event: furloughs") for day in range(21, 28)],
        (29, "300 of 900 rows labelled, 80 % are needed"),
    ]
    assert chosen.holdout == (date(2013, 4, 20), date(2013, 4, 28), date(2013, 4, 30))
    assert len(chosen.training) == 19


def test_events_stay_when_the_policy_says_so() -> None:
    rows = month(events=dict.fromkeys(range(20, 27), "furloughs"))
    chosen = select(rows, Policy(exclude_events=False), TODAY)
    assert chosen.left_out == ()


def test_today_is_never_used() -> None:
    chosen = select(month(), Policy(days=14, holdout_days=1), FIRST + timedelta(days=29))
    assert chosen.holdout == (date(2013, 4, 29),)
    assert [(out.day.day, out.reason) for out in chosen.left_out] == [(30, "the day is not over")]


def test_too_few_days_is_said_not_raised() -> None:
    chosen = select(month()[:12], Policy(holdout_days=7, min_days=14), TODAY)
    assert not chosen.enough
    assert chosen.reason == ("too little to train on: 5 days before 7 holdout days, 14 are needed")
    assert select([], Policy(), TODAY).training == ()


def test_a_day_without_rows_is_left_out() -> None:
    chosen = select([DayRow(FIRST, 0, 0)], Policy(), TODAY)
    assert [out.reason for out in chosen.left_out] == ["0 rows, 1 are needed"]

from __future__ import annotations

from datetime import date

from dashboards.announced import occasions, span
from dashboards.days import Day
from dashboards.story import Past


def test_the_same_event_a_second_time_is_another_occasion() -> None:
    days = [Day(date(2013, 4, n), event="Fair" if n != 2 else None) for n in (1, 2, 3)]
    assert [occasion.first.day for occasion in occasions(days)] == [1, 3]


def test_an_event_says_what_it_came_to_and_one_without_windows_is_listed() -> None:
    def on(day: int) -> date:
        return date(2013, 4, day)

    days = [Day(on(n), event="strike" if n in (2, 3, 9) else None) for n in range(1, 10)]
    events = [
        Past("strike", on(3), on(3), "explained 1 alert"),
        Past("fair", on(6), on(6), "unused: no judged window lies within it"),
        Past("strike", on(10), on(10), "harmless: no drift in its 2 windows"),
    ]
    assert [(o.name, o.first.day, o.came_to) for o in occasions(days, events)] == [
        ("strike", 2, "explained 1 alert"),
        ("fair", 6, "unused: no judged window lies within it"),
        ("strike", 9, "harmless: no drift in its 2 windows"),
    ]
    assert [o.came_to for o in occasions(days)] == ["", ""]


def test_a_span_of_one_day_is_that_day() -> None:
    assert span(date(2013, 4, 3), date(2013, 4, 3)) == "2013-04-03"
    assert span(date(2013, 4, 3), date(2013, 4, 5)) == "2013-04-03 to 2013-04-05"

"""Days, holidays and announced events; the expected dates come from outside tables."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.errors import Refused
from monitoring.calendars import (
    Calendar,
    Category,
    DayClass,
    Freeze,
    Policy,
    announced,
    calendar,
    frozen,
)

NEW_YORK = "America/New_York"
NOW = datetime(2014, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
RESOURCES = Path(__file__).parents[2] / "resources" / "calendars"

FURLOUGHS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:1
SUMMARY:Air traffic control furloughs
CATEGORIES:INCIDENT
DTSTART;VALUE=DATE:20130421
DTEND;VALUE=DATE:20130428
X-ANNOUNCED:20130416T120000Z
CREATED:20130501T000000Z
DTSTAMP:20260101T000000Z
END:VEVENT
END:VCALENDAR
"""

PAYDAY = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:2
SUMMARY:Payday
CATEGORIES:finance,PROMOTION
DTSTART;TZID=America/New_York:20130131T220000
DURATION:PT3H
RRULE:FREQ=MONTHLY;BYMONTHDAY=-1
CREATED:20130101T000000Z
END:VEVENT
BEGIN:VEVENT
UID:3
SUMMARY:Called off
STATUS:CANCELLED
DTSTART;VALUE=DATE:20130605
END:VEVENT
BEGIN:VEVENT
UID:4
SUMMARY:Midnight to midnight
DTSTART:20130610T040000Z
DTEND:20130611T040000Z
END:VEVENT
END:VCALENDAR
"""


def one(text: str, **policy: object) -> Calendar:
    return calendar(
        Policy(zone=NEW_YORK, ics=("a.ics",), **policy),
        [text],
    )


def rows(name: str) -> list[dict[str, str]]:
    text = (RESOURCES / name).read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return list(csv.DictReader(StringIO("\n".join(lines))))


def test_public_holidays_are_those_the_authorities_published() -> None:
    for country in {row["country"] for row in rows("holidays.csv")}:
        published = {
            date.fromisoformat(row["day"])
            for row in rows("holidays.csv")
            if row["country"] == country
        }
        built = calendar(Policy(countries=(country,)))
        years = {day.year for day in published}
        days = [date(year, 1, 1) + timedelta(days=i) for year in sorted(years) for i in range(365)]
        assert {day for day in days if built.events_on(day)} == published


def test_lead_and_lag_widen_an_event_to_either_side() -> None:
    built = calendar(Policy(countries=("US",), lead_days=3, lag_days=2))
    reached = [
        day
        for day in (date(2013, 11, 20) + timedelta(days=i) for i in range(20))
        if (event := built.explains(day, NOW)) and event.name == "Thanksgiving Day"
    ]
    assert (reached[0], reached[-1], len(reached)) == (date(2013, 11, 25), date(2013, 11, 30), 6)


def test_the_nearest_event_explains() -> None:
    built = calendar(Policy(countries=("US",), lead_days=7, lag_days=7))
    names = {
        day: event.name
        for day in (date(2013, 12, 26), date(2013, 12, 30))
        if (event := built.explains(day, NOW))
    }
    assert names == {date(2013, 12, 26): "Christmas Day", date(2013, 12, 30): "New Year's Day"}


def test_only_what_was_announced_before_now_explains() -> None:
    built = one(FURLOUGHS)
    day = date(2013, 4, 21)
    (event,) = built.events_on(day)
    assert (event.first, event.last) == (day, date(2013, 4, 27))
    assert event.category is Category.INCIDENT
    told = datetime(2013, 4, 16, 12, tzinfo=UTC)
    assert event.announced == told
    assert built.explains(day, told - timedelta(seconds=1)) is None
    assert built.explains(day, told) == event
    assert (announced(event, told), announced(event, told - timedelta(1))) == (True, False)
    assert built.explains(date(2013, 4, 20), told) == event
    assert built.explains(date(2013, 4, 19), told) is None


def test_the_announcement_falls_back_to_created_then_stamp_then_the_start() -> None:
    lines = FURLOUGHS.splitlines()
    expected = [
        ("X-ANNOUNCED", datetime(2013, 5, 1, tzinfo=UTC)),
        ("CREATED", datetime(2026, 1, 1, tzinfo=UTC)),
        ("DTSTAMP", datetime(2013, 4, 21, 4, tzinfo=UTC)),
    ]
    for dropped, moment in expected:
        lines = [line for line in lines if not line.startswith(dropped)]
        (event,) = one("\n".join(lines)).events_on(date(2013, 4, 21))
        assert event.announced == moment


def test_recurring_events_fall_on_local_days() -> None:
    built = one(PAYDAY)
    paydays = [
        day
        for day in (date(2013, 1, 1) + timedelta(days=i) for i in range(90))
        if any(event.name == "Payday" for event in built.events_on(day))
    ]
    assert paydays == [
        date(2013, 1, 31),
        date(2013, 2, 1),
        date(2013, 2, 28),
        date(2013, 3, 1),
        date(2013, 3, 31),
    ]
    assert built.events_on(date(2013, 1, 31))[0].category is Category.PROMOTION
    assert built.events_on(date(2013, 6, 5)) == ()
    assert built.events_on(date(2013, 6, 10))[0].name == "Midnight to midnight"
    assert built.events_on(date(2013, 6, 11)) == ()


def test_an_event_over_new_year_is_on_both_years() -> None:
    text = FURLOUGHS.replace("20130421", "20121230").replace("20130428", "20130103")
    built = one(text)
    assert [bool(built.events_on(date(2012, 12, d))) for d in (29, 30, 31)] == [False, True, True]
    assert [bool(built.events_on(date(2013, 1, d))) for d in (1, 2, 3)] == [True, True, False]


def test_day_classes() -> None:
    built = one(PAYDAY, countries=("US",))
    assert {
        day.isoformat(): built.day_class(day, NOW)
        for day in (
            date(2013, 7, 2),
            date(2013, 7, 3),
            date(2013, 7, 4),
            date(2013, 7, 6),
            date(2013, 2, 28),
        )
    } == {
        "2013-07-02": DayClass.WEEKDAY,
        "2013-07-03": DayClass.EVE,
        "2013-07-04": DayClass.HOLIDAY,
        "2013-07-06": DayClass.WEEKEND,
        "2013-02-28": DayClass.PROMOTION,
    }
    early = datetime(2012, 12, 1, tzinfo=UTC)
    assert built.day_class(date(2013, 2, 28), early) is DayClass.WEEKDAY


def test_a_weekend_is_what_the_policy_says() -> None:
    built = calendar(Policy(weekend=("friday", "saturday")))
    week = [built.day_class(date(2013, 7, day), NOW) for day in range(1, 8)]
    plain, free = DayClass.WEEKDAY, DayClass.WEEKEND
    assert week == [plain, plain, plain, plain, free, free, plain]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "a.ics:1: not an iCalendar file"),
        ("hello", "a.ics:1: not an iCalendar file"),
        (FURLOUGHS.replace("20130421", "soon"), "a.ics:8: Air traffic control furloughs: DTSTART"),
        (PAYDAY.replace("MONTHLY", "SOMETIMES"), "a.ics:10: Payday: RRULE"),
        (FURLOUGHS.replace("20130416T120000Z", "in spring"), "X-ANNOUNCED in spring: write it as"),
        (FURLOUGHS.replace("DTSTART;VALUE=DATE:20130421\n", ""), "DTSTART is missing"),
    ],
)
def test_unreadable_files_are_refused_in_one_line(text: str, complaint: str) -> None:
    with pytest.raises(Refused, match=complaint) as refusal:
        one(text)
    assert "\n" not in str(refusal.value)


def test_every_named_file_must_be_handed_in() -> None:
    with pytest.raises(Refused, match=r"names 1 \.ics files but 0 were read"):
        calendar(Policy(ics=("a.ics",)), [])


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        ({"zone": "America/NewYork"}, "did you mean America/New_York"),
        ({"zone": ""}, "unknown zone"),
        ({"zone": "America"}, "America: unknown zone"),
        ({"countries": ("ZZ",)}, "ZZ: no holidays known"),
        ({"countries": ("US-XX",)}, "US has no subdivision XX"),
        ({"segments": {"store_country": "DE"}}, "name a segment as COLUMN=LEVEL"),
        ({"segments": {"store_country=DE": "DX"}}, "DX: no holidays known for DX"),
    ],
)
def test_unknown_names_are_refused_with_a_suggestion(
    policy: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Policy(**policy)


def test_a_subdivision_adds_its_own_days() -> None:
    lincoln = date(2013, 2, 12)
    assert calendar(Policy(countries=("US",))).day_class(lincoln, NOW) is DayClass.WEEKDAY
    assert calendar(Policy(countries=("US-NY",))).day_class(lincoln, NOW) is DayClass.HOLIDAY


def test_a_segments_country_explains_that_segment_only() -> None:
    unity, thanks = date(2013, 10, 3), date(2013, 11, 28)
    built = one(
        PAYDAY, countries=("US",), segments={"country=DE": "DE", "country=AT": "AT"}, lag_days=0
    )
    german = built.for_segment("country=DE")
    assert (german.explains(unity, NOW) is None, built.explains(unity, NOW)) == (False, None)
    assert (german.explains(thanks, NOW), built.explains(thanks, NOW) is None) == (None, False)
    # Of a segment without a country nothing else is known, and what was announced holds for all.
    assert built.for_segment("country=US") is built
    assert built.for_segment("country=DE") is german
    assert built.for_segment("country=AT") is not german
    day = next(d for d in _days(2013) if any(e.source == "a.ics" for e in built.events_on(d)))
    assert [e for e in german.events_on(day) if e.source == "a.ics"] == [
        e for e in built.events_on(day) if e.source == "a.ics"
    ]


def test_an_event_reaches_as_far_as_it_explains() -> None:
    built = calendar(Policy(countries=("US",), lead_days=2, lag_days=1))
    (fourth,) = built.events_on(date(2013, 7, 4))
    assert built.reach(fourth) == (date(2013, 7, 2), date(2013, 7, 5))
    explained = [day for day in _days(2013) if built.explains(day, NOW) == fourth]
    assert (explained[0], explained[-1]) == built.reach(fourth)


def test_an_event_is_over_once_on_the_last_day_it_reaches() -> None:
    built = one(FURLOUGHS, countries=("US",), lead_days=2, lag_days=1)
    over = [(day, event) for day in _days(2013) for event in built.over(day - DAY, day, NOW)]
    assert over
    assert all(built.reach(event)[1] == day for day, event in over)
    span = built.over(date(2012, 12, 31), date(2013, 12, 31), NOW)
    assert sorted(map(str, span)) == sorted(str(event) for _, event in over)
    assert built.over(date(2013, 7, 5), date(2013, 7, 5), NOW) == ()
    early = datetime(2000, 1, 1, tzinfo=UTC)
    assert all(e.announced is None for e in built.over(date(2012, 12, 31), NOW.date(), early))


def test_what_reaches_a_day_is_what_may_explain_it() -> None:
    built = one(FURLOUGHS, countries=("US",), lead_days=2, lag_days=1)
    for day in _days(2013):
        reaching = built.reaching(day, NOW)
        assert all(built.reach(event)[0] <= day <= built.reach(event)[1] for event in reaching)
        assert (built.explains(day, NOW) in reaching) or not reaching
        assert bool(reaching) == (built.explains(day, NOW) is not None)


def test_a_calendar_without_countries_and_files_is_empty() -> None:
    assert calendar(Policy()).empty
    assert not calendar(Policy(countries=("US",))).empty


def _days(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=i) for i in range(365)]


def test_the_longest_freeze_holds_and_ends_at_its_until() -> None:
    short = Freeze(NOW, "kim", "release")
    long = Freeze(NOW + timedelta(hours=1), "lee", "audit")
    assert frozen([short, long], NOW - timedelta(hours=1)) == long
    assert frozen([short, long], NOW) == long
    assert frozen([short], NOW) is None
    assert frozen([], NOW) is None


def test_the_faults_of_all_files_are_told_together() -> None:
    policy = Policy(ics=("a.ics", "b.ics", "c.ics"))
    with pytest.raises(Refused) as refused:
        calendar(policy, ["hello", FURLOUGHS, PAYDAY.replace("MONTHLY", "SECONDLY")])
    assert [line.partition(": ")[0] for line in str(refused.value).splitlines()] == [
        "a.ics:1",
        "c.ics:10",
    ]


def test_a_calendar_is_expanded_before_it_is_used() -> None:
    daily = FURLOUGHS.replace("DTEND", "RRULE:FREQ=DAILY\nDTEND").replace("20130428", "20140428")
    calendar(Policy(ics=("a.ics",)), [daily]).check([2012])
    with pytest.raises(Refused, match=r"a\.ics:4: .*: the events of 2014 take up more than 20,000"):
        calendar(Policy(ics=("a.ics",)), [daily]).check([2012, 2014])

"""When digests are due: each day and week once, in the zone of the team, whatever ran."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import ValidationError

from monitoring.alerts.digest import Due, Policy, Told, step

BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def plan(hour: str = "08:00", zone: str = "UTC", weekly: str | None = "monday") -> Policy:
    return Policy.model_validate({"receiver": "r", "at": hour, "zone": zone, "weekly": weekly})


@pytest.mark.parametrize(
    ("day", "hour", "zone", "moment"),
    [
        ("2024-03-04", "08:00", "UTC", "2024-03-04T08:00Z"),
        ("2024-03-30", "08:00", BERLIN, "2024-03-30T07:00Z"),
        ("2024-03-31", "08:00", BERLIN, "2024-03-31T06:00Z"),
        # Clocks leave 02:00 to 03:00 out, and have it twice in autumn.
        ("2024-03-31", "02:30", BERLIN, "2024-03-31T01:30Z"),
        ("2024-10-27", "02:30", BERLIN, "2024-10-27T00:30Z"),
        ("2024-10-27", "08:00", BERLIN, "2024-10-27T07:00Z"),
        ("2024-03-04", "00:00", "Asia/Kathmandu", "2024-03-03T18:15Z"),
        ("2024-03-04", "23:59", "Pacific/Kiritimati", "2024-03-04T09:59Z"),
        ("2024-04-07", "01:45", "Australia/Lord_Howe", "2024-04-06T14:45Z"),
    ],
)
def test_a_day_has_one_moment_in_its_zone(day: str, hour: str, zone: str, moment: str) -> None:
    found = plan(hour, zone)
    assert found.moment(date.fromisoformat(day)) == at(moment)
    assert found.last(at(moment)) == date.fromisoformat(day)
    before = found.last(at(moment) - timedelta(seconds=1))
    assert before == date.fromisoformat(day) - timedelta(days=1)


@pytest.mark.parametrize("zone", ["UTC", BERLIN, "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize("hour", ["00:00", "02:30", "08:00", "23:59"])
def test_a_year_of_days_is_owed_day_by_day_and_leaves_nothing_out(zone: str, hour: str) -> None:
    """Woken as each step asks: the spans follow each other, over both changes of the clocks."""
    policy, now = plan(hour, zone), at("2024-01-03T10:00Z")
    told, days, weeks = step(None, policy, now).told, list[Due](), list[Due]()
    wake = step(None, policy, now).wake_at
    while wake < at("2025-01-03T10:00Z"):
        done = step(told, policy, wake)
        assert step(done.told, policy, wake).due == ()
        days += [due for due in done.due if not due.weekly]
        weeks += [due for due in done.due if due.weekly]
        told, wake = done.told, done.wake_at
    assert len(days) in (365, 366)
    assert len(weeks) == 52
    for spans in (days, weeks):
        assert [one.until for one in spans[:-1]] == [one.since for one in spans[1:]]
        assert {one.missed for one in spans} == {0}
    assert {date.fromisoformat(one.day).weekday() for one in weeks} == {0}


@pytest.mark.parametrize(
    ("told", "now", "due"),
    [
        (None, "2024-03-06T10:00Z", []),
        (Told("2024-03-06", "2024-03-04"), "2024-03-07T07:59Z", []),
        (Told("2024-03-06", "2024-03-04"), "2024-03-07T08:00Z", [("2024-03-07", 0, False)]),
        # Late by hours is not missed.
        (Told("2024-03-06", "2024-03-04"), "2024-03-07T23:00Z", [("2024-03-07", 0, False)]),
        (Told("2024-03-06", "2024-03-04"), "2024-03-10T09:00Z", [("2024-03-10", 3, False)]),
        (Told("2024-03-10", "2024-03-04"), "2024-03-11T08:00Z",
         [("2024-03-11", 0, False), ("2024-03-11", 0, True)]),
        # Monday was missed: the week is told on Tuesday, and is still that of Monday.
        (Told("2024-03-10", "2024-03-04"), "2024-03-12T08:00Z",
         [("2024-03-12", 1, False), ("2024-03-11", 0, True)]),
        (Told("2024-03-10", "2024-03-04"), "2024-03-27T08:00Z",
         [("2024-03-27", 16, False), ("2024-03-25", 2, True)]),
        # The clock was set back, or the zone is another: no day is told twice.
        (Told("2024-03-10", "2024-03-04"), "2024-03-08T09:00Z", []),
        (Told("2024-03-10", ""), "2024-03-12T08:00Z", [("2024-03-12", 1, False)]),
    ],
)  # fmt: skip
def test_what_is_due(told: Told | None, now: str, due: list[tuple[str, int, bool]]) -> None:
    done = step(told, plan(), at(now))
    assert [(one.day, one.missed, one.weekly) for one in done.due] == due
    assert done.wake_at > at(now)
    for one in done.due:
        assert one.until <= at(now)
        assert one.since < one.until
    again = step(done.told, plan(), at(now))
    assert (again.due, again.told) == ((), done.told)


def test_without_a_day_of_the_week_there_is_no_weekly_digest() -> None:
    done = step(Told("2024-03-10", "2024-03-04"), plan(weekly=None), at("2024-03-11T08:00Z"))
    assert [one.weekly for one in done.due] == [False]
    assert done.told == Told("2024-03-11", "")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"at": "8:00"}, "in quotes"),
        ({"at": "24:00"}, "in quotes"),
        ({"at": "08:00:00"}, "in quotes"),
        ({"at": 480}, "in quotes"),
        ({"at": "08:00\n"}, "in quotes"),
        ({"zone": "Europe/Berln"}, "Europe/Berln: unknown zone"),
        ({"zone": "../etc/passwd"}, "unknown zone"),
        ({"weekly": "funday"}, "Input should be 'monday'"),
    ],
)
def test_what_names_no_moment_is_refused(more: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Policy.model_validate({"receiver": "r", **more})

"""When tickets are sent and which kinds are muted, by a local clock with its nights of change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from monitoring.alerts.hours import Hours, Mute, Opening, muted, next_edge, opening
from monitoring.alerts.lifecycle import Kind
from monitoring.calendars import WEEKDAYS, Calendar, Policy, calendar


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


BERLIN = calendar(Policy(zone="Europe/Berlin", countries=("DE-BE",)))
KATHMANDU = calendar(Policy(zone="Asia/Kathmandu", weekend=("saturday",)))
OFFICE, NIGHT = Hours(begin="09:00", end="17:30"), Hours(begin="22:00", end="06:00")


@pytest.mark.parametrize(
    ("hours", "of", "now", "resumes", "changes"),
    [
        # A Monday in winter, an hour ahead of UTC.
        (OFFICE, BERLIN, "2024-01-15T07:59", "2024-01-15T08:00", "2024-01-15T08:00"),
        (OFFICE, BERLIN, "2024-01-15T08:00", None, "2024-01-15T16:30"),
        (OFFICE, BERLIN, "2024-01-15T16:30", "2024-01-16T08:00", "2024-01-16T08:00"),
        # Over a weekend into summer time.
        (OFFICE, BERLIN, "2024-03-29T20:00", "2024-04-02T07:00", "2024-04-02T07:00"),
        # Christmas on Wednesday and Thursday.
        (OFFICE, BERLIN, "2024-12-24T17:00", "2024-12-27T08:00", "2024-12-27T08:00"),
        # The night of the change is an hour shorter, and one longer.
        (NIGHT, calendar(Policy(zone="Europe/Berlin", weekend=())), "2024-03-30T22:00", None,
         "2024-03-31T04:00"),
        (NIGHT, calendar(Policy(zone="Europe/Berlin", weekend=())), "2024-10-26T21:00", None,
         "2024-10-27T05:00"),
        # The night of Friday lasts into Saturday.
        (NIGHT, BERLIN, "2024-01-13T04:59", None, "2024-01-13T05:00"),
        (NIGHT, BERLIN, "2024-01-13T05:00", "2024-01-15T21:00", "2024-01-15T21:00"),
        (OFFICE, KATHMANDU, "2024-01-14T03:14", "2024-01-14T03:15", "2024-01-14T03:15"),
        (OFFICE, KATHMANDU, "2024-01-14T03:15", None, "2024-01-14T11:45"),
        (Hours(begin="00:00", end="24:00"), BERLIN, "2024-01-15T22:59", None, "2024-01-15T23:00"),
    ],
)  # fmt: skip
def test_when_tickets_may_be_sent(
    hours: Hours, of: Calendar, now: str, resumes: str | None, changes: str
) -> None:
    found = opening(hours, of, at(now))
    assert found == Opening(at(resumes) if resumes else None, at(changes))


def test_without_a_business_day_nothing_waits() -> None:
    assert opening(OFFICE, calendar(Policy(weekend=WEEKDAYS)), at("2024-01-15T12:00")) == Opening()


BACKUP = Mute(kinds=(Kind.TRAFFIC, Kind.SLO), days=("sunday",), begin="01:30", end="03:30")
LATE = Mute(kinds=(Kind.DRIFT,), begin="23:00", end="01:00")


@pytest.mark.parametrize(
    ("zone", "now", "kinds", "edge"),
    [
        ("UTC", "2024-01-14T01:29", {}, "2024-01-14T01:30"),
        ("UTC", "2024-01-14T01:30", {"traffic": "03:30", "slo": "03:30"}, "2024-01-14T03:30"),
        ("UTC", "2024-01-14T03:30", {}, "2024-01-14T23:00"),
        ("UTC", "2024-01-15T00:59", {"drift": "01:00"}, "2024-01-15T01:00"),
        ("UTC", "2024-01-15T02:00", {}, "2024-01-15T23:00"),
        # Clocks go from 02:00 to 03:00: what begins at 01:30 is half an hour long.
        ("Europe/Berlin", "2024-03-31T00:31", {"traffic": "01:30", "slo": "01:30"},
         "2024-03-31T01:30"),
        ("Europe/Berlin", "2024-10-27T02:29", {"traffic": "02:30", "slo": "02:30"},
         "2024-10-27T02:30"),
    ],
)  # fmt: skip
def test_which_kinds_are_muted(zone: str, now: str, kinds: dict[str, str], edge: str) -> None:
    found = muted((BACKUP, LATE), zone, at(now))
    assert {str(kind): f"{end:%H:%M}" for kind, end in found.items()} == kinds
    assert next_edge((BACKUP, LATE), zone, at(now)) == at(edge)


@pytest.mark.parametrize(
    ("given", "read"),
    [("09:00", "09:00"), (1050, "17:30"), (600, "10:00"), ("24:00", "24:00"), (1440, "24:00")],
)
def test_a_time_without_quotes_is_what_was_written(given: object, read: str) -> None:
    assert Hours.model_validate({"end": given}).end == read


@pytest.mark.parametrize(
    "given", ["9:00", "24:01", "25:00", "12", "", 1441, 9, 59, -1, True, 9.5, None]
)
def test_what_is_no_time_is_refused(given: object) -> None:
    with pytest.raises(ValidationError):
        Hours.model_validate({"begin": given})

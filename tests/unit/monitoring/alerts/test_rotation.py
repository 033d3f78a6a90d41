"""Who is on call: overlaps, gaps, clock changes, recurring shifts with exceptions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.errors import Refused
from monitoring.alerts.rotation import Policy, Rotation, read

PEOPLE = {"Ada": "ada-phone", "Kim, night": "kim-phone", "Lee": "lee-phone"}
POLICY = Policy(ics="oncall.ics", people=PEOPLE)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shift(who: str, *lines: str, uid: str = "") -> str:
    body = "\r\n".join(lines)
    uid = uid or str(abs(hash((who, lines))))
    stamp = "DTSTAMP:20240101T000000Z"
    return f"BEGIN:VEVENT\r\nUID:{uid}\r\n{stamp}\r\nSUMMARY:{who}\r\n{body}\r\nEND:VEVENT\r\n"


def file(*shifts: str) -> str:
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//driftwarden//tests//EN\r\n"
    return f"{head}{''.join(shifts)}END:VCALENDAR\r\n"


def rotation(*shifts: str, zone: str = "UTC") -> Rotation:
    return read(POLICY, file(*shifts), zone)


#: A week from Monday 09:00 in London, every second week; the clocks change on 2024-03-31.
ADA = shift(
    "Ada", "DTSTART;TZID=Europe/London:20240318T090000", "DURATION:P7D",
    "RRULE:FREQ=WEEKLY;INTERVAL=2", "EXDATE;TZID=Europe/London:20240415T090000", uid="ada",
)  # fmt: skip
SWAPPED = shift(
    "Lee", "RECURRENCE-ID;TZID=Europe/London:20240401T090000",
    "DTSTART;TZID=Europe/London:20240402T120000", "DURATION:P1D", uid="ada",
)  # fmt: skip
KIM = shift(
    "Kim\\, night", "DTSTART:20240318T220000Z", "DTEND:20240319T060000Z", "RRULE:FREQ=DAILY"
)
DAY = shift("Lee", "DTSTART;VALUE=DATE:20240320", "DTEND;VALUE=DATE:20240321")
FLOATING = shift("Lee", "DTSTART:20240320T080000", "DTEND:20240320T160000")
GONE = shift("Lee", "DTSTART:20240320T080000Z", "DTEND:20240320T160000Z", "STATUS:CANCELLED")


@pytest.mark.parametrize(
    ("shifts", "zone", "now", "on_call"),
    [
        ((ADA,), "UTC", "2024-03-18T08:59", ()),
        ((ADA,), "UTC", "2024-03-18T09:00", ("ada-phone",)),
        ((ADA,), "UTC", "2024-03-25T08:59", ("ada-phone",)),
        ((ADA,), "UTC", "2024-03-25T09:00", ()),
        # In summer 09:00 in London is 08:00 UTC.
        ((ADA,), "UTC", "2024-04-01T07:59", ()),
        ((ADA,), "UTC", "2024-04-01T08:00", ("ada-phone",)),
        # One week was left out, another was taken over and moved.
        ((ADA,), "UTC", "2024-04-16T12:00", ()),
        ((ADA, SWAPPED), "UTC", "2024-04-01T12:00", ()),
        ((ADA, SWAPPED), "UTC", "2024-04-02T11:00", ("lee-phone",)),
        ((ADA, SWAPPED), "UTC", "2024-04-03T11:00", ()),
        ((ADA, SWAPPED), "UTC", "2024-04-29T08:00", ("ada-phone",)),
        # Overlaps: the shift that began last comes first.
        ((ADA, KIM), "UTC", "2024-03-19T03:00", ("kim-phone", "ada-phone")),
        ((ADA, KIM), "UTC", "2024-03-19T06:00", ("ada-phone",)),
        ((ADA, KIM, DAY), "UTC", "2024-03-20T03:00", ("lee-phone", "kim-phone", "ada-phone")),
        # Whole days and times without a zone are of the team's clock.
        ((DAY,), "Asia/Kathmandu", "2024-03-19T18:14", ()),
        ((DAY,), "Asia/Kathmandu", "2024-03-19T18:15", ("lee-phone",)),
        ((DAY,), "America/New_York", "2024-03-21T03:59", ("lee-phone",)),
        ((FLOATING,), "America/New_York", "2024-03-20T11:59", ()),
        ((FLOATING,), "America/New_York", "2024-03-20T12:00", ("lee-phone",)),
        ((GONE,), "UTC", "2024-03-20T12:00", ()),
        ((DAY, DAY.replace("UID:", "UID:2")), "UTC", "2024-03-20T12:00", ("lee-phone",)),
    ],
)
def test_who_is_on_call(
    shifts: tuple[str, ...], zone: str, now: str, on_call: tuple[str, ...]
) -> None:
    assert rotation(*shifts, zone=zone).receivers(at(now)) == on_call


@pytest.mark.parametrize(
    ("now", "changes"),
    [
        ("2024-03-18T08:00", "2024-03-18T09:00"),
        ("2024-03-18T09:00", "2024-03-18T22:00"),
        ("2024-03-18T22:00", "2024-03-19T06:00"),
        ("2024-03-31T22:30", "2024-04-01T06:00"),
        ("2024-04-01T07:00", "2024-04-01T08:00"),
    ],
)
def test_when_that_changes(now: str, changes: str) -> None:
    assert rotation(ADA, KIM).changes(at(now)) == at(changes)


def test_times_without_anybody_are_named() -> None:
    spans = list(rotation(ADA).gaps(at("2024-03-18T00:00"), at("2024-04-15T00:00")))
    assert [(f"{begin:%d %H}", f"{end:%d %H}") for begin, end in spans] == [
        ("18 00", "18 09"), ("25 09", "01 08"), ("08 08", "15 00"),
    ]  # fmt: skip
    assert list(rotation(KIM, ADA, DAY).gaps(at("2024-03-19T00:00"), at("2024-03-25T00:00"))) == []
    empty = rotation(GONE)
    whole = (at("2024-03-19T00:00"), at("2024-03-25T00:00"))
    assert list(empty.gaps(*whole)) == [whole]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (file(DAY, shift("Led", "DTSTART:20240320T080000Z")),
         "oncall.ics:14: Led: not one of `people`, did you mean Lee?; name a receiver there"),
        (file(shift("ada", "DTSTART:20240320T080000Z")),
         "oncall.ics:7: ada: not one of `people`"),
        (file(shift("", "DTSTART:20240320T080000Z")), "oncall.ics:7: no SUMMARY: not one of"),
        (file(ADA, SWAPPED.replace("Lee", "Max")), "oncall.ics:16: Max: not one of `people`"),
        (file(shift("Ada", "DTSTART:tomorrow")), "oncall.ics:8: Ada: DTSTART: "),
        (file(shift("Ada", "DTSTART:20240320T080000Z", "RRULE:FREQ=HOURLY")),
         "oncall.ics:9: Ada: RRULE: FREQ=HOURLY: events are kept by day"),
        ("BEGIN:VCALENDAR\r\n", "oncall.ics:"),
        ("", "oncall.ics:"),
    ],
)  # fmt: skip
def test_a_faulty_file_is_refused_with_its_line(content: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read(POLICY, content, "UTC")
    assert str(refused.value).startswith(reason)


def test_cancelled_shifts_name_nobody() -> None:
    read(POLICY, file(DAY, GONE.replace("Lee", "Max")), "UTC")

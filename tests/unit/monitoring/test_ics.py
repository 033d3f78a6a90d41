"""iCalendar files as people and programs write them: read, expanded, or refused with their line."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.errors import Refused
from monitoring import ics, ics_events, ics_lines
from monitoring.ics import Event

YEARS = range(2025, 2029)
BERLIN = ZoneInfo("Europe/Berlin")
DAY = "DTSTART;VALUE=DATE:20260301"
AT_TEN = "DTSTART:20260301T100000Z"


def calendar(*events: str, head: str = "") -> str:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n{head}{''.join(events)}" + (
        "END:VCALENDAR\r\n"
    )


def event(*lines: str, uid: str = "u1", name: str = "sale") -> str:
    own = "".join(f"{line}\r\n" for line in lines)
    return (
        f"BEGIN:VEVENT\r\nUID:{uid}\r\nSUMMARY:{name}\r\nDTSTAMP:20250101T000000Z\r\n{own}"
        "END:VEVENT\r\n"
    )


def found(text: str, zone: ZoneInfo = BERLIN) -> list[Event]:
    file = ics.read("a.ics", text)
    ics.check(file, YEARS)
    every = {one for year in YEARS for one in ics.occurrences(file, year, zone)}
    return sorted(every, key=lambda one: (one.first, one.name))


def days(text: str, zone: ZoneInfo = BERLIN) -> list[str]:
    return [f"{one.name} {one.first}/{one.last}" for one in found(text, zone)]


def refusal(text: str) -> str:
    with pytest.raises(Refused) as refused:
        found(text)
    return str(refused.value)


PLAIN = ["sale 2026-03-01/2026-03-01"]


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        ((AT_TEN, "RRULE:FREQ=SECONDLY"), 9, "FREQ=SECONDLY: events are kept by day; write FREQ="),
        ((AT_TEN, "RRULE:FREQ=MINUTELY;UNTIL=20270101T000000Z"), 9, "FREQ=MINUTELY: events"),
        ((AT_TEN, "RRULE:FREQ=HOURLY;COUNT=5"), 9, "FREQ=HOURLY: events are kept by day"),
        ((AT_TEN, "RRULE:FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=1,2"), 9, "BYHOUR: several times a day"),
        ((DAY, "RRULE:FREQ=DAILY;INTERVAL=0"), 9, "INTERVAL=0: write 1 or more"),
        ((DAY, "RRULE:FREQ=YEARLY;INTERVAL=-1"), 9, "INTERVAL=-1: write 1 or more"),
        ((DAY, "RRULE:FREQ=DAILY;COUNT=0"), 9, "COUNT=0: write 1 or more"),
        ((DAY, "RRULE:INTERVAL=2"), 9, "FREQ is missing; write FREQ=DAILY, WEEKLY"),
        ((DAY, "RRULE:FREQ=DAILY,WEEKLY"), 9, "FREQ is given twice"),
        ((DAY, "RRULE:FREQ=DAILY;COUNT=2;UNTIL=20260401"), 9, "COUNT and UNTIL exclude each"),
        ((DAY, "RRULE:FREQ=DAILY;FOO=1"), 9, "FOO: unknown part; known are FREQ"),
        ((DAY, "RRULE:RSCALE=CHINESE;FREQ=YEARLY"), 9, "RSCALE: unknown part"),
        ((DAY, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), 9, "it matches no day"),
        ((DAY, "RRULE:FREQ=DAILY;INTERVAL=3;BYMONTH=2;BYMONTHDAY=30"), 9, "it matches no day"),
        ((DAY, "RRULE:FREQ=DAILY;INTERVAL=7;BYDAY=MO"), 9, "it matches no day"),
        ((DAY, "RRULE:FREQ=YEARLY;BYMONTH=13"), 9, "it matches no day"),
        ((DAY, "RRULE:FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0"), 9, "cannot be expanded: bysetpos must"),
        ((DAY, "RRULE:FREQ=MONTHLY;BYDAY=99XX"), 9, "Expected weekday abbreviation"),
        ((DAY, "DTEND;VALUE=DATE:99991231"), 9, "DTEND: the year 9999 is outside of 1900 … 2199"),
        ((AT_TEN, "DTEND:99991231T235959Z"), 9, "DTEND: the year 9999 is outside"),
        ((DAY, "DTEND;VALUE=DATE:20250101"), 9, "DTEND: the event ends before it begins"),
        ((DAY, "DTEND;VALUE=DATE:20460101"), 9, "DTEND: the event lasts 7,246 days; 3,653 at"),
        ((DAY, DAY), 9, "DTSTART: twice, first on line 8"),
        ((DAY, "DTEND;VALUE=DATE:20260302", "DTEND;VALUE=DATE:20260303"), 10, "DTEND: twice"),
        ((DAY, "STATUS:CANCELLED", "STATUS:CONFIRMED"), 10, "STATUS: twice, first on line 9"),
        ((AT_TEN, "DURATION:P100000000D"), 9, "DURATION: the event lasts 100,000,000 days"),
        ((AT_TEN, "DURATION:P10000000000D"), 9, "DURATION: Impractical iCalendar duration"),
        ((AT_TEN, "DURATION:-P1D"), 9, "DURATION: the event ends before it begins"),
        ((AT_TEN, "DURATION:20260302"), 9, "DURATION"),
        (("DTSTART;VALUE=DATE:00010101",), 8, "DTSTART: the year 1 is outside of 1900"),
        (("DTSTART;VALUE=DATE:99991201", "RRULE:FREQ=DAILY"), 8, "the year 9999 is outside"),
        (("DTSTART;VALUE=DATE:20260230",), 8, "DTSTART: Wrong date format 20260230; write it as"),
        (("DTSTART;VALUE=TIME:100000",), 8, "DTSTART: a date or an instant is needed; write it"),
        (("DTSTART;VALUE=PERIOD:20260301T000000Z/P1D",), 8, "DTSTART: a date or an instant"),
        (("DTSTART;TZID=Mars:20260301T100000",), 8, "TZID 'Mars': no such zone, and no VTIMEZONE"),
        (("LOCATION:x",), 4, "sale: DTSTART is missing; write it as 20130416"),
        ((DAY, "RECURRENCE-ID:soon"), 9, "RECURRENCE-ID: Expected datetime"),
        ((DAY, "EXDATE:soon"), 9, "EXDATE: Expected datetime"),
        ((DAY, "RDATE;VALUE=DATE:20260401,99990401"), 9, "RDATE: the year 9999 is outside"),
        ((DAY, "X-ANNOUNCED:20260101", "X-ANNOUNCED:20260102"), 10, "X-ANNOUNCED: twice"),
        ((DAY, "X-ANNOUNCED:00000101"), 9, "X-ANNOUNCED 00000101: write it as 20130416 or"),
    ],
)  # fmt: skip
def test_an_event_that_cannot_be_expanded_is_refused_with_its_line(
    lines: tuple[str, ...], line: int, said: str
) -> None:
    told = refusal(calendar(event(*lines)))
    assert told.startswith(f"a.ics:{line}: ")
    assert said in told
    assert "\n" not in told
    # The same among others, in a later line.
    before = calendar(event(DAY, uid="before"), event(*lines))
    assert refusal(before).startswith(f"a.ics:{line + 6}: ")


@pytest.mark.parametrize(
    "line",
    [
        "CREATED:00000101T000000Z", "CREATED:soon", "LAST-MODIFIED:00000101T000000Z", "GEO:here",
        "SEQUENCE:one", "PRIORITY:high", "ATTACH;ENCODING=BASE64;VALUE=BINARY:!!!", "DTSTAMP:later",
        'ORGANIZER;CN="x:mailto:a', "URL:http://[", "FOO", "X-ODD;A=B", "CLASS:PUBLIC",
        "BEGIN:VALARM\r\nTRIGGER:soon\r\nEND:VALARM", "RRULE:", "COMMENT:a\0b",
    ],
)  # fmt: skip
def test_a_property_that_places_no_event_is_ignored(line: str) -> None:
    assert days(calendar(event(DAY, line))) == PLAIN


ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:Here\r\nBEGIN:STANDARD\r\nDTSTART:20200101T000000\r\n"
    "TZOFFSETFROM:{0}\r\nTZOFFSETTO:{0}\r\n{1}END:STANDARD\r\nEND:VTIMEZONE\r\n"
)
LATE = "DTSTART:20260301T233000"


@pytest.mark.parametrize(
    ("head", "start", "expected"),
    [
        ("", LATE, "2026-03-01"),
        ("", f"{LATE}Z", "2026-03-02"),
        ("", "DTSTART;TZID=America/New_York:20260301T200000", "2026-03-02"),
        ("", "DTSTART;TZID=Eastern Standard Time:20260301T200000", "2026-03-02"),
        ("", "DTSTART;TZID=/example.org/America/New_York:20260301T200000", "2026-03-02"),
        ("", "DTSTART;TZID=:20260301T233000", "2026-03-01"),
        ("X-WR-TIMEZONE:America/New_York\r\n", "DTSTART:20260301T200000", "2026-03-02"),
        ("X-WR-TIMEZONE:Eastern Standard Time\r\n", "DTSTART:20260301T200000", "2026-03-02"),
        ("X-WR-TIMEZONE:\r\n", LATE, "2026-03-01"),
        ("X-WR-TIMEZONE:Mars/Phobos\r\n", DAY, "2026-03-01"),
        (ZONE.format("-0500", ""), "DTSTART;TZID=Here:20260301T200000", "2026-03-02"),
        (ZONE.format("+0100", ""), "DTSTART;TZID=Here:20260301T200000", "2026-03-01"),
        (ZONE.format("+9900", ""), DAY, "2026-03-01"),
    ],
)
def test_an_event_lies_on_the_day_of_its_zone(head: str, start: str, expected: str) -> None:
    assert days(calendar(event(start), head=head)) == [f"sale {expected}/{expected}"]


@pytest.mark.parametrize(
    ("head", "start", "said"),
    [
        ("X-WR-TIMEZONE:Mars/Phobos\r\n", AT_TEN, "X-WR-TIMEZONE 'Mars/Phobos': no such zone"),
        ("X-WR-TIMEZONE:../../etc/passwd\r\n", LATE, "X-WR-TIMEZONE '../../etc/passwd': no such"),
        (ZONE.format("+9900", ""), "DTSTART;TZID=Here:20260301T200000", "VTIMEZONE Here: Offset"),
        (
            ZONE.format("+0100", "RRULE:FREQ=SECONDLY\r\n"),
            "DTSTART;TZID=Here:20260301T200000",
            "VTIMEZONE Here: RRULE on line 10: only FREQ=YEARLY is read",
        ),
        (
            "BEGIN:VTIMEZONE\r\nTZID:Here\r\nEND:VTIMEZONE\r\n",
            "DTSTART;TZID=Here:20260301T200000",
            "VTIMEZONE Here: at least one component is needed",
        ),
    ],
)
def test_a_zone_that_nobody_knows_is_refused_where_an_event_needs_it(
    head: str, start: str, said: str
) -> None:
    assert refusal(calendar(event(start), head=head)).startswith(f"a.ics:4: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1: not an iCalendar file: it begins with BEGIN:VCALENDAR (the file is empty)"),
        (" \n\n", "1: not an iCalendar file: it begins with BEGIN:VCALENDAR (the file is empty)"),
        ("hello", "1: not an iCalendar file: it begins with BEGIN:VCALENDAR, not 'hello'"),
        ("<!DOCTYPE html><html></html>", "1: not an iCalendar file"),
        ("BEGIN:VCARD\nFN:x\nEND:VCARD\n", "1: not an iCalendar file"),
        (event(DAY), "1: not an iCalendar file"),
        (calendar(event(DAY))[:-40], "4: BEGIN:VEVENT has no END; the file may be cut off"),
        (calendar("END:VEVENT\r\n"), "4: END:VEVENT where END:VCALENDAR is due"),
        ("BEGIN:VCALENDAR\n" * 3000, "9: components are nested too deeply"),
        (calendar(event(DAY)).replace("sale", "sa\udcffle"), "6: not UTF-8 text; save the file"),
        ("BEGIN:VCALENDAR\nX:" + "x" * 12 * 1024**2, "1: 12 MB; 10 MB at most are read"),
    ],
)
def test_what_is_no_calendar_is_refused_with_its_line(text: str, said: str) -> None:
    assert refusal(text).startswith(f"a.ics:{said}")


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + calendar(event(DAY)),
        calendar(event(DAY)).replace("\r\n", "\n"),
        calendar(event(DAY)).replace("\r\n", "\r"),
        calendar(event(DAY)).replace("SUMMARY:sale", "SUMMARY:sa\r\n\tle"),
        calendar(event(DAY)).replace("SUMMARY", "summary").replace("VEVENT", "vevent"),
        calendar(event(DAY)).replace("\r\n", "\r\n\r\n"),
        calendar(event(DAY), "BEGIN:VTODO\r\nDTSTART:soon\r\nRRULE:FREQ=SECONDLY\r\nEND:VTODO\r\n"),
    ],
)
def test_every_spelling_of_a_file_is_read(text: str) -> None:
    assert days(text) == PLAIN


def test_a_fold_may_lie_within_a_character() -> None:
    folded = calendar(event(DAY, name="Verkäufe")).encode().replace(b"\xc3\xa4", b"\xc3\r\n \xa4")
    text = folded.decode("utf-8", "surrogateescape")
    assert [one.name for one in found(text)] == ["Verkäufe"]


@pytest.mark.parametrize(
    "text",
    [
        calendar(event(DAY, "STATUS:CANCELLED")),
        calendar(event(DAY, "STATUS: cancelled ")),
        calendar(event(DAY), head="METHOD:CANCEL\r\n"),
        calendar(event(DAY), head="METHOD:cancel\r\n"),
        calendar(event(DAY, "RRULE:FREQ=DAILY;COUNT=9", "STATUS:Cancelled")),
        calendar(event("DTSTART:soon"), head="METHOD:CANCEL\r\n"),
    ],
)
def test_what_is_cancelled_is_no_event(text: str) -> None:
    assert days(text) == []


def test_events_of_one_uid_are_all_kept() -> None:
    other = event("DTSTART;VALUE=DATE:20260501", name="fair")
    assert days(calendar(event(DAY), other)) == [*PLAIN, "fair 2026-05-01/2026-05-01"]
    assert days(calendar(event(DAY), event(DAY, name="fair"))) == [
        "fair 2026-03-01/2026-03-01", *PLAIN,
    ]  # fmt: skip
    assert days(calendar(event(DAY)) + calendar(other)) == [*PLAIN, "fair 2026-05-01/2026-05-01"]


def test_a_newer_revision_of_an_event_replaces_the_older() -> None:
    moved = event("DTSTART;VALUE=DATE:20260308", "SEQUENCE:1")
    assert days(calendar(moved, event(DAY, "SEQUENCE:0"))) == ["sale 2026-03-08/2026-03-08"]


def test_a_changed_recurrence_replaces_its_own_day() -> None:
    series = event(DAY, "RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20260303")
    change = event("DTSTART;VALUE=DATE:20260310", "RECURRENCE-ID;VALUE=DATE:20260302", name="late")
    assert days(calendar(series, change)) == [*PLAIN, "late 2026-03-10/2026-03-10"]


def test_a_rule_without_an_end_goes_on() -> None:
    (first, *_, last) = found(calendar(event("DTSTART;VALUE=DATE:19500704", "RRULE:FREQ=YEARLY")))
    assert (first.first, last.first) == (date(2025, 7, 4), date(2028, 7, 4))
    leap = calendar(event("DTSTART:20240229T120000", "RRULE:FREQ=YEARLY"))
    assert days(leap) == ["sale 2028-02-29/2028-02-29"]


@pytest.mark.parametrize("until", ["20260303", "20260303T000000Z", "20260303T235959", "99991231"])
def test_the_end_of_a_rule_may_be_written_in_any_way(until: str) -> None:
    for start in (DAY, AT_TEN, "DTSTART:20260301T100000"):
        seen = found(calendar(event(start, f"RRULE:FREQ=DAILY;UNTIL={until}")))
        assert [one.first for one in seen[:2]] == [date(2026, 3, 1), date(2026, 3, 2)]
        assert len(seen) <= 3 or until == "99991231"


def test_every_fault_of_a_file_is_told_up_to_a_few() -> None:
    faulty = [event("DTSTART:soon", uid=str(i)) for i in range(9)]
    lines = refusal(calendar(*faulty)).splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        f"a.ics:{8 + 6 * i}" for i in range(ics_events.MOST_FAULTS + 1)
    ]
    assert lines[-1].endswith("and more like these")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            calendar(event(DAY, "DTEND;VALUE=DATE:20280301", "RRULE:FREQ=DAILY")),
            "a.ics:4: sale: the events of 2026 take up more than 20,000 days",
        ),
        (
            calendar(
                *(event("DTSTART:19000101T000000Z", "RRULE:FREQ=DAILY", uid=str(i))
                  for i in range(30))
            ),
            "a.ics:4: sale: the recurrences of this file take too long to expand",
        ),
        (
            calendar(event(DAY, "RDATE;VALUE=DATE:" + ",".join(["20260401"] * 20_001))),
            "a.ics:9: more than 20,000 dates in RDATE, EXDATE",
        ),
        (
            calendar(*["BEGIN:VEVENT\r\nEND:VEVENT\r\n"] * 10_001),
            "a.ics:20004: 10,001 events; 10,000 at most are read",
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_too_much_is_refused(text: str, said: str) -> None:
    assert refusal(text).startswith(said)


def test_a_thousand_events_are_read() -> None:
    start = date(2026, 1, 1)
    many = [
        event(f"DTSTART;VALUE=DATE:{start + timedelta(days=i % 365):%Y%m%d}", uid=str(i), name="x")
        for i in range(1_000)
    ]
    assert len(ics.read("a.ics", calendar(*many)).series) == 1_000


def test_a_line_knows_its_value_and_its_parameters() -> None:
    (line,) = ics_lines.unfolded('A;B="x:y";TZID=Z:v:w', [])
    assert (line.value, line.stated("B"), line.stated("tzid"), line.stated("C")) == (
        "v:w", "x:y", "Z", "",
    )  # fmt: skip

"""What a team of fleet.yaml refers to: faults with their lines, and times without anybody."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.errors import Refused
from fleet.document.config import Config, problems, reading
from fleet.document.teams import gaps
from tests.unit.monitoring.alerts.test_rotation import file, shift

NOW = datetime(2024, 3, 18, tzinfo=UTC)
HEAD = """\
version: 1
receivers:
  lead: {kind: terminal}
  ada: {kind: file, path: ada.jsonl}
  vendor: {kind: webhook, url: "https://vendor.test/x", delegate: true}
calendars:
  berlin: {zone: Europe/Berlin, countries: [DE]}
  never: {weekend: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]}
models: {}
teams:
  shop:
"""
ROTATION = "rotation: {ics: oncall.ics, people: {Ada: ada}}"
WEEK = file(shift("Ada", "DTSTART:20240318T090000", "DURATION:P7D", "RRULE:FREQ=WEEKLY"))
TWO = file(shift("Ada", "DTSTART:20240318T090000", "DURATION:P7D", "RRULE:FREQ=WEEKLY;INTERVAL=2"))


def read(team: str, shifts: str = WEEK) -> Config | list[str]:
    def beside(name: str) -> str:
        if name != "oncall.ics":
            raise Refused(f"{name}: cannot be read: No such file or directory")
        return shifts

    found = problems(HEAD + "".join(f"    {line}\n" for line in team.split("; ")), "f", beside)
    return found if isinstance(found, Config) else [str(one) for one in found]


def test_a_team_is_read_with_what_it_refers_to() -> None:
    found = read(
        f"page: [rotation, vendor, lead]; calendar: berlin; {ROTATION}; hours: {{end: 17:30}}; "
        "mute: [{kinds: [drift], days: [sunday], begin: 02:00, end: 04:00}]; repeat: 2; "
        "ack_expires: 4h"
    )
    assert isinstance(found, Config)
    duty = found.fleet.duty("shop")
    assert duty.delegates == {"vendor"}
    assert duty.rotation is not None
    # 09:00 in Berlin.
    assert duty.rotation.receivers(datetime(2024, 3, 18, 7, 59, tzinfo=UTC)) == ()
    policy, present = duty.at(datetime(2024, 3, 18, 8, tzinfo=UTC))
    assert policy.page == ("ada", "vendor", "lead")
    assert (present.resumes, present.delegates) == (None, {"vendor"})


@pytest.mark.parametrize(
    ("team", "fault"),
    [
        ("page: [rotation, lead]",
         "f:12: teams.shop.page: `rotation` is who is on call: add `rotation` with an .ics file"),
        ("page: [lead]; ticket: [rotation]",
         "f:13: teams.shop.ticket: `rotation` is who is on call"),
        (f"page: [lead]; {ROTATION}", "f:13: teams.shop.rotation: nothing uses it; put `rotation`"),
        (f"page: [rotation]; {ROTATION}",
         "f:12: teams.shop.page: a page has to reach somebody while nobody is on call; add"),
        ("page: [rotation, lead]; rotation: {ics: oncall.ics, people: {Ada: adda}}",
         "f:13: teams.shop.rotation.people.Ada: no receiver 'adda', did you mean 'ada'?"),
        ("page: [rotation, lead]; rotation: {ics: oncal.ics, people: {Ada: ada}}",
         "f:13: teams.shop.rotation.ics: oncal.ics: cannot be read: No such file"),
        ("page: [rotation, lead]; rotation: {ics: oncall.ics, people: {Aida: ada}}",
         "f:13: teams.shop.rotation.ics: oncall.ics:7: Ada: not one of `people`, did you mean"),
        ("page: [rotation, lead]; rotation: {ics: oncall.ics, people: {}}",
         "f:13: teams.shop.rotation.people: "),
        ("page: [lead]; calendar: berln",
         "f:13: teams.shop.calendar: no calendar 'berln', did you mean 'berlin'?"),
        ("page: [lead]; calendar: never; hours: {}",
         "f:14: teams.shop.hours: every day of the team's calendar is a weekend"),
        ("page: [lead]; hours: {begin: 9}", "f:13: teams.shop.hours.begin: "),
        ("page: [lead]; mute: [{begin: 02:00, end: 04:00, kinds: []}]",
         "f:13: teams.shop.mute.0.kinds: "),
        ("page: [lead]; mute: [{begin: 02:00, end: 04:00, kinds: [receiver]}]",
         "f:13: teams.shop.mute.0.kinds.0: "),
        ("page: [lead]; repeat: 10", "f:13: teams.shop.repeat: "),
        ("page: [lead]; ack_expires: 0s", "f:13: teams.shop.ack_expires: "),
        ("page: [led]", "f:12: teams.shop.page: no receiver 'led', did you mean 'lead'?"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line(team: str, fault: str) -> None:
    found = read(team)
    assert isinstance(found, list)
    assert [line for line in found if line.startswith(fault)], found


@pytest.mark.parametrize(
    ("shifts", "told"),
    [
        (TWO, ["nobody is on call from 2024-03-18 00:00 to 2024-03-18 09:00 UTC, and 2 more times, "
               "in the next 28 days; a page then goes to the next receiver at once"]),
        (file(shift("Ada", "DTSTART:20240301T090000", "DURATION:P90D")), []),
        (file(shift("Ada", "DTSTART:20240301T090000", "DURATION:P30D")),
         ["nobody is on call from 2024-03-31 09:00 to 2024-04-15 00:00 UTC, in the next 28 days; "
          "a page then goes to the next receiver at once"]),
    ],
)  # fmt: skip
def test_times_without_anybody_are_notes(shifts: str, told: list[str]) -> None:
    content = HEAD + f"    page: [rotation, lead]\n    {ROTATION}\n"
    found = reading(content, "f", lambda name: shifts, ())
    notes = list(gaps(found.text, "shop", found.duties["shop"], NOW))
    assert [note.message for note in notes] == told
    assert [note.line for note in notes] == [13 for _ in told]

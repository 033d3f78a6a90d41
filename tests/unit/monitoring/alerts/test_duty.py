"""A team at a moment: who is on call is paged, tickets wait for its hours, pages never do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.alerts import routing
from monitoring.alerts.duty import Duty
from monitoring.alerts.group import Policy
from monitoring.alerts.hours import Hours, Mute
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from monitoring.alerts.rotation import Policy as RotationPolicy
from monitoring.alerts.rotation import read
from monitoring.calendars import Policy as CalendarPolicy
from monitoring.calendars import calendar
from tests.unit.monitoring.alerts.test_rotation import file, shift

#: Ada has the nights of the week from Monday, 2024-01-15, Kim the days; nobody the weekend.
SHIFTS = file(
    shift("Ada", "DTSTART:20240115T180000Z", "DURATION:PT14H", "RRULE:FREQ=DAILY;COUNT=5"),
    shift("Kim", "DTSTART:20240115T080000Z", "DURATION:PT10H", "RRULE:FREQ=DAILY;COUNT=5"),
)
ON_CALL = RotationPolicy(ics="oncall.ics", people={"Ada": "ada", "Kim": "kim"})
PROMPT = {"group_wait": timedelta(0), "escalate_after": timedelta(minutes=30)}
ROTATING = Duty(
    Policy(page=("rotation", "lead"), ticket=("rotation",), rotation=ON_CALL, **PROMPT),
    rotation=read(ON_CALL, SHIFTS, "UTC"),
)
BERLIN = calendar(CalendarPolicy(zone="Europe/Berlin", countries=("DE-BE",)))
OFFICE = Duty(
    Policy(page=("lead",), ticket=("queue",), hours=Hours(begin="09:00", end="17:30"), **PROMPT),
    BERLIN,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def notice(
    now: datetime, severity: Severity = Severity.PAGE, kind: Kind = Kind.DRIFT, number: int = 1
) -> Notify:
    alert = f"{kind}-{number}"
    return Notify(
        f"demand:{alert}:firing:1", "demand", alert, kind, severity, Status.FIRING, "moved", now
    )


class Played:
    """Steps a team whenever it wants to be woken; `said` are the messages with their times."""

    def __init__(self, duty: Duty) -> None:
        self.duty, self.state = duty, routing.OnCall("shop")
        self.said: list[tuple[str, str]] = []
        self.wake_at: datetime | None = None

    def give(self, text: str, *facts: routing.Fact) -> None:
        self.until(text)
        self._step(at(text), *facts)

    def until(self, text: str) -> None:
        for _ in range(100):
            if self.wake_at is None or self.wake_at > at(text):
                return
            self._step(self.wake_at)
        raise AssertionError("it is woken without end")

    def _step(self, now: datetime, *facts: routing.Fact) -> None:
        policy, present = self.duty.at(now)
        done = routing.step(self.state, facts, policy, now, present)
        self.state, self.wake_at = done.state, done.wake_at
        assert self.wake_at is None or self.wake_at > now
        pages = [one for one in done.effects if isinstance(one, routing.Page)]
        self.said += [(f"{now:%d %H:%M}", page.receiver) for page in pages]


@pytest.mark.parametrize(
    ("now", "chain"),
    [
        ("2024-01-15T07:00", ("lead",)),
        ("2024-01-15T12:00", ("kim", "lead")),
        ("2024-01-15T20:00", ("ada", "lead")),
        ("2024-01-16T07:00", ("ada", "lead")),
        ("2024-01-20T12:00", ("lead",)),
    ],
)
def test_who_is_on_call_takes_the_place_of_the_rotation(now: str, chain: tuple[str, ...]) -> None:
    policy, _ = ROTATING.at(at(now))
    assert policy.page == chain
    assert policy.first(Severity.TICKET) == chain[:1]


@pytest.mark.parametrize(
    ("begin", "until", "said"),
    [
        # Unanswered, it goes to the next level.
        ("2024-01-15T12:00", "2024-01-15T14:00", [("15 12:00", "kim"), ("15 12:30", "lead")]),
        # The shift ends while the page is unanswered: the next person has it at once.
        ("2024-01-15T17:50", "2024-01-15T20:00",
         [("15 17:50", "kim"), ("15 18:00", "ada"), ("15 18:30", "lead")]),
        # Nobody is on call afterwards: the next level has it at once.
        ("2024-01-20T07:45", "2024-01-20T12:00", [("20 07:45", "ada"), ("20 08:00", "lead")]),
        # Nobody is on call: the next level has it at once, and it stays there.
        ("2024-01-20T12:00", "2024-01-22T12:00", [("20 12:00", "lead")]),
        # The second level has it when somebody's shift ends: it stays there.
        ("2024-01-15T17:00", "2024-01-16T12:00", [("15 17:00", "kim"), ("15 17:30", "lead")]),
    ],
)  # fmt: skip
def test_a_page_goes_to_who_is_on_call(begin: str, until: str, said: list[tuple[str, str]]) -> None:
    played = Played(ROTATING)
    played.give(begin, notice(at(begin)))
    played.until(until)
    assert played.said == said


def test_a_ticket_waits_for_the_hours_of_the_team_and_a_page_does_not() -> None:
    played = Played(OFFICE)
    friday = "2024-01-12T20:00"
    played.give(friday, notice(at(friday), Severity.TICKET))
    played.give("2024-01-13T02:00", notice(at(friday), Severity.TICKET, number=2))
    played.give("2024-01-13T03:00", notice(at(friday), Severity.PAGE, Kind.SLO))
    played.until("2024-01-16T00:00")
    assert played.said == [("13 03:00", "lead"), ("15 08:00", "queue")]


def test_a_page_of_the_same_kind_brings_the_ticket_with_it() -> None:
    played = Played(OFFICE)
    friday = "2024-01-12T20:00"
    played.give(friday, notice(at(friday), Severity.TICKET))
    played.give("2024-01-13T03:00", notice(at(friday), Severity.PAGE, number=2))
    played.until("2024-01-16T00:00")
    assert played.said == [("13 03:00", "lead")]


def test_a_ticket_that_is_over_before_is_never_sent() -> None:
    played = Played(OFFICE)
    friday = at("2024-01-12T20:00")
    ticket = notice(friday, Severity.TICKET)
    played.give("2024-01-12T20:00", ticket)
    over = Notify(
        "end",
        "demand",
        "drift-1",
        Kind.DRIFT,
        Severity.TICKET,
        Status.RESOLVED,
        "",
        at("2024-01-13"),
    )
    played.give("2024-01-13T03:00", over)
    played.until("2024-01-16T00:00")
    assert played.said == []


@pytest.mark.parametrize(
    ("now", "sent"),
    [
        ("2024-01-15T16:29", "15 16:29"),
        ("2024-01-15T16:30", "16 08:00"),
        # Good Friday to Easter Monday, and the clocks change in between.
        ("2024-03-28T18:00", "02 07:00"),
        ("2024-12-24T17:00", "27 08:00"),
        ("2024-01-13T12:00", "15 08:00"),
    ],
)
def test_when_a_ticket_is_sent(now: str, sent: str) -> None:
    played = Played(OFFICE)
    played.give(now, notice(at(now), Severity.TICKET))
    played.until(f"{at(now) + timedelta(days=7):%Y-%m-%dT%H:%M}")
    assert played.said == [(sent, "queue")]


def test_an_interval_mutes_its_kinds_and_what_still_fires_is_sent_at_its_end() -> None:
    mute = Mute(kinds=(Kind.TRAFFIC,), days=("sunday",), begin="02:00", end="04:00")
    played = Played(Duty(Policy(page=("lead",), mute=(mute,), **PROMPT)))
    now = at("2024-01-14T02:30")
    played.give("2024-01-14T02:30", notice(now, kind=Kind.TRAFFIC), notice(now, kind=Kind.SLO))
    assert played.state.muted == {
        "demand:traffic-1": "muted for the team until 2024-01-14 04:00 UTC"
    }
    played.until("2024-01-15T00:00")
    assert played.said == [("14 02:30", "lead"), ("14 04:00", "lead")]


def test_a_receiver_counts_once_in_a_chain() -> None:
    people = RotationPolicy(ics="oncall.ics", people={"Ada": "lead", "Kim": "lead"})
    policy = Policy(page=("lead", "rotation", "boss"), rotation=people)
    duty = Duty(policy, rotation=read(people, SHIFTS, "UTC"))
    assert duty.at(at("2024-01-15T12:00"))[0].page == ("lead", "boss")

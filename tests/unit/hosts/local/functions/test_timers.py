from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from azure.functions.timer import TimerRequest

from engine.errors import Refused
from hosts.local.functions.timers import Status, Timer, Timers, parse_schedule


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Remembered:
    """Statuses in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, Status] = {}

    def read_status(self, name: str) -> Status | None:
        return self.kept.get(name)

    def write_status(self, name: str, status: Status) -> None:
        self.kept[name] = status


def timers(
    statuses: Remembered,
    runs: list[tuple[str, bool]],
    schedule: str = "0 */5 * * * *",
    then: Callable[[], object] = lambda: None,
    at_start: bool = False,
) -> Timers:
    def run(name: str, request: TimerRequest) -> None:
        runs.append((name, request.past_due))
        then()

    return Timers((Timer("tick", schedule, at_start),), statuses, run)


# Expected moments are read off a calendar of 2013 and the NCRONTAB documentation.
@pytest.mark.parametrize(
    ("schedule", "start", "expected"),
    [
        ("0 */5 * * * *", "2013-01-01 00:00:00", "2013-01-01 00:05:00"),
        ("0 */5 * * * *", "2013-01-01 00:04:59.5", "2013-01-01 00:05:00"),
        ("*/5 * * * *", "2013-01-01 00:00:00", "2013-01-01 00:05:00"),
        ("30 9 * * *", "2013-01-01 09:30:00", "2013-01-02 09:30:00"),
        ("15,45 0 * * * *", "2013-01-01 00:00:15", "2013-01-01 00:00:45"),
        ("0 30 9 * * 1-5", "2013-01-04 10:00:00", "2013-01-07 09:30:00"),
        ("0 30 9 * Jan Mon", "2013-01-28 10:00:00", "2014-01-06 09:30:00"),
        ("0 0 0 * * 0", "2013-01-01 00:00:00", "2013-01-06 00:00:00"),
        ("0 0 9 13 * 5", "2013-01-01 00:00:00", "2013-09-13 09:00:00"),
        ("0 0 0 29 2 *", "2013-01-01 00:00:00", "2016-02-29 00:00:00"),
        # 31 March 2013 is the day European clocks skip 01:00 UTC's local hour: UTC does not.
        ("0 30 1 * * *", "2013-03-31 00:00:00", "2013-03-31 01:30:00"),
        ("01:30:00", "2013-01-01 00:10:00", "2013-01-01 01:40:00"),
        ("1.00:00:00", "2013-01-01 00:10:00", "2013-01-02 00:10:00"),
    ],
)
def test_next_moment(schedule: str, start: str, expected: str) -> None:
    assert parse_schedule(schedule)(at(start)) == at(expected)


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "often",
        "* * * *",
        "* * * * * * *",
        "60 * * * * *",
        "0 0 24 * * *",
        "0 0 0 30 2 *",
        "0 0 0 * * 7",
        "0 0 0 * * 5-7",
        "0 0 0 L * *",
        "0 0 0 * * 1#2",
        "@daily",
        "H * * * * *",
        "*/0 * * * * *",
        "00:00:00",
        "24:00:00",
        "-00:01:00",
    ],
)
def test_schedules_refused(schedule: str) -> None:
    with pytest.raises(Refused):
        parse_schedule(schedule)


def test_a_timer_runs_at_its_moments_and_saves_its_status() -> None:
    statuses = Remembered()
    runs: list[tuple[str, bool]] = []
    ticking = timers(statuses, runs)
    assert ticking.run_due(at("2013-01-01 00:01:00")) == 0
    assert ticking.next_moment("tick", at("2013-01-01 00:01:00")) == at("2013-01-01 00:05:00")
    assert ticking.run_due(at("2013-01-01 00:04:59")) == 0
    assert ticking.run_due(at("2013-01-01 00:05:00")) == 1
    assert ticking.run_due(at("2013-01-01 00:05:00.2")) == 0
    assert runs == [("tick", False)]
    assert statuses.kept["tick"] == Status(
        "0 */5 * * * *", at("2013-01-01 00:05:00"), at("2013-01-01 00:10:00")
    )


def test_past_due_is_one_run_however_many_were_missed() -> None:
    statuses = Remembered()
    runs: list[tuple[str, bool]] = []
    timers(statuses, runs).run_due(at("2013-01-01 00:01:00"))
    restarted = timers(statuses, runs)
    assert restarted.run_due(at("2013-01-01 06:02:00")) == 1
    assert restarted.run_due(at("2013-01-01 06:02:01")) == 0
    assert runs == [("tick", True)]
    assert statuses.kept["tick"].next == at("2013-01-01 06:05:00")


def test_a_run_cut_short_is_past_due_at_the_next_start() -> None:
    statuses = Remembered()
    runs: list[tuple[str, bool]] = []

    def die() -> None:
        raise KeyboardInterrupt

    dying = timers(statuses, runs, then=die)
    dying.run_due(at("2013-01-01 00:01:00"))
    with pytest.raises(KeyboardInterrupt):
        dying.run_due(at("2013-01-01 00:05:00"))
    assert timers(statuses, runs).run_due(at("2013-01-01 00:07:00")) == 1
    assert runs == [("tick", False), ("tick", True)]


def test_another_schedule_forgets_the_past() -> None:
    statuses = Remembered()
    runs: list[tuple[str, bool]] = []
    timers(statuses, runs).run_due(at("2013-01-01 00:01:00"))
    changed = timers(statuses, runs, schedule="0 0 * * * *")
    assert changed.run_due(at("2013-01-01 06:02:00")) == 0
    assert statuses.kept["tick"] == Status("0 0 * * * *", None, at("2013-01-01 07:00:00"))


def test_runs_never_overlap() -> None:
    statuses = Remembered()
    runs: list[tuple[str, bool]] = []
    inner: list[object] = []
    now = at("2013-01-01 00:05:00")
    ticking = timers(statuses, runs, then=lambda: inner.append(ticking.run("tick", now)))
    assert ticking.run("tick", now)
    assert (runs, inner) == ([("tick", False)], [False])


def test_run_at_start() -> None:
    statuses = Remembered()
    runs: list[tuple[str, bool]] = []
    ticking = timers(statuses, runs, at_start=True)
    assert ticking.run_due(at("2013-01-01 00:01:00")) == 1
    assert ticking.run_due(at("2013-01-01 00:01:30")) == 0
    assert runs == [("tick", False)]


def test_after_is_the_schedules_own_next_moment() -> None:
    ticking = timers(Remembered(), [], schedule="0 0 * * * *")
    assert ticking.after("tick", at("2013-06-01 10:15:00")) == at("2013-06-01 11:00:00")
    assert ticking.names == ("tick",)


def test_the_request_tells_last_and_next() -> None:
    seen: list[TimerRequest] = []
    statuses = Remembered()
    ticking = Timers(
        (Timer("tick", "00:05:00"),), statuses, lambda name, request: seen.append(request)
    )
    start = at("2013-01-01 00:00:00")
    ticking.run_due(start)
    ticking.run_due(start + timedelta(minutes=5))
    ticking.run_due(start + timedelta(minutes=10))
    assert seen[0].schedule_status["Last"] is None
    assert seen[1].schedule_status["Last"] == "2013-01-01T00:05:00+00:00"
    assert seen[1].schedule_status["Next"] == "2013-01-01T00:10:00+00:00"

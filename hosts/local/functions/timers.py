"""Timers as the Functions host runs them: NCRONTAB or an interval, in UTC, never overlapping."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from azure.functions.timer import TimerRequest
from croniter import CroniterError, croniter

from engine.errors import Refused
from hosts.local.functions.hostfile import parse_time_span

#: A run later than this is past due; smaller delays come from the pump's interval.
PUNCTUAL = timedelta(seconds=5)

_VALUE = r"(?:\d{1,2}|[A-Za-z]{3})"
_PART = rf"(?:\*|{_VALUE}(?:-{_VALUE})?)(?:/\d{{1,2}})?"
_FIELD = re.compile(rf"{_PART}(?:,{_PART})*")


@dataclass(frozen=True)
class Status:
    """The saved status of a timer: its schedule as written, its last run, its next moment."""

    schedule: str
    last: datetime | None
    next: datetime


class Statuses(Protocol):
    """Persistent storage of statuses."""

    def read_status(self, name: str) -> Status | None:
        """Return the status last written under `name`."""

    def write_status(self, name: str, status: Status) -> None:
        """Replace the status of `name`."""


@dataclass(frozen=True)
class Timer:
    """One timer; `at_start` asks for a run as soon as the host starts."""

    name: str
    schedule: str
    at_start: bool = False


class Timers:
    """The timers of one app.

    Parameters
    ----------
    timers : tuple of Timer
        Refused at once when a schedule is invalid or never due.
    statuses : Statuses
        Keeps the last and the next moment after each run, so that a run missed or interrupted while
        the host was down is followed by one that is past due.
    run : callable
        Calls the function; must not raise.
    """

    def __init__(
        self,
        timers: tuple[Timer, ...],
        statuses: Statuses,
        run: Callable[[str, TimerRequest], object],
    ) -> None:
        self._after = {timer.name: parse_schedule(timer.schedule) for timer in timers}
        self._schedules: Mapping[str, str] = {timer.name: timer.schedule for timer in timers}
        self._at_start = {timer.name for timer in timers if timer.at_start}
        self._statuses = statuses
        self._run = run
        self._known: dict[str, Status] = {}
        self._running: set[str] = set()
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all timers, in the app's order."""
        return tuple(self._schedules)

    def next_moment(self, name: str, now: datetime) -> datetime:
        """Return when `name` is due next; before `now` when it was missed."""
        return self._status(name, now).next

    def after(self, name: str, moment: datetime) -> datetime:
        """Return the schedule's first moment after `moment`."""
        return self._after[name](moment)

    def run_due(self, now: datetime) -> int:
        """Run the timers due at `now`, once each even after several misses; count the runs."""
        count = 0
        for name in self.names:
            due = self._status(name, now).next
            first = name in self._at_start
            self._at_start.discard(name)
            if due <= now or first:
                count += self.run(name, now, past_due=now - due > PUNCTUAL)
        return count

    def run(self, name: str, now: datetime, *, past_due: bool = False) -> bool:
        """Run `name` now, due or not; False when it is running already."""
        with self._lock:
            if name in self._running:
                return False
            self._running.add(name)
        try:
            status = self._status(name, now)
            self._run(name, _request(status, past_due))
            self._save(name, Status(self._schedules[name], now, self._after[name](now)))
        finally:
            with self._lock:
                self._running.discard(name)
        return True

    def _status(self, name: str, now: datetime) -> Status:
        if name not in self._known:
            saved = self._statuses.read_status(name)
            if saved is not None and saved.schedule == self._schedules[name]:
                self._known[name] = saved
            else:
                # The timer or its schedule is new: a saved status does not apply.
                first = self._after[name](now)
                self._save(name, Status(self._schedules[name], None, first))
        return self._known[name]

    def _save(self, name: str, status: Status) -> None:
        self._statuses.write_status(name, status)
        self._known[name] = status


def parse_schedule(text: str) -> Callable[[datetime], datetime]:
    """Read a schedule into a function from a moment to the first one after it.

    Six fields are NCRONTAB (second first), five leave the seconds at 0; day of month and day of
    week must *both* match, unlike Unix cron. Otherwise a time span repeats.

    Raises
    ------
    Refused
        It is neither, or it is never due.

    Examples
    --------
    >>> from datetime import UTC
    >>> parse_schedule("30 0 9 13 * FRI")(datetime(2013, 1, 1, tzinfo=UTC)).isoformat()
    '2013-09-13T09:00:30+00:00'
    """
    fields = text.split()
    if len(fields) == 1:
        return _interval(text)
    fields = fields if len(fields) == 6 else ["0", *fields]
    if len(fields) != 6 or not all(map(_FIELD.fullmatch, fields)) or _seventh_day(fields[5]):
        raise Refused(f"schedule {text!r}: write six NCRONTAB fields, second first, or hh:mm:ss")
    expression = " ".join(fields)

    def after(moment: datetime) -> datetime:
        found: datetime = croniter(
            expression, moment, ret_type=datetime, day_or=False, second_at_beginning=True
        ).get_next()
        return found

    try:
        # Any moment shows whether the schedule is valid and ever due.
        after(datetime.fromisoformat("2000-01-01T00:00:00+00:00"))
    except CroniterError as error:
        raise Refused(f"schedule {text!r}: {error}") from error
    return after


def _interval(text: str) -> Callable[[datetime], datetime]:
    span = parse_time_span(text.strip())
    if span <= timedelta(0):
        raise Refused(f"schedule {text!r}: the interval must be longer than zero")
    return lambda moment: moment + span


def _seventh_day(field: str) -> bool:
    # croniter accepts 7 as Sunday, NCRONTAB refuses it.
    return any("7" in part.split("/")[0] for part in field.split(","))


def _request(status: Status, past_due: bool) -> TimerRequest:
    last = status.last.isoformat() if status.last else None
    return TimerRequest(
        past_due=past_due,
        schedule_status={"Last": last, "Next": status.next.isoformat(), "LastUpdated": last},
        schedule={"AdjustForDST": True},
    )

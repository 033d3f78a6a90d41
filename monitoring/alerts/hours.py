"""When a team's tickets may be sent, and which kinds of alert are muted, by its local clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

import engine.policy
from monitoring.alerts.lifecycle import Kind, ModelKind
from monitoring.calendars import WEEKDAYS, Calendar, DayClass, Weekday
from monitoring.localdays import day_of

MINUTES = 24 * 60
#: Days ahead that are searched for one with business hours; a calendar without any has none.
AHEAD = 62
Span = tuple[datetime, datetime]


def _spelled(value: object) -> object:
    """Spell a time that YAML read as a number: 17:30 without quotes is 1050, in base 60."""
    if isinstance(value, int) and not isinstance(value, bool) and 60 <= value <= MINUTES:
        return f"{value // 60:02}:{value % 60:02}"
    return value


ClockTime = Annotated[
    str, BeforeValidator(_spelled), Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")
]


class Hours(engine.policy.Policy):
    """Business hours: the days of the team's calendar that are no weekend and no holiday."""

    begin: ClockTime = Field("09:00", description="When they begin, by the calendar's zone.")
    end: ClockTime = Field(
        "17:00", description="When they end; not after `begin`: on the next day."
    )


class Mute(engine.policy.Policy):
    """A recurring interval in which alerts of some kinds are sent to nobody, pages included."""

    kinds: tuple[ModelKind, ...] = Field(min_length=1, description="The kinds that are muted.")
    days: tuple[Weekday, ...] = Field(
        WEEKDAYS, min_length=1, description="Days of the week on which it begins."
    )
    begin: ClockTime = Field(description="When it begins, by the zone of the team's calendar.")
    end: ClockTime = Field(description="When it ends; not after `begin`: on the next day.")


@dataclass(frozen=True)
class Opening:
    """When tickets may be sent again (None: now), and when that changes (None: never)."""

    resumes: datetime | None = None
    changes: datetime | None = None


def opening(hours: Hours, calendar: Calendar, now: datetime) -> Opening:
    """Return whether tickets are sent at `now`; without any business day they are."""
    zone = calendar.policy.zone
    today = day_of(now, zone)
    for number in range(-1, AHEAD):
        day = today + timedelta(days=number)
        if _free(day, calendar, now):
            continue
        begin, end = _span(day, hours.begin, hours.end, zone)
        if now < begin:
            return Opening(begin, begin)
        if now < end:
            return Opening(None, end)
    return Opening()


def muted(intervals: Sequence[Mute], zone: str, now: datetime) -> dict[Kind, datetime]:
    """Return the kinds that are muted at `now`, each with the end of its interval."""
    found: dict[Kind, datetime] = {}
    for interval in intervals:
        for begin, end in _spans(interval, zone, now, 1):
            if begin <= now < end:
                found |= {k: max(end, found.get(k, end)) for k in interval.kinds}
    return found


def next_edge(intervals: Sequence[Mute], zone: str, now: datetime) -> datetime | None:
    """Return when the next interval begins or ends."""
    edges = [
        edge
        for interval in intervals
        for span in _spans(interval, zone, now, len(WEEKDAYS) + 1)
        for edge in span
        if edge > now
    ]
    return min(edges, default=None)


def _free(day: date, calendar: Calendar, now: datetime) -> bool:
    # An eve or a promotion on a weekend is of that class, and of the weekend all the same.
    weekend = WEEKDAYS[day.weekday()] in calendar.policy.weekend
    return weekend or calendar.day_class(day, now) is DayClass.HOLIDAY


def _spans(interval: Mute, zone: str, now: datetime, ahead: int) -> Iterator[Span]:
    """Yield the interval's spans of yesterday, which may last, and of the days ahead."""
    today = day_of(now, zone)
    for number in range(-1, ahead):
        day = today + timedelta(days=number)
        if WEEKDAYS[day.weekday()] in interval.days:
            yield _span(day, interval.begin, interval.end, zone)


def _span(day: date, begin: str, end: str, zone: str) -> Span:
    first, last = _minutes(begin), _minutes(end)
    return _instant(day, first, zone), _instant(day, last if last > first else last + MINUTES, zone)


def _instant(day: date, minutes: int, zone: str) -> datetime:
    """Return a moment of the local clock; one that the clock skips is that much later."""
    local = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)

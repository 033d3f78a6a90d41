"""What the business calendar knows of a day: holidays, announced events, day classes, freezes.

Days are local days of one zone. Only what was announced before `now` may explain anything: an
event written down afterwards is hindsight.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

import engine.policy
from engine.errors import Refused
from monitoring import ics
from monitoring.ics import Category, Event

__all__ = [
    "Calendar",
    "Category",
    "DayClass",
    "Event",
    "Freeze",
    "Policy",
    "announced",
    "bounds",
    "calendar",
    "day_of",
    "days_of",
    "frozen",
]

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)


class Policy(engine.policy.Policy):
    """One named business calendar."""

    zone: str = Field("UTC", description="IANA zone whose midnights divide the days.")
    countries: tuple[str, ...] = Field(
        (), description="Public holidays of these: ISO 3166 codes, US or with a subdivision US-NY."
    )
    ics: tuple[str, ...] = Field((), description="iCalendar files with announced events.")
    lead_days: int = Field(
        1, ge=0, le=31, description="An event reaches this many days before its first day."
    )
    lag_days: int = Field(
        1, ge=0, le=31, description="An event reaches this many days after its last day."
    )
    weekend: tuple[Weekday, ...] = Field(
        ("saturday", "sunday"), description="Days of the week without business."
    )

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            return ZoneInfo(zone).key
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            near = _near(zone, available_timezones())
            raise ValueError(f"{zone}: unknown zone{near}") from error

    @field_validator("countries")
    @classmethod
    def _known_countries(cls, countries: tuple[str, ...]) -> tuple[str, ...]:
        # Costs an eighth of a second to import, which a worker without calendars is spared.
        import holidays

        known = holidays.list_supported_countries(include_aliases=True)
        for code in countries:
            country, _, part = code.partition("-")
            if country not in known:
                raise ValueError(f"{code}: no holidays known for {country}{_near(country, known)}")
            if part and part not in known[country]:
                raise ValueError(
                    f"{code}: {country} has no subdivision {part}{_near(part, known[country])}"
                )
        return countries


class DayClass(StrEnum):
    """Days that may be compared with each other."""

    WEEKDAY = "weekday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    EVE = "eve"
    PROMOTION = "promotion"
    EVENT = "event"


@dataclass(frozen=True)
class Freeze:
    """No change by machine until `until`."""

    until: datetime
    by: str
    reason: str


def frozen(freezes: Iterable[Freeze], now: datetime) -> Freeze | None:
    """The freeze that holds longest at `now`, or None; `until` itself is free."""
    holding = [freeze for freeze in freezes if now < freeze.until]
    return max(holding, key=lambda freeze: freeze.until, default=None)


def announced(event: Event, now: datetime) -> bool:
    """Whether `event` was known at `now`."""
    return event.announced is None or event.announced <= now


def day_of(instant: datetime, zone: str) -> date:
    """The local day an instant falls on.

    >>> day_of(datetime(2013, 7, 5, 3, 59, tzinfo=UTC), "America/New_York").isoformat()
    '2013-07-04'
    """
    return instant.astimezone(ZoneInfo(zone)).date()


@lru_cache(maxsize=4096)
def bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """First instant of a local day and of the next, in UTC; 23 to 25 hours apart around DST.

    A midnight that the clocks skip is the instant of the change, one that comes twice the first.
    """
    local = ZoneInfo(zone)
    start = datetime.combine(day, time(), local)
    end = datetime.combine(day + timedelta(days=1), time(), local)
    return start.astimezone(UTC), end.astimezone(UTC)


def days_of(instants: NDArray[np.datetime64], zone: str) -> NDArray[np.datetime64]:
    """Local days (datetime64[D]) of UTC instants (datetime64, any unit, no NaT)."""
    if not len(instants):
        return np.empty(0, "datetime64[D]")
    moments = instants.astype("datetime64[us]")
    first = day_of(_utc(moments.min()), zone)
    last = day_of(_utc(moments.max()), zone)
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    starts = np.array([bounds(day, zone)[0].replace(tzinfo=None) for day in days], moments.dtype)
    position = np.searchsorted(starts, moments, side="right") - 1
    return np.array(days, "datetime64[D]")[position]


class Calendar:
    """The events of one policy, by local day; years are laid out once, when first asked for."""

    def __init__(self, policy: Policy, files: Sequence[ics.File] = ()) -> None:
        self.policy = policy
        self._files = files
        self._zone = ZoneInfo(policy.zone)
        self._weekend = {WEEKDAYS.index(name) for name in policy.weekend}
        self._years: dict[int, dict[date, tuple[Event, ...]]] = {}

    def events_on(self, day: date) -> tuple[Event, ...]:
        """Every event of that day, announced or not; public holidays first, then by name."""
        if day.year not in self._years:
            self._years[day.year] = self._layout(day.year)
        return self._years[day.year].get(day, ())

    def explains(self, day: date, now: datetime) -> Event | None:
        """The nearest event known at `now` that reaches `day`, with lead and lag; or None."""
        ahead, behind = self.policy.lead_days, self.policy.lag_days
        for distance in range(max(ahead, behind) + 1):
            for offset in dict.fromkeys((distance, -distance)):
                if -behind <= offset <= ahead:
                    for event in self.events_on(day + timedelta(days=offset)):
                        if announced(event, now):
                            return event
        return None

    def day_class(self, day: date, now: datetime) -> DayClass:
        """What other days `day` may be compared with, from what was known at `now`."""
        known = {event.category for event in self.events_on(day) if announced(event, now)}
        if Category.HOLIDAY in known:
            return DayClass.HOLIDAY
        if Category.PROMOTION in known:
            return DayClass.PROMOTION
        eve = self.events_on(day + timedelta(days=1))
        if any(e.category is Category.HOLIDAY and announced(e, now) for e in eve):
            return DayClass.EVE
        return DayClass.WEEKEND if day.weekday() in self._weekend else DayClass.WEEKDAY

    def is_business_day(self, day: date) -> bool:
        """Neither weekend nor a holiday of the countries or files."""
        holiday = any(event.category is Category.HOLIDAY for event in self.events_on(day))
        return day.weekday() not in self._weekend and not holiday

    def _layout(self, year: int) -> dict[date, tuple[Event, ...]]:
        events = [*self._holidays(year), *self._announced(year)]
        days: dict[date, list[Event]] = {}
        for event in events:
            for i in range((event.last - event.first).days + 1):
                days.setdefault(event.first + timedelta(days=i), []).append(event)
        return {day: tuple(found) for day, found in days.items() if day.year == year}

    def _holidays(self, year: int) -> list[Event]:
        import holidays

        events: list[Event] = []
        for code in self.policy.countries:
            country, _, part = code.partition("-")
            found = holidays.country_holidays(country, subdiv=part or None, years=year)
            events += [Event(found[d], d, d, Category.HOLIDAY, code) for d in sorted(found)]
        return events

    def _announced(self, year: int) -> list[Event]:
        found = {e for parsed in self._files for e in ics.occurrences(parsed, year, self._zone)}
        return sorted(found, key=lambda e: (e.first, e.name, e.last, e.source))


def calendar(policy: Policy, ics_texts: Sequence[str] = ()) -> Calendar:
    """Build a calendar from its policy and the content of the files `policy.ics` names, in order.

    Raises `Refused` for unreadable content and for a number of texts other than of files.
    """
    if len(ics_texts) != len(policy.ics):
        raise Refused(f"calendar names {len(policy.ics)} .ics files but {len(ics_texts)} were read")
    pairs = zip(policy.ics, ics_texts, strict=True)
    return Calendar(policy, [ics.read(name, text) for name, text in pairs])


def _near(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {close[0]}?" if close else ""


def _utc(moment: np.datetime64) -> datetime:
    plain: datetime = moment.astype("datetime64[us]").item()
    return plain.replace(tzinfo=UTC)

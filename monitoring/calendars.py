"""The business calendar: holidays, announced events, day classes, freezes.

Days are local days of one zone. An event explains nothing before it was announced.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import Field, field_validator

import engine.policy
from engine.errors import Refused
from engine.policy import LongText, ShortText
from monitoring import ics
from monitoring.countries import checked, public_holidays
from monitoring.ics import Category, Event
from monitoring.localdays import bounds, day_of, days_of
from monitoring.near import near

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

    zone: ShortText = Field("UTC", description="IANA zone whose midnights divide the days.")
    countries: tuple[ShortText, ...] = Field(
        (), description="Public holidays of these: ISO 3166 codes, US or with a subdivision US-NY."
    )
    ics: tuple[LongText, ...] = Field((), description="iCalendar files with announced events.")
    lead_days: int = Field(
        1, ge=0, le=31, description="An event reaches this many days before its first day."
    )
    lag_days: int = Field(
        1, ge=0, le=31, description="An event reaches this many days after its last day."
    )
    weekend: tuple[Weekday, ...] = Field(
        ("saturday", "sunday"), description="Days of the week without business."
    )
    segments: dict[LongText, ShortText] = Field(
        default_factory=dict,
        description="Country of a segment, by its name (COLUMN=LEVEL, as in store_country=DE: DE): "
        "its holidays take the place of those of `countries` there and explain that segment's "
        "drift only. Events of .ics files hold for every segment.",
    )

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            return ZoneInfo(zone).key
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            hint = near(zone, available_timezones())
            raise ValueError(f"{zone}: unknown zone{hint}") from error

    @field_validator("countries")
    @classmethod
    def _known_countries(cls, countries: tuple[str, ...]) -> tuple[str, ...]:
        return checked(countries)

    @field_validator("segments")
    @classmethod
    def _known_segments(cls, segments: dict[str, str]) -> dict[str, str]:
        for name in segments:
            if not all(name.partition("=")):
                raise ValueError(f"{name}: name a segment as COLUMN=LEVEL")
        checked(tuple(segments.values()))
        return segments


class DayClass(StrEnum):
    """Classes of days; days of one class are comparable."""

    WEEKDAY = "weekday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    EVE = "eve"
    PROMOTION = "promotion"
    EVENT = "event"


@dataclass(frozen=True)
class Freeze:
    """No automatic change until `until`."""

    until: datetime
    by: str
    reason: str


def frozen(freezes: Iterable[Freeze], now: datetime) -> Freeze | None:
    """The freeze in force at `now` that ends last, or None; a freeze ends at `until`."""
    holding = [freeze for freeze in freezes if now < freeze.until]
    return max(holding, key=lambda freeze: freeze.until, default=None)


def announced(event: Event, now: datetime) -> bool:
    """Whether `event` was known at `now`."""
    return event.announced is None or event.announced <= now


class Calendar:
    """The events of one policy by local day; each year is computed once, on first use."""

    def __init__(self, policy: Policy, files: Sequence[ics.File] = ()) -> None:
        self.policy = policy
        self._files = files
        self._zone = ZoneInfo(policy.zone)
        self._weekend = {WEEKDAYS.index(name) for name in policy.weekend}
        self._years: dict[int, dict[date, tuple[Event, ...]]] = {}
        self._segments: dict[str, Calendar] = {}

    @property
    def empty(self) -> bool:
        """Whether it has neither countries nor files, and so no events."""
        return not self.policy.countries and not self._files

    def check(self, years: Iterable[int]) -> None:
        """Expand the events of every file over some years, as later use will.

        Raises
        ------
        Refused
            With one line for each file whose events are too many.
        """
        spans, wrong = list(years), []
        for file in self._files:
            try:
                ics.check(file, spans)
            except Refused as error:
                wrong.append(str(error))
        if wrong:
            raise Refused("\n".join(wrong))

    def for_segment(self, name: str) -> Calendar:
        """The calendar of one segment (`store_country=DE`), with the same zone.

        It is this calendar where the policy names no country for the segment.
        """
        country = self.policy.segments.get(name)
        if country is None:
            return self
        if country not in self._segments:
            own = self.policy.model_copy(update={"countries": (country,), "segments": {}})
            self._segments[country] = Calendar(own, self._files)
        return self._segments[country]

    def events_on(self, day: date) -> tuple[Event, ...]:
        """Every event of that day, announced or not: holidays, then others by begin and name."""
        if day.year not in self._years:
            self._years[day.year] = self._layout(day.year)
        return self._years[day.year].get(day, ())

    def reach(self, event: Event) -> tuple[date, date]:
        """First and last day that an event may explain, with lead and lag."""
        lead, lag = timedelta(days=self.policy.lead_days), timedelta(days=self.policy.lag_days)
        return event.first - lead, event.last + lag

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

    def reaching(self, day: date, now: datetime) -> tuple[Event, ...]:
        """Every event known at `now` that reaches `day`, each once, the earliest first."""
        ahead, behind = self.policy.lead_days, self.policy.lag_days
        near = [day + timedelta(days=offset) for offset in range(-behind, ahead + 1)]
        found = dict.fromkeys(event for one in near for event in self.events_on(one))
        return tuple(event for event in found if announced(event, now))

    def over(self, after: date, until: date, now: datetime) -> tuple[Event, ...]:
        """Every event known at `now` whose reach ended after day `after`, up to day `until`."""
        lag = timedelta(days=self.policy.lag_days)
        lasts = [after - lag + timedelta(days=i + 1) for i in range((until - after).days)]
        return tuple(
            event
            for last in lasts
            for event in self.events_on(last)
            if event.last == last and announced(event, now)
        )

    def day_class(self, day: date, now: datetime) -> DayClass:
        """The class of `day`, from the events known at `now`."""
        known = {event.category for event in self.events_on(day) if announced(event, now)}
        if Category.HOLIDAY in known:
            return DayClass.HOLIDAY
        if Category.PROMOTION in known:
            return DayClass.PROMOTION
        eve = self.events_on(day + timedelta(days=1))
        if any(e.category is Category.HOLIDAY and announced(e, now) for e in eve):
            return DayClass.EVE
        return DayClass.WEEKEND if day.weekday() in self._weekend else DayClass.WEEKDAY

    def _layout(self, year: int) -> dict[date, tuple[Event, ...]]:
        events = [*public_holidays(self.policy.countries, year), *self._announced(year)]
        days: dict[date, list[Event]] = {}
        for event in events:
            for day in event.days_of(year):
                days.setdefault(day, []).append(event)
        return {day: tuple(found) for day, found in days.items()}

    def _announced(self, year: int) -> list[Event]:
        found = {e for parsed in self._files for e in ics.occurrences(parsed, year, self._zone)}
        return sorted(found, key=lambda e: (e.first, e.name, e.last, e.source))


def calendar(policy: Policy, ics_texts: Sequence[str] = ()) -> Calendar:
    """Build a calendar from its policy and the content of the files `policy.ics` names, in order.

    Raises `Refused` for unreadable content, with one line for each fault of any file, and for a
    number of texts other than of files.
    """
    if len(ics_texts) != len(policy.ics):
        raise Refused(f"calendar names {len(policy.ics)} .ics files but {len(ics_texts)} were read")
    files, wrong = [], []
    for name, text in zip(policy.ics, ics_texts, strict=True):
        try:
            files.append(ics.read(name, text))
        except Refused as error:
            wrong.append(str(error))
    if wrong:
        raise Refused("\n".join(wrong))
    return Calendar(policy, files)

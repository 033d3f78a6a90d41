"""Announced events from iCalendar content (RFC 5545), with recurrences expanded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from engine.errors import Refused

TICK = timedelta(microseconds=1)


class Category(StrEnum):
    """The category of an event, CATEGORIES in an .ics file."""

    HOLIDAY = "holiday"
    INCIDENT = "incident"
    PROMOTION = "promotion"
    OTHER = "other"


@dataclass(frozen=True)
class Event:
    """One occurrence, `first` to `last` (both included), known since `announced`.

    None means always known, as public holidays are.
    """

    name: str
    first: date
    last: date
    category: Category
    source: str
    announced: datetime | None = None


@dataclass(frozen=True)
class File:
    """Parsed content of one .ics file, under the name that messages use."""

    name: str
    parsed: Any


def read(name: str, text: str) -> File:
    """Parse one file's content; raises `Refused` with the event and field at fault."""
    # Deferred: the iCalendar packages take a tenth of a second to import.
    import icalendar

    try:
        parsed = icalendar.Calendar.from_ical(text)
    except ValueError as error:
        first = str(error).partition("\n")[0]
        raise Refused(f"{name}: not an iCalendar file: {first}") from error
    for item in parsed.walk("VEVENT"):
        title = item.get("SUMMARY", "an event")
        if item.errors:
            field, fault = item.errors[0]
            raise Refused(f"{name}: {title}: {field}: {fault}")
        if "DTSTART" not in item:
            raise Refused(f"{name}: {title}: DTSTART is missing")
        if "X-ANNOUNCED" in item:
            _checked_stamp(name, title, item["X-ANNOUNCED"])
    return File(name, parsed)


def occurrences(file: File, year: int, zone: ZoneInfo) -> Iterator[Event]:
    """Every occurrence that may touch `year`, as days of `zone`; cancelled events are left out.

    The category is the first of CATEGORIES that is known. An event was announced at X-ANNOUNCED,
    else CREATED, else DTSTAMP, else when it starts.
    """
    import recurring_ical_events

    # One day more on either side: the file's zone may differ from the calendar's.
    first, last = date(year, 1, 1) - timedelta(days=1), date(year + 1, 1, 2)
    for item in recurring_ical_events.of(file.parsed).between(first, last):
        if str(item.get("STATUS", "")).upper() != "CANCELLED":
            yield _event(item, file.name, zone)


def _event(item: Any, source: str, zone: ZoneInfo) -> Event:
    start = item["DTSTART"].dt
    end = item["DTEND"].dt if "DTEND" in item else _end(item, start)
    # Ends are exclusive: a whole-day event ends on the day after, others at the instant after.
    last = end - (TICK if isinstance(end, datetime) else timedelta(days=1))
    first_day = _day(start, zone)
    return Event(
        name=str(item.get("SUMMARY", "event")),
        first=first_day,
        last=max(first_day, _day(last, zone)),
        category=_category(item),
        source=source,
        announced=_announced(item, zone) or _instant(first_day, zone),
    )


def _day(moment: date, zone: ZoneInfo) -> date:
    if not isinstance(moment, datetime):
        return moment
    return moment.date() if moment.tzinfo is None else moment.astimezone(zone).date()


def _announced(item: Any, zone: ZoneInfo) -> datetime | None:
    # Exporters rewrite DTSTAMP at every download, so it is asked last.
    stated = next((n for n in ("X-ANNOUNCED", "CREATED", "DTSTAMP") if n in item), None)
    return None if stated is None else _instant(_moment(item[stated]), zone)


def _instant(moment: date, zone: ZoneInfo) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(), zone)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return aware.astimezone(UTC)


def _checked_stamp(name: str, title: str, value: Any) -> None:
    try:
        _moment(value)
    except ValueError as error:
        hint = "write it as 20130416T120000Z or 20130416"
        raise Refused(f"{name}: {title}: X-ANNOUNCED {value}: {hint}") from error


def _moment(value: Any) -> date:
    import icalendar

    if hasattr(value, "dt"):
        stated: date = value.dt
        return stated
    parse: Any = icalendar.vDDDTypes.from_ical
    parsed: date = parse(str(value))
    return parsed


def _end(item: Any, start: date) -> date:
    if "DURATION" in item:
        length: timedelta = item["DURATION"].dt
        return start + length
    return start + (timedelta(0) if isinstance(start, datetime) else timedelta(days=1))


def _category(item: Any) -> Category:
    stated = item.get("CATEGORIES", [])
    for entry in stated if isinstance(stated, list) else [stated]:
        for name in getattr(entry, "cats", [entry]):
            if str(name).lower() in set(Category):
                return Category(str(name).lower())
    return Category.OTHER

"""Announced events from iCalendar content (RFC 5545), with recurrences expanded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from engine.errors import Refused
from monitoring.ics_events import told
from monitoring.ics_lines import Fault, components
from monitoring.ics_rules import cost
from monitoring.ics_series import Series, understood

TICK = timedelta(microseconds=1)
#: The most days that the events of one file take up in a year, all events together.
MOST_EVENT_DAYS = 20_000
#: The most time that the rules of one file take, in units of about 5 µs.
MOST_COST = 1_000_000


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

    def days_of(self, year: int) -> tuple[date, ...]:
        """Return its days that lie in a year."""
        first = max(self.first, date(year, 1, 1)).toordinal()
        last = min(self.last, date(year, 12, 31)).toordinal()
        return tuple(date.fromordinal(n) for n in range(first, last + 1))


@dataclass(frozen=True)
class File:
    """The series of events of one .ics file, under the name that messages use."""

    name: str
    series: tuple[Series, ...]


def read(name: str, text: str) -> File:
    """Read one file's content.

    Raises
    ------
    Refused
        With one line for each fault: file, line, event, property.
    """
    calendars, faults = components(text)
    series: list[Series] = []
    if not faults:
        series, faults = understood(calendars)
    _refuse(name, faults)
    return File(name, tuple(series))


def check(file: File, years: Iterable[int]) -> None:
    """Expand a file over some years, as later use will.

    Raises
    ------
    Refused
        Its events are too many, or cannot be expanded.
    """
    spans = list(years)
    if not spans:
        return
    price = [
        (sum(cost(rule, one.start, max(spans)) for rule in one.rules), one) for one in file.series
    ]
    if sum(units for units, _ in price) > MOST_COST:
        _, worst = max(price, key=lambda pair: pair[0])
        why = "the recurrences of this file take too long to expand; begin them later"
        _refuse(file.name, [Fault(worst.line, f"{worst.title}: {why}")])
    for year in spans:
        days = 0
        for one in file.series:
            for event in _of(one, file.name, year, ZoneInfo("UTC")):
                days += len(event.days_of(year))
                if days > MOST_EVENT_DAYS:
                    why = f"the events of {year} take up more than {MOST_EVENT_DAYS:,} days"
                    _refuse(file.name, [Fault(one.line, f"{one.title}: {why}")])


def occurrences(file: File, year: int, zone: ZoneInfo) -> Iterator[Event]:
    """Every occurrence that may touch `year`, as days of `zone`; cancelled events are left out.

    The category is the first of CATEGORIES that is known. An event was announced at X-ANNOUNCED,
    else CREATED, else DTSTAMP, else when it starts.
    """
    for one in file.series:
        yield from _of(one, file.name, year, zone)


def _refuse(name: str, faults: Iterable[Fault]) -> None:
    lines = [f"{name}:{fault.line}: {fault.message}" for fault in told(faults)]
    if lines:
        raise Refused("\n".join(lines))


def _of(one: Series, source: str, year: int, zone: ZoneInfo) -> Iterator[Event]:
    # One day more on either side: the file's zone may differ from the calendar's.
    first, last = date(year, 1, 1) - timedelta(days=1), date(year + 1, 1, 2)
    for item in one.query.between(first, last):
        if str(item.get("STATUS", "")).strip().upper() != "CANCELLED":
            yield _event(item, source, zone)


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

"""The events of a calendar with their recurrences, as series that can be expanded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from monitoring.ics_events import (
    LONGEST_REASON,
    MOST_FAULTS,
    TIMES,
    Entry,
    entry_faults,
    kept,
    rules_of,
)
from monitoring.ics_lines import BROKEN, Component, Fault, Line
from monitoring.ics_rules import Rule, bounded
from monitoring.ics_zones import Zones, zones_of

MOST_EVENTS = 10_000
MOST_DATES = 20_000


@dataclass(frozen=True)
class Series:
    """An event with its recurrences and their changes; `query` expands it."""

    line: int
    title: str
    start: date
    rules: tuple[Rule, ...]
    query: Any


def understood(calendars: Sequence[Component]) -> tuple[list[Series], list[Fault]]:
    """Return the series of a file's calendars, and every fault; cancelled calendars have none."""
    held = [one for one in calendars if one.value("METHOD").upper() != "CANCEL"]
    events = [event for one in held for event in one.those("VEVENT")]
    if len(events) > MOST_EVENTS:
        line = events[MOST_EVENTS].line
        return [], [Fault(line, f"{len(events):,} events; {MOST_EVENTS:,} at most are read")]
    dates = 0
    for event in events:
        for one in (*event.named("RDATE"), *event.named("EXDATE")):
            dates += one.value.count(",") + 1
            if dates > MOST_DATES:
                return [], [Fault(one.number, f"more than {MOST_DATES:,} dates in RDATE, EXDATE")]
    series: list[Series] = []
    faults: list[Fault] = []
    for calendar in held:
        _read(calendar, series, faults)
    return series, faults


def _read(calendar: Component, series: list[Series], faults: list[Fault]) -> None:
    """Add the series and the faults of one calendar."""
    import icalendar

    sources = calendar.those("VEVENT")
    lines = [kept(event, faults) for event in sources]
    zones = zones_of(calendar, [line for own in lines for line in own if line.name in TIMES])
    faults += zones.faults
    body = "".join(f"BEGIN:VEVENT\r\n{_text(own, zones)}END:VEVENT\r\n" for own in lines)
    try:
        parsed = icalendar.Calendar.from_ical(
            f"BEGIN:VCALENDAR\r\n{zones.text}{body}END:VCALENDAR\r\n"
        )
    except BROKEN as error:
        why = " ".join(str(error).split())[:LONGEST_REASON]
        faults.append(Fault(calendar.line, f"cannot be read: {why}"))
        return
    entries = [
        Entry(source, item) for source, item in zip(sources, parsed.walk("VEVENT"), strict=True)
    ]
    for entry in entries:
        # A rule that matches nothing takes long to recognise: enough faults are known by then.
        faults += entry_faults(entry) if len(faults) <= MOST_FAULTS else []
    if not faults:
        for group in _groups(entries):
            _add(group, zones, series, faults)


def _text(lines: Iterable[Line], zones: Zones) -> str:
    return "".join(f"{zones.renamed(line)}\r\n" for line in lines)


def _groups(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Yield the entries of each series: an event, and its changed recurrences.

    Of events with one UID the newest revision counts; of the same revision all do.
    """
    by_uid: dict[str, list[Entry]] = {}
    for number, entry in enumerate(entries):
        by_uid.setdefault(str(entry.item.get("UID", number)), []).append(entry)
    for group in by_uid.values():
        cores = [one for one in group if "RECURRENCE-ID" not in one.item]
        newest = max((one.item.get("SEQUENCE", 0) for one in cores), default=0)
        newest_cores = [one for one in cores if one.item.get("SEQUENCE", 0) == newest]
        changed = [one for one in group if "RECURRENCE-ID" in one.item]
        yield [*newest_cores[:1], *changed]
        yield from ([one] for one in newest_cores[1:])


def _add(group: list[Entry], zones: Zones, series: list[Series], faults: list[Fault]) -> None:
    """Add one series, or the fault that keeps it from being expanded."""
    import icalendar
    import recurring_ical_events

    calendar, core = icalendar.Calendar(), group[0]
    if zones.default is not None:
        calendar["X-WR-TIMEZONE"] = zones.default
    start = core.item["DTSTART"].dt
    rules = []
    for entry in group:
        own = entry.item["DTSTART"].dt
        if own_rules := rules_of(entry.item):
            made = [icalendar.vRecur(bounded(rule, own)) for rule in own_rules]
            rules += made
            entry.item["RRULE"] = made if len(made) > 1 else made[0]
        calendar.add_component(entry.item)
    try:
        query = recurring_ical_events.of(calendar)
    except BROKEN as error:
        faults.append(core.fault("RRULE", f"cannot be expanded: {error}"))
        return
    series.append(Series(core.source.line, core.title, start, tuple(rules), query))

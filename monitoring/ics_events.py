"""The properties of an event that place it in time, checked one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from monitoring.ics_lines import BROKEN, Component, Fault, Line
from monitoring.ics_rules import FIRST_YEAR, LAST_YEAR, Rule, rule_faults

MOST_FAULTS = 5
LONGEST = timedelta(days=3653)
LONGEST_TITLE = 60
LONGEST_REASON = 120
#: Properties that place an event or name it; others are left out, whatever they contain.
ONCE = ("UID", "SUMMARY", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "STATUS", "X-ANNOUNCED")
OFTEN = ("RRULE", "RDATE", "EXDATE", "CATEGORIES")
#: Read where they can be: an exporter writes them, and an event without them is as good.
LENIENT = ("CREATED", "DTSTAMP", "SEQUENCE")
TIMES = ("DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE")
WRITE = "write it as 20130416 or 20130416T120000Z"


@dataclass(frozen=True)
class Entry:
    """One VEVENT: its lines in the file, and as the package reads them."""

    source: Component
    item: Any

    @property
    def title(self) -> str:
        """Its summary, cut."""
        return _title(self.source)

    def fault(self, name: str, why: str) -> Fault:
        """Return a fault of a property, at its line."""
        line = next((one.number for one in self.source.named(name)), self.source.line)
        return Fault(line, f"{self.title}: {name}: {' '.join(why.split())[:LONGEST_REASON]}")


def told(faults: Iterable[Fault]) -> list[Fault]:
    """Return the faults to name, in the order of lines."""
    every = sorted(set(faults), key=lambda one: (one.line, one.message))
    if len(every) <= MOST_FAULTS:
        return every
    return [*every[:MOST_FAULTS], Fault(every[MOST_FAULTS].line, "and more like these")]


def kept(event: Component, faults: list[Fault]) -> list[Line]:
    """Return the lines of an event that matter; a second one of a kind is a fault."""
    single: dict[str, Line] = {}
    often = []
    for line in event.lines:
        if line.name in OFTEN and line.value.strip():
            often.append(line)
        elif line.name in LENIENT and line.name not in single and _usable(line):
            single[line.name] = line
        elif line.name in ONCE:
            first = single.setdefault(line.name, line)
            if first is not line:
                told = f"{_title(event)}: {line.name}: twice, first on line {first.number}"
                faults.append(Fault(line.number, told))
    return [*single.values(), *often]


def _usable(line: Line) -> bool:
    import icalendar

    if line.name == "SEQUENCE":
        return line.value.strip().isdecimal() and len(line.value) < 10
    parse: Any = icalendar.vDDDTypes.from_ical
    try:
        stated = parse(line.value.strip())
    except BROKEN:
        return False
    return isinstance(stated, date) and FIRST_YEAR <= stated.year <= LAST_YEAR


def _title(event: Component) -> str:
    return " ".join(event.value("SUMMARY").split())[:LONGEST_TITLE] or "an event"


def entry_faults(entry: Entry) -> Iterator[Fault]:
    """Yield what is wrong with an event."""
    item = entry.item
    if item.errors:
        for name, why in item.errors:
            hint = f"; {WRITE}" if name in TIMES else ""
            yield entry.fault(str(name), f"{str(why)[: LONGEST_REASON - len(hint)]}{hint}")
        return
    if "DTSTART" not in item:
        yield Fault(entry.source.line, f"{entry.title}: DTSTART is missing; {WRITE}")
        return
    if wrong := list(_times(entry)):
        yield from wrong
        return
    if "X-ANNOUNCED" in item and not _usable(entry.source.named("X-ANNOUNCED")[0]):
        value = entry.source.value("X-ANNOUNCED")[:LONGEST_TITLE]
        yield Fault(
            entry.source.named("X-ANNOUNCED")[0].number,
            f"{entry.title}: X-ANNOUNCED {value}: {WRITE}",
        )
    for rule in rules_of(item):
        for why in rule_faults(rule, item["DTSTART"].dt):
            yield entry.fault("RRULE", why)


def _times(entry: Entry) -> Iterator[Fault]:
    """Yield the faults of an event's begin, end and single dates."""
    item = entry.item
    for name, moment in _moments(item):
        if not isinstance(moment, date):
            yield entry.fault(name, f"a date or an instant is needed; {WRITE}")
            return
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            span = f"{FIRST_YEAR} … {LAST_YEAR}"
            yield entry.fault(name, f"the year {moment.year} is outside of {span}")
            return
    start = item["DTSTART"].dt
    if "DURATION" in item:
        name, length = "DURATION", item["DURATION"].dt
    elif "DTEND" in item:
        name, length = "DTEND", _plain(item["DTEND"].dt) - _plain(start)
    else:
        return
    if not isinstance(length, timedelta):
        yield entry.fault(name, "a duration is needed; write it as P1D or PT2H")
    elif length < timedelta(0):
        yield entry.fault(name, "the event ends before it begins")
    elif length > LONGEST:
        yield entry.fault(name, f"the event lasts {length.days:,} days; {LONGEST.days:,} at most")


def _moments(item: Any) -> Iterator[tuple[str, object]]:
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        if name in item:
            yield name, item[name].dt
    for name in ("RDATE", "EXDATE"):
        for listed in _several(item, name):
            for one in listed.dts:
                # A period has a begin, and an end or a duration.
                period = one.dt if isinstance(one.dt, tuple) else (one.dt,)
                yield from ((name, part) for part in period if not isinstance(part, timedelta))


def _plain(moment: date) -> datetime:
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=None)
    return datetime(moment.year, moment.month, moment.day)


def _several(item: Any, name: str) -> list[Any]:
    found = item.get(name, [])
    return found if isinstance(found, list) else [found]


def rules_of(item: Any) -> list[Rule]:
    """Return the recurrence rules of an event."""
    return [rule for rule in _several(item, "RRULE") if rule]

"""The time zones that a calendar names: known ones, those of Windows, and its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from monitoring.ics_lines import BROKEN, Component, Fault, Line

TZID = re.compile(r';TZID=("[^"]*"|[^;:]*)', re.IGNORECASE)
SHOWN = 40
WRITE = "write an IANA zone, as Europe/Berlin"


@dataclass(frozen=True)
class Zones:
    """The zones of one calendar.

    default : the zone of instants without one, None where it is the calendar's own.
    names : the spelling that the package knows, by the spelling in the file.
    text : the definitions of the calendar's own zones.
    """

    default: str | None
    names: dict[str, str]
    text: str
    faults: tuple[Fault, ...]

    def renamed(self, line: Line) -> str:
        """Return a line's text with the zone as the package knows it; an empty name is none."""
        if not (found := TZID.search(line.text.partition(":")[0])):
            return line.text
        name = self.names.get(line.stated("TZID"), "")
        known = f';TZID="{name}"' if name else ""
        return line.text[: found.start()] + known + line.text[found.end() :]


def zones_of(calendar: Component, times: Sequence[Line]) -> Zones:
    """Return the zones of a calendar that its times need, and what is wrong with those."""
    faults: list[Fault] = []
    default = _default(calendar, times, faults)
    own = {zone.value("TZID"): zone for zone in calendar.those("VTIMEZONE")}
    names: dict[str, str] = {}
    text: list[str] = []
    for line in times:
        name = line.stated("TZID")
        if not name or name in names:
            continue
        if (known := _known(name)) is not None:
            names[name] = known
        elif name in own:
            # By content: the package keeps zones by name, for all calendars together.
            unique = f"own-{sha256(_content(own[name]).encode()).hexdigest()[:16]}"
            content = _content(own[name]).replace(_id(own[name]), f"TZID:{unique}", 1)
            wrong = _wrong(own[name], content)
            names[name] = unique if wrong is None else ""
            if wrong is None:
                text.append(content)
            else:
                faults.append(Fault(own[name].line, f"VTIMEZONE {name[:SHOWN]}: {wrong}"))
        else:
            names[name] = ""
            told = f"no such zone, and no VTIMEZONE of that name; {WRITE}"
            faults.append(Fault(line.number, f"{line.name}: TZID {name[:SHOWN]!r}: {told}"))
    return Zones(default, names, "".join(text), tuple(faults))


def _default(calendar: Component, times: Sequence[Line], faults: list[Fault]) -> str | None:
    """Return the zone of X-WR-TIMEZONE; it only matters for instants that name no zone."""
    stated = next((one for one in calendar.named("X-WR-TIMEZONE") if one.value.strip()), None)
    needed = any("T" in one.value and not one.stated("TZID") for one in times)
    if stated is None or not needed:
        return None
    known = _known(stated.value.strip())
    if known is None:
        shown = stated.value.strip()[:SHOWN]
        faults.append(Fault(stated.number, f"X-WR-TIMEZONE {shown!r}: no such zone; {WRITE}"))
    return known


def _known(name: str) -> str | None:
    """Return the IANA name of a zone, or of the zone that Windows calls so."""
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    parts = name.strip("/").split("/")
    # `/vendor.example/Europe/Berlin` is a known zone with a prefix (RFC 5545, 3.2.19).
    tails = ["/".join(parts[i:]) for i in range(len(parts))] if name.startswith("/") else [name]
    for one in tails:
        try:
            return ZoneInfo(WINDOWS_TO_OLSON.get(one, one)).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return None


def _wrong(zone: Component, content: str) -> str | None:
    """Return what is wrong with the definition of a zone; `content` has it under another name."""
    import icalendar

    for part in zone.parts:
        for rule in part.named("RRULE"):
            if not re.match(r"RRULE:\s*FREQ=YEARLY\b", rule.text, re.IGNORECASE):
                return f"RRULE on line {rule.number}: only FREQ=YEARLY is read"
            if re.search(r"INTERVAL=0|BY(HOUR|MINUTE|SECOND)=", rule.text, re.IGNORECASE):
                return f"RRULE on line {rule.number}: a zone changes on days of a year"
    try:
        parsed: Any = icalendar.Timezone.from_ical(content)
        parsed.to_tz()
    except BROKEN as error:
        return f"{' '.join(str(error).split())[:80]}; {WRITE}"
    return None


def _content(part: Component) -> str:
    inner = "".join(f"{line.text}\r\n" for line in part.lines)
    return f"BEGIN:{part.kind}\r\n{inner}{''.join(map(_content, part.parts))}END:{part.kind}\r\n"


def _id(zone: Component) -> str:
    return next(line.text for line in zone.lines if line.name == "TZID")

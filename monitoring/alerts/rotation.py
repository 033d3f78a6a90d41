"""Who is on call at a moment, from the shifts of an iCalendar file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

import engine.policy
from engine.errors import Refused
from engine.policy import LongText, ShortText
from monitoring import ics
from monitoring.ics_lines import components
from monitoring.near import near

#: What stands in a team's `page` for who is on call.
ROTATION = "rotation"
#: Shifts are expanded by blocks of so many days, each once.
BLOCK = 28
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The escapes of a text (RFC 5545, section 3.3.11).
ESCAPES = {"\\\\": "\\", "\\,": ",", "\\;": ";", "\\n": "\n", "\\N": "\n"}


class Policy(engine.policy.Policy):
    """Who is on call: the events of an iCalendar file, each named after a person."""

    ics: LongText = Field(
        description="iCalendar file whose events are shifts. Of shifts that overlap the one that "
        "began last is paged first. Times without a zone are of the team's calendar."
    )
    people: dict[LongText, ShortText] = Field(
        min_length=1, description="The receiver of each person, by the SUMMARY of the shifts."
    )


@dataclass(frozen=True)
class Shift:
    """One shift, from `begin` up to `end`, of a person."""

    begin: datetime
    end: datetime
    who: str


@dataclass(frozen=True)
class Rotation:
    """The shifts of a file, expanded where somebody asks.

    `zone` is that of times without one.
    """

    file: ics.File
    people: Mapping[str, str]
    zone: str = "UTC"
    _blocks: dict[int, tuple[Shift, ...]] = field(default_factory=dict, compare=False, repr=False)

    def receivers(self, now: datetime) -> tuple[str, ...]:
        """Return the receivers of those on call: of shifts that overlap the last begun first."""
        lasting = [one for one in self._around(now) if one.begin <= now < one.end]
        lasting.sort(key=lambda one: (EPOCH - one.begin, one.end, one.who))
        return tuple(dict.fromkeys(self.people[one.who] for one in lasting))

    def changes(self, now: datetime) -> datetime:
        """Return when somebody's shift begins or ends next, or when to look again."""
        edges = [edge for one in self._around(now) for edge in (one.begin, one.end) if edge > now]
        return min([*edges, EPOCH + (_number(now) + 1) * timedelta(days=BLOCK)])

    def gaps(self, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the spans from `begin` to `end` in which nobody is on call."""
        reached = begin
        for one in sorted(self._shifts(begin, end), key=lambda one: one.begin):
            if one.begin > reached:
                yield reached, one.begin
            reached = max(reached, one.end)
        if reached < end:
            yield reached, end

    def _around(self, now: datetime) -> tuple[Shift, ...]:
        number = _number(now)
        if number not in self._blocks:
            begin = EPOCH + number * timedelta(days=BLOCK)
            found = self._shifts(begin, begin + timedelta(days=BLOCK))
            self._blocks[number] = tuple(found)
        return self._blocks[number]

    def _shifts(self, begin: datetime, end: datetime) -> Iterator[Shift]:
        """Yield the shifts that touch a span; cancelled ones are left out."""
        # A day more on either side: times without a zone are read in that of the file at first.
        first, last = begin.date() - timedelta(days=1), end.date() + timedelta(days=2)
        for series in self.file.series:
            for item in series.query.between(first, last):
                if str(item.get("STATUS", "")).strip().upper() == "CANCELLED":
                    continue
                shift = _shift(item, ZoneInfo(self.zone))
                if shift.who in self.people and shift.begin < end and shift.end > begin:
                    yield shift


def read(policy: Policy, text: str, zone: str) -> Rotation:
    """Read the shifts of a file.

    Raises
    ------
    Refused
        With one line for each fault: file, line, event, and what is wrong.
    """
    file = ics.read(policy.ics, text)
    unknown = list(_unknown(policy, text))
    if unknown:
        raise Refused("\n".join(unknown))
    return Rotation(file, policy.people, zone)


def _unknown(policy: Policy, text: str) -> Iterator[str]:
    """Yield a line for each name of a shift that `people` does not know."""
    told: set[str] = set()
    calendars, _ = components(text)
    for calendar in calendars:
        if calendar.value("METHOD").upper() == "CANCEL":
            continue
        for event in calendar.those("VEVENT"):
            who = _unescaped(event.value("SUMMARY")) or "no SUMMARY"
            if event.value("STATUS").upper() == "CANCELLED" or who in (*policy.people, *told):
                continue
            told.add(who)
            line = next((one.number for one in event.named("SUMMARY")), event.line)
            shown = " ".join(who.split())[:60]
            hint = near(who, policy.people)
            yield f"{policy.ics}:{line}: {shown}: not one of `people`{hint}; name a receiver there"


def _shift(item: Any, zone: ZoneInfo) -> Shift:
    start = item["DTSTART"].dt
    if "DTEND" in item:
        end = item["DTEND"].dt
    elif "DURATION" in item:
        end = start + item["DURATION"].dt
    else:
        end = start if isinstance(start, datetime) else start + timedelta(days=1)
    return Shift(_instant(start, zone), _instant(end, zone), str(item.get("SUMMARY", "")).strip())


def _instant(moment: date, zone: ZoneInfo) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return aware.astimezone(UTC)


def _unescaped(text: str) -> str:
    found, place = "", 0
    while place < len(text):
        pair = text[place : place + 2]
        found += ESCAPES.get(pair, text[place])
        place += 2 if pair in ESCAPES else 1
    return found.strip()


def _number(now: datetime) -> int:
    return (now - EPOCH) // timedelta(days=BLOCK)

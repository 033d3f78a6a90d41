"""iCalendar content as components of unfolded lines with their numbers (RFC 5545, section 3.1).

Everything that a calendar of days does not need is left out here, so that no fault in it matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

#: The most characters of one file; the calendar of a large company has about a tenth.
MOST_CHARACTERS = 10 * 1024 * 1024
DEEPEST = 8
SHOWN = 40

#: What the packages raise on content that they did not foresee.
BROKEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

BREAK = re.compile(r"\r\n|\n|\r")
NAME = re.compile(r"([A-Za-z0-9-]+)[;:]")


@dataclass(frozen=True)
class Fault:
    """One fault and its line."""

    line: int
    message: str


@dataclass(frozen=True)
class Line:
    """One unfolded content line, by the number of its first physical line; its name in capitals."""

    number: int
    name: str
    text: str

    @property
    def value(self) -> str:
        """The text behind the first colon that is not quoted."""
        quoted = False
        for place, character in enumerate(self.text):
            quoted ^= character == '"'
            if character == ":" and not quoted:
                return self.text[place + 1 :]
        return ""

    def stated(self, parameter: str) -> str:
        """Return the value of a parameter, empty without it."""
        head = self.text[: len(self.text) - len(self.value) - 1]
        found = re.search(f';{parameter}=(?:"([^"]*)"|([^;:]*))', head, re.IGNORECASE)
        return (found[1] or found[2] or "").strip() if found else ""


@dataclass(frozen=True)
class Component:
    """The lines and the components between BEGIN and END."""

    kind: str
    line: int
    lines: list[Line] = field(default_factory=list)
    parts: list[Component] = field(default_factory=list)

    def named(self, name: str) -> list[Line]:
        """Return its own lines of a name."""
        return [line for line in self.lines if line.name == name]

    def value(self, name: str) -> str:
        """Return the value of the first line of a name, empty without one."""
        return next((line.value.strip() for line in self.named(name)), "")

    def those(self, kind: str) -> list[Component]:
        """Return its own components of a kind."""
        return [part for part in self.parts if part.kind == kind]


def components(text: str) -> tuple[list[Component], list[Fault]]:
    """Return the calendars of a file, and what is wrong with its lines."""
    if len(text) > MOST_CHARACTERS:
        told = f"{len(text) >> 20} MB; {MOST_CHARACTERS >> 20} MB at most are read"
        return [], [Fault(1, told)]
    faults: list[Fault] = []
    found, open_ = Component("", 1), []
    for line in unfolded(text.removeprefix("\ufeff"), faults):
        kind = line.value.strip().upper()
        if line.name == "BEGIN":
            open_.append(Component(kind, line.number))
        elif not open_:
            return [], [Fault(line.number, _not_a_calendar(line.text))]
        elif line.name == "END":
            if open_[-1].kind != kind:
                told = f"END:{kind[:SHOWN]} where END:{open_[-1].kind[:SHOWN]} is due"
                return [], [*faults, Fault(line.number, told)]
            done = open_.pop()
            (open_[-1] if open_ else found).parts.append(done)
        else:
            open_[-1].lines.append(line)
        if len(open_) > DEEPEST:
            return [], [*faults, Fault(line.number, "components are nested too deeply")]
    if open_:
        told = f"BEGIN:{open_[-1].kind[:SHOWN]} has no END; the file may be cut off"
        return [], [*faults, Fault(open_[-1].line, told)]
    faults += [
        Fault(one.line, _not_a_calendar(f"BEGIN:{one.kind}"))
        for one in found.parts
        if one.kind != "VCALENDAR"
    ]
    if not found.parts:
        faults.append(Fault(1, f"{_not_a_calendar('')} (the file is empty)"))
    return found.parts, faults


def _not_a_calendar(text: str) -> str:
    shown = f", not {text[:SHOWN]!r}" if text else ""
    return f"not an iCalendar file: it begins with BEGIN:VCALENDAR{shown}"


def unfolded(text: str, faults: list[Fault]) -> Iterator[Line]:
    """Yield the content lines; those of another shape are left out, as unknown ones are."""
    number, parts = 0, [""]
    for count, physical in enumerate(BREAK.split(text), 1):
        if physical[:1] in (" ", "\t") and number:
            parts.append(physical[1:])
            continue
        yield from _line(number, parts, faults)
        number, parts = (count, [physical]) if physical.strip() else (number, parts[:0])
    yield from _line(number, parts, faults)


def _line(number: int, parts: Iterable[str], faults: list[Fault]) -> Iterator[Line]:
    text = "".join(parts)
    try:
        # A fold may separate the bytes of one character, which were read one by one.
        text = text.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError:
        faults.append(Fault(number, "not UTF-8 text; save the file as UTF-8"))
        return
    found = NAME.match(text)
    if found is not None:
        yield Line(number, found[1].upper(), text)
    elif text.strip() and number <= 1:
        yield Line(number, "", text)

"""The lines of a journal by kind, each with its instant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from engine.codec import kind_of
from engine.journal import Record
from engine.store import parse_instant
from fleet.model.lines.line import Line, read_line, what_of

L = TypeVar("L", bound=Line)


class Journal:
    """Lines with their instants, oldest first."""

    def __init__(self, lines: Iterable[tuple[datetime, Line]]) -> None:
        self._lines: dict[str, list[tuple[datetime, Line]]] = defaultdict(list)
        for at, line in lines:
            self._lines[what_of(line)].append((at, line))

    @classmethod
    def read(cls, records: Iterable[Record]) -> Journal:
        """Return the lines of a journal's records."""
        moments = ((parse_instant(record.at), record.lines) for record in records)
        return cls((at, read_line(line)) for at, lines in moments for line in lines)

    @property
    def counts(self) -> dict[str, int]:
        """The number of lines by kind."""
        return {what: len(lines) for what, lines in sorted(self._lines.items())}

    def of(self, kind: type[L]) -> list[tuple[datetime, L]]:
        """Return the lines of a kind, oldest first."""
        known = self._lines.get(kind_of(kind), ())
        return [(at, line) for at, line in known if isinstance(line, kind)]

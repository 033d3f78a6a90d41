"""The newest journal lines, each as one readable line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.journal import Record

SHOWN = 50
LONGEST = 240
QUIET = frozenset({"read"})
FIRST = (
    "window",
    "alert",
    "id",
    "run",
    "version",
    "challenger",
    "verb",
    "phase",
    "verdict",
    "kind",
)
LEFT_OUT = frozenset({"what", "psi", "stream", "scores", "rolling", "rows", "report", "days"})


@dataclass(frozen=True)
class Entry:
    """One journal line: the unit's number and instant, what it is, and its fields as words."""

    seq: int
    at: str
    what: str
    words: str


def lately(records: Sequence[Record]) -> tuple[Entry, ...]:
    """Return the newest lines first, without those about a log that was read."""
    found: list[Entry] = []
    for record in reversed(records):
        for line in reversed(record.lines):
            if line["what"] in QUIET:
                continue
            found.append(Entry(record.seq, record.at, line["what"], _words(line)))
            if len(found) == SHOWN:
                return tuple(found)
    return tuple(found)


def _words(line: dict[str, Any]) -> str:
    names = [*(name for name in FIRST if name in line), *(n for n in line if n not in FIRST)]
    said = [
        f"{name}: {_plain(value)}"
        for name in names
        for value in [line[name]]
        if value not in (None, "", [], {}) and not _left_out(name, value)
    ]
    words = " · ".join(said)
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


def _left_out(name: str, value: Any) -> bool:
    # `rows` is a count in one line and a blob's name in another.
    return (name in LEFT_OUT and not isinstance(value, int)) or (name, value) == (
        "contradictions",
        0,
    )


def _plain(value: Any) -> str:
    match value:
        case dict():
            return ", ".join(f"{name} {_plain(item)}" for name, item in value.items())
        case list():
            return ", ".join(_plain(item) for item in value)
        case float():
            return f"{value:.4g}"
        case _:
            return str(value)

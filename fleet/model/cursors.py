"""Cursors of log files: a range that was read moves its file's cursor, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from fleet.document.logs import FILES_KEPT
from fleet.model.lines import logs
from fleet.model.results import LabelsRead, LogRead
from fleet.model.slices.logs import AWAY, Cursor
from fleet.model.turn import Turn


def moved(turn: Turn, fact: LogRead | LabelsRead) -> Cursor | None:
    """Move a file's cursor behind a range that was read; None where it is elsewhere by now."""
    cursor = turn.logs.blobs.get(fact.blob)
    if cursor is None or cursor.asked != fact.start:
        return None
    behind = replace(cursor, read=fact.end, asked=-1, tries=0)
    # Past `end` there is only part of a line: wait until the file is announced again.
    if fact.end < fact.limit and cursor.size <= fact.limit:
        behind = _cut(turn, cursor, behind, fact)
    moved = _left(turn, behind, fact)
    turn.logs = replace(turn.logs, blobs={**turn.logs.blobs, fact.blob: moved})
    return moved


def _cut(turn: Turn, before: Cursor, behind: Cursor, fact: LogRead | LabelsRead) -> Cursor:
    """Wait for the end of a line, or look again for bytes that were announced: a file moves."""
    if fact.seen is None or fact.seen >= fact.limit:
        return replace(behind, size=fact.end)
    tries = before.tries if fact.end == fact.start else 0
    return replace(behind, tries=tries).failed(turn.now, AWAY)


def _left(turn: Turn, cursor: Cursor, fact: LogRead | LabelsRead) -> Cursor:
    """Note the bytes of a range that were not read, unless a later read takes them."""
    if fact.start == cursor.told < fact.end:
        # The line that was told is whole by now, so that the reader has counted it, good or bad.
        turn.count("bad", -1)
    if fact.seen is None or cursor.reading:
        return replace(cursor, rest=0, missing=0)
    return replace(cursor, rest=fact.seen - fact.end, missing=fact.limit - fact.seen)


def over(cursor: Cursor, now: datetime) -> bool:
    """Tell whether nothing is done for a file any more: it is read, or cannot be."""
    return not cursor.reading and now >= cursor.touched + FILES_KEPT


def say_read(turn: Turn, fact: LogRead | LabelsRead, rows: int, unknown: int | None = None) -> None:
    """Write down which range was read, and what of it was left out; an empty one once."""
    cursor = turn.logs.blobs.get(fact.blob)
    if cursor is not None and cursor.tries > 1 and fact.start == fact.end:
        return
    if fact.bad:
        turn.count("bad", fact.bad)
    reason = fact.bad_reason if fact.bad else ""
    turn.say(logs.Read(fact.blob, fact.start, fact.end, rows, unknown, fact.bad, reason))

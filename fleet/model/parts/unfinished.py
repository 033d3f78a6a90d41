"""Bytes at the end of a log file that are not a whole line: awaited, then reported.

A reader takes every whole object, with or without a line end, so what is left behind the cursor is
the begin of a line. The cursor stays before it: a file that grows after all is read on from there,
and the line is neither lost nor counted twice.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fleet.model.lines import logs
from fleet.model.part import Part
from fleet.model.signals.catalogue import UNREAD
from fleet.model.slices.logs import Cursor
from fleet.model.turn import Turn
from monitoring.finding import Finding

#: The data collector begins a new file every hour, so that a file this quiet is complete.
QUIET = timedelta(hours=1)


def follow(turn: Turn) -> None:
    """Count and tell the unfinished lines of files that have gone quiet, once each."""
    if not turn.windows.reference:
        return
    for blob, cursor in sorted(turn.logs.blobs.items()):
        waits = cursor.asked < 0 and (cursor.read >= cursor.size or cursor.again is not None)
        if not waits or cursor.told == cursor.read or not (cursor.rest or cursor.missing):
            continue
        if turn.now < cursor.touched + QUIET:
            turn.wake(cursor.touched + QUIET)
            continue
        turn.logs = replace(
            turn.logs, blobs={**turn.logs.blobs, blob: replace(cursor, told=cursor.read)}
        )
        turn.count("bad")
        turn.say(logs.Unfinished(blob, cursor.read, 1, _reason(cursor)))
        if cursor.missing:
            turn.signal(Finding(UNREAD, True, f"{blob}: {_reason(cursor)}"))


def _reason(cursor: Cursor) -> str:
    if not cursor.missing:
        return f"byte {cursor.read}: {cursor.rest} bytes of an unfinished line, read when it grows"
    ends = cursor.read + cursor.rest
    return f"announced with {ends + cursor.missing} bytes, but the file ends at byte {ends}"


PART = Part("unfinished", follow=follow)

"""Archive: cursors of files that are read to their end leave the state, which names a blob of them.

An endpoint of many instances has thousands of files within the days that files are kept for. A file
of which no cursor is known may be one of them: it is looked up before it is read, so that its rows
are not counted twice.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

from fleet.document.logs import FILES_KEPT
from fleet.model.cursors import over
from fleet.model.facts import Declined
from fleet.model.lines import logs
from fleet.model.part import Part, take
from fleet.model.results import Archived, Recalled
from fleet.model.signals.catalogue import UNREAD
from fleet.model.slices.logs import LONGEST_WAIT, REFUSED, Cursor, Shelf
from fleet.model.tasks import RECALL, Archive, Recall, archive_key
from fleet.model.turn import Turn
from monitoring.finding import Finding

#: Fewer cursors stay in the state; more are a history that is read at once, and do not wait.
MANY, CROWD = 400, 1500
#: Cursors of one effect, and the characters of their names.
AT_ONCE, LETTERS = 800, 200_000
#: The collector begins a new file every hour; an hour later the end of one may be told.
QUIET = timedelta(hours=3)


def archived(turn: Turn, fact: Archived) -> Archived:
    """Let go of the cursors that an archive holds, unless their files have grown since."""
    if fact.at != turn.logs.archiving:
        return fact
    kept = {
        blob: cursor
        for blob, cursor in turn.logs.blobs.items()
        if fact.read.get(blob) != cursor.read or not _at_rest(cursor)
    }
    shelves = (*turn.logs.archives, Shelf(fact.archive, fact.at))
    turn.logs = replace(turn.logs, blobs=kept, archives=shelves, archiving=None)
    return fact


def recalled(turn: Turn, fact: Recalled) -> Recalled:
    """Read files on from where an archive says; those that it does not know are new."""
    blobs = dict(turn.logs.blobs)
    for blob in fact.blobs:
        cursor = blobs.get(blob)
        if cursor is not None and cursor.unsure:
            known = fact.cursors.get(blob, replace(cursor, tries=0))
            size = max(known.size, cursor.size)
            blobs[blob] = replace(known, size=size, touched=cursor.touched, unsure=False)
    turn.logs = replace(turn.logs, blobs=blobs, recalling=())
    return fact


def declined(turn: Turn, fact: Declined) -> Declined:
    """Ask again later: nothing is read of a file before it is known how far it was read."""
    if turn.logs.archiving is not None and fact.key == archive_key(turn.logs.archiving):
        turn.logs = replace(turn.logs, archiving=None, archive_again=turn.now + LONGEST_WAIT)
    if turn.logs.recalling and fact.key.startswith(RECALL):
        blobs = dict(turn.logs.blobs)
        for blob in turn.logs.recalling:
            cursor = blobs.get(blob)
            if cursor is not None and cursor.unsure:
                blobs[blob] = cursor.failed(turn.now, REFUSED)
                if not cursor.tries:
                    turn.say(logs.Unread(blob, 0, fact.reason))
        turn.logs = replace(turn.logs, blobs=blobs, recalling=())
    return fact


def follow(turn: Turn) -> None:
    """Owe what is to be looked up and what is to be archived, and forget what is too old."""
    _forget(turn)
    _recall(turn)
    _archive(turn)


def _recall(turn: Turn) -> None:
    if turn.logs.recalling:
        return
    unsure = {blob: cursor for blob, cursor in turn.logs.blobs.items() if cursor.unsure}
    waits = [cursor.again for cursor in unsure.values() if cursor.again is not None]
    for at in waits:
        turn.wake(at)
    due = [
        blob
        for blob, cursor in sorted(unsure.items())
        if cursor.again is None or turn.now >= cursor.again
    ][:AT_ONCE]
    if not due:
        return
    names = tuple(shelf.archive for shelf in reversed(turn.logs.archives))
    turn.owe(Recall(tuple(due), names, max(unsure[blob].tries for blob in due)))
    turn.logs = replace(turn.logs, recalling=tuple(due))


def _archive(turn: Turn) -> None:
    logs = turn.logs
    waits = logs.archive_again is not None and turn.now < logs.archive_again
    if logs.archiving is not None or waits or len(logs.blobs) < MANY:
        return
    wait = QUIET if len(logs.blobs) < CROWD else timedelta(0)
    quiet = {
        blob: cursor
        for blob, cursor in sorted(logs.blobs.items())
        if _at_rest(cursor) and turn.now >= cursor.touched + wait
    }
    if len(quiet) < MANY:
        return
    letters = itertools.accumulate(map(len, quiet))
    fitting = sum(total <= LETTERS for total in letters)
    some = dict(itertools.islice(quiet.items(), min(AT_ONCE, max(fitting, 1))))
    turn.owe(Archive(turn.now, some))
    turn.logs = replace(logs, archiving=turn.now)


def _at_rest(cursor: Cursor) -> bool:
    """Tell whether nothing of a file is read, awaited or owed to be told."""
    waits = cursor.reading or cursor.again is not None or cursor.unsure
    return not waits and (cursor.told == cursor.read or not (cursor.rest or cursor.missing))


def _forget(turn: Turn) -> None:
    """Let go of files that nothing is added to any more; one that was never read is told."""
    kept = {}
    for blob, cursor in turn.logs.blobs.items():
        if not over(cursor, turn.now):
            kept[blob] = cursor
        elif cursor.again is not None and cursor.told != cursor.read:
            reason = f"given up after {cursor.tries} attempts in {FILES_KEPT.days} days"
            turn.say(logs.Unread(blob, cursor.read, reason))
            turn.signal(
                Finding(UNREAD, True, f"{blob} was not read from byte {cursor.read}: {reason}")
            )
    shelves = tuple(one for one in turn.logs.archives if turn.now < one.at + FILES_KEPT)
    if len(kept) < len(turn.logs.blobs) or len(shelves) < len(turn.logs.archives):
        turn.logs = replace(turn.logs, blobs=kept, archives=shelves)


PART = Part(
    "archive",
    (take(Archived, archived), take(Recalled, recalled), take(Declined, declined)),
    follow,
)

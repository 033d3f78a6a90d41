"""Log files: how far each is read, and the windows that its batches belong to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from fleet.model.cursors import moved, over, say_read
from fleet.model.facts import Declined, LogGrew, LogShrank
from fleet.model.lines import logs
from fleet.model.live import answers
from fleet.model.part import Part, take
from fleet.model.records import Batch, Collection
from fleet.model.results import Counted, LogRead
from fleet.model.signals.catalogue import UNREAD
from fleet.model.slices.logs import REFUSED, Cursor
from fleet.model.slices.windows import Window
from fleet.model.tasks import ReadLabels, ReadLog, read_from
from fleet.model.turn import Turn
from monitoring.finding import Finding
from monitoring.localdays import bounds, day_of

RANGE = 32 * 1024 * 1024
READS_AT_ONCE = 20
#: Rows may carry tomorrow's date: days change by the clock of the server that logs them.
AHEAD = timedelta(days=1)
HOUR = timedelta(hours=1)
READS = ("read", "labels")


def log_grew(turn: Turn, fact: LogGrew) -> LogGrew:
    """Note a log file's size; the inputs of a shadow are copies and do not count."""
    model = turn.model
    version = model.traffic.version_of(fact.deployment)
    if fact.collection is Collection.inputs and not answers(turn, version):
        turn.count("ignored")
        return fact
    known = model.logs.blobs.get(fact.blob)
    if known is None:
        unsure = bool(model.logs.archives)
        known = Cursor(0, fact.collection, version, turn.now, unsure=unsure)
    grown = replace(known, size=max(known.size, fact.size), touched=turn.now, again=None)
    turn.logs = replace(turn.logs, blobs={**model.logs.blobs, fact.blob: grown})
    return fact


def log_shrank(turn: Turn, fact: LogShrank) -> LogShrank:
    """Go on at a file's new end: whether what is before it was read, nobody can tell."""
    cursor = turn.logs.blobs.get(fact.blob)
    if cursor is None or fact.size >= cursor.read:
        return fact
    end = replace(cursor, read=fact.size, size=fact.size, asked=-1, rest=0, missing=0, again=None)
    turn.logs = replace(turn.logs, blobs={**turn.logs.blobs, fact.blob: end})
    turn.say(logs.Shrank(fact.blob, cursor.read, fact.size))
    reason = (
        f"{fact.blob} was read up to byte {cursor.read} and has {fact.size} bytes now: it was cut "
        "or replaced, and what it holds is not read; a log file must only grow"
    )
    turn.signal(Finding(UNREAD, True, reason))
    return fact


def _days(turn: Turn) -> tuple[str, str]:
    """Return the first day whose window may be open, and the last one that rows may carry."""
    zone = turn.watched.zone
    first = day_of(turn.now - turn.watched.open_for, zone)
    return first.isoformat(), day_of(turn.now + AHEAD, zone).isoformat()


def _by_now(turn: Turn, fact: LogRead) -> LogRead:
    """Leave out rows and counts dated by a clock that runs ahead: their window has not begun.

    Its window would be there before its day, and an hour to come would hide a silence until then.
    """
    _, last = _days(turn)
    ahead = [batch for batch in fact.batches if batch.window > last]
    if ahead:
        windows = sorted({batch.window for batch in ahead})
        rows = sum(batch.count for batch in ahead)
        turn.say(logs.Ahead(fact.blob, rows, first=windows[0], last=windows[-1]))
    return replace(
        fact,
        batches=tuple(batch for batch in fact.batches if batch.window <= last),
        traffic=tuple(count for count in fact.traffic if count.start <= turn.now + HOUR),
    )


def log_read(turn: Turn, fact: LogRead) -> LogRead:
    """Put the batches of a range into their windows, if the cursor is still where it was."""
    fact = _by_now(turn, fact)
    cursor = moved(turn, fact)
    if cursor is None:
        return fact
    if fact.late is not None:
        turn.say(logs.Late(fact.late.first, fact.late.rows, fact.late.last))
    if fact.ahead is not None:
        turn.say(logs.Ahead(fact.blob, fact.ahead.rows, fact.ahead.first, fact.ahead.last))
    for batch in fact.batches:
        _put(turn, batch, cursor.collection, cursor.deployment)
    say_read(turn, fact, sum(batch.count for batch in fact.batches))
    return fact


def counted(turn: Turn, fact: Counted) -> Counted:
    """Put the counts of a log service into their window."""
    for version, batch in fact.inputs:
        _put(turn, batch, Collection.inputs, version)
    for version, batch in fact.outputs:
        _put(turn, batch, Collection.outputs, version)
    if fact.bad:
        turn.count("bad", fact.bad)
    counted = sum(batch.count for _, batch in fact.inputs)
    turn.say(logs.Counted(fact.window, counted, fact.bad, fact.bad_reason))
    return fact


def _put(turn: Turn, batch: Batch, collection: Collection, deployment: str) -> None:
    model, day = turn.model, batch.window
    window = model.windows.open.get(day)
    if window is None:
        _, ends = bounds(date.fromisoformat(day), turn.watched.zone)
        if day in model.windows.past or turn.now >= ends + turn.watched.open_for:
            turn.say(logs.Late(day, batch.count))
            return
        window = Window(ends + turn.watched.policy.logs.grace, ends)
    if not window.holds(batch, collection, deployment):
        window = window.add(batch, collection, deployment)
        turn.windows = turn.windows.put(day, window)


def declined(turn: Turn, fact: Declined) -> Declined:
    """Read a range that cannot be read again, later and later; the alert tells it, a line once."""
    for blob, cursor in turn.logs.blobs.items():
        if cursor.asked >= 0 and _reads(fact.key, blob, cursor.asked):
            failed = cursor.failed(turn.now, REFUSED)
            turn.logs = replace(turn.logs, blobs={**turn.logs.blobs, blob: failed})
            if not cursor.tries:
                turn.say(logs.Unread(blob, cursor.read, fact.reason))
    return fact


def _reads(key: str, blob: str, start: int) -> bool:
    """Tell whether a key is that of a read of the range that begins there."""
    return any(f"{key}:".startswith(f"{read_from(what, blob, start)}:") for what in READS)


def follow(turn: Turn) -> None:
    """Owe the next range of every file that has grown, and of those that are due again."""
    if not turn.windows.reference:
        return
    reading = sum(cursor.asked >= 0 for cursor in turn.logs.blobs.values())
    for blob, cursor in sorted(turn.logs.blobs.items()):
        busy = cursor.asked >= 0 or cursor.unsure or reading >= READS_AT_ONCE
        if busy or cursor.read >= cursor.size or over(cursor, turn.now):
            continue
        if cursor.again is not None and turn.now < cursor.again:
            turn.wake(cursor.again)
            continue
        turn.owe(_read(turn, blob, cursor))
        reading += 1
        asked = replace(cursor, asked=cursor.read, again=None)
        turn.logs = replace(turn.logs, blobs={**turn.logs.blobs, blob: asked})


def _read(turn: Turn, blob: str, cursor: Cursor) -> ReadLog | ReadLabels:
    end = min(cursor.size, cursor.read + RANGE)
    if cursor.collection is Collection.labels:
        outputs = turn.windows.outputs
        of = turn.windows.outputs_of
        return ReadLabels(blob, cursor.read, end, outputs, of, attempt=cursor.tries)
    read = (cursor.collection, cursor.deployment, turn.windows.reference)
    first, last = _days(turn)
    return ReadLog(blob, cursor.read, end, *read, first=first, last=last, attempt=cursor.tries)


PART = Part(
    "logs",
    (
        take(LogGrew, log_grew),
        take(LogShrank, log_shrank),
        take(LogRead, log_read),
        take(Counted, counted),
        take(Declined, declined),
    ),
    follow,
)

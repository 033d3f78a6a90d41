"""Log files: how far each is read, and the windows that its batches belong to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from fleet.model.effects import ReadLabels, ReadLog
from fleet.model.facts import (
    Batch,
    Collection,
    Counted,
    LabelsRead,
    LogGrew,
    LogRead,
)
from fleet.model.parts import unfinished
from fleet.model.state import Cursor, Loose, Window, fingerprint, ranged
from fleet.model.turn import Turn
from monitoring.localdays import bounds, day_of
from retrain.rollout.state import Phase

RANGE = 32 * 1024 * 1024
READS_AT_ONCE = 20
CLOSED_AFTER = timedelta(days=2)
#: Rows may be of tomorrow: days change by the clock of whoever serves.
AHEAD = timedelta(days=1)
HOUR = timedelta(hours=1)


def log_grew(turn: Turn, fact: LogGrew) -> None:
    """Note a log file's size; the inputs of a shadow are copies and do not count."""
    model = turn.model
    version = model.version_of(fact.deployment)
    if fact.collection is Collection.inputs and not live(turn, version):
        return turn.change(counts=model.count("ignored").counts)
    known = model.blobs.get(fact.blob)
    if known is None:
        known = Cursor(0, fact.collection, version, turn.now)
    grown = replace(known, size=max(known.size, fact.size), touched=turn.now)
    return turn.change(blobs={**model.blobs, fact.blob: grown})


def by_now(turn: Turn, fact: LogRead) -> LogRead:
    """Leave out what a clock that runs ahead has dated: no window and no hour of it has begun.

    Its window would be there before its day, and an hour to come would hide a silence until then.
    """
    last = day_of(turn.now + AHEAD, turn.watched.zone).isoformat()
    ahead = [batch for batch in fact.batches if batch.window > last]
    if ahead:
        windows = sorted({batch.window for batch in ahead})
        rows = sum(batch.count for batch in ahead)
        turn.say("ahead", blob=fact.blob, rows=rows, first=windows[0], last=windows[-1])
    return replace(
        fact,
        batches=tuple(batch for batch in fact.batches if batch.window <= last),
        traffic=tuple(count for count in fact.traffic if count.start <= turn.now + HOUR),
    )


def log_read(turn: Turn, fact: LogRead) -> None:
    """Put the batches of a range into their windows, if the cursor is still where it was."""
    cursor = _moved(turn, fact)
    if cursor is None:
        return
    for batch in fact.batches:
        _put(turn, batch, cursor.collection, cursor.deployment)
    _said(turn, fact, sum(batch.count for batch in fact.batches))


def counted(turn: Turn, fact: Counted) -> None:
    """Put what a log service counted into its window."""
    for version, batch in fact.inputs:
        _put(turn, batch, Collection.inputs, version)
    for version, batch in fact.outputs:
        _put(turn, batch, Collection.outputs, version)
    turn.say("counted", window=fact.window, rows=sum(batch.count for _, batch in fact.inputs))


def labels_read(turn: Turn, fact: LabelsRead) -> None:
    """Give a range of labels to the windows whose rows they name."""
    key = ranged(fact.blob, fact.start)
    loose = turn.model.loose.get(key)
    again = loose is not None and loose.asked == fact.of
    if not again and _moved(turn, fact) is None:
        return
    for day in fact.matched:
        window = turn.model.windows.get(day)
        if window is not None and fact.rows not in window.labels:
            grown = replace(window, labels=(*window.labels, fact.rows))
            turn.change(windows=turn.model.window(day, grown).windows)
    others = {name: kept for name, kept in turn.model.loose.items() if name != key}
    if fact.unknown:
        since = loose.since if loose is not None else turn.now
        others[key] = Loose(fact.start, fact.end, since, fact.of)
    turn.change(loose=others)
    if not again:
        _said(turn, fact, sum(fact.matched.values()), unknown=fact.unknown)


def live(turn: Turn, version: str) -> bool:
    """Tell whether a version answers requests; a shadow and a yardstick get copies of them."""
    model = turn.model
    if model.rollout is not None and model.rollout.phase is Phase.shadow:
        return version != model.rollout.challenger
    return version == model.champion or version != turn.watched.policy.serving.baseline


def _moved(turn: Turn, fact: LogRead | LabelsRead) -> Cursor | None:
    cursor = turn.model.blobs.get(fact.blob)
    if cursor is None or cursor.asked != fact.start:
        return None
    # Past `end` there is only part of a line: wait until the file is announced again.
    partly = fact.end < fact.limit and cursor.size <= fact.limit
    size = fact.end if partly else cursor.size
    moved = unfinished.left(turn, replace(cursor, read=fact.end, asked=-1, size=size), fact)
    turn.change(blobs={**turn.model.blobs, fact.blob: moved})
    return moved


def _put(turn: Turn, batch: Batch, collection: Collection, deployment: str) -> None:
    model, day = turn.model, batch.window
    window = model.windows.get(day)
    if window is None:
        _, ends = bounds(date.fromisoformat(day), turn.watched.zone)
        if day in model.past or over(turn, ends):
            turn.say("late", window=day, rows=batch.count)
            return
        window = Window(ends + turn.watched.policy.logs.grace, ends)
    if batch in window.inputs or batch in window.traffic or (deployment, batch) in window.outputs:
        return
    match collection:
        case Collection.inputs:
            window = replace(window, inputs=(*window.inputs, batch))
        case Collection.outputs:
            window = replace(window, outputs=(*window.outputs, (deployment, batch)))
        case _:
            window = replace(window, traffic=(*window.traffic, batch))
    turn.change(windows=model.window(day, window).windows)


def _said(turn: Turn, fact: LogRead | LabelsRead, rows: int, **more: int) -> None:
    bad = {"bad": fact.bad, "reason": fact.bad_reason} if fact.bad else {}
    if fact.bad:
        turn.change(counts=turn.model.count("bad", fact.bad).counts)
    turn.say("read", blob=fact.blob, start=fact.start, end=fact.end, rows=rows, **more, **bad)


def read_on(turn: Turn) -> None:
    reading = sum(cursor.asked >= 0 for cursor in turn.model.blobs.values())
    for blob, cursor in sorted(turn.model.blobs.items()):
        if cursor.asked >= 0 or cursor.read >= cursor.size or reading >= READS_AT_ONCE:
            continue
        end = min(cursor.size, cursor.read + RANGE)
        if cursor.collection is Collection.labels:
            outputs = _outputs(turn)
            turn.owe(ReadLabels(blob, cursor.read, end, outputs, _of(outputs)))
        else:
            turn.owe(
                ReadLog(
                    blob, cursor.read, end, cursor.collection, cursor.deployment,
                    turn.model.reference,
                )
            )  # fmt: skip
        reading += 1
        asked = replace(cursor, asked=cursor.read)
        turn.change(blobs={**turn.model.blobs, blob: asked})


def _outputs(turn: Turn) -> dict[str, tuple[str, ...]]:
    return {
        day: tuple(batch.rows for _, batch in window.outputs)
        for day, window in turn.model.windows.items()
        if window.outputs
    }


def _of(outputs: dict[str, tuple[str, ...]]) -> str:
    return fingerprint([name for names in outputs.values() for name in names])


def match_on(turn: Turn) -> None:
    """Labels may come before the outputs they belong to: match them again as outputs come."""
    wait = turn.watched.policy.labels.wait
    reading = any(
        cursor.asked >= 0 or cursor.read < cursor.size
        for cursor in turn.model.blobs.values()
        if cursor.collection is Collection.outputs
    )
    for key, loose in sorted(turn.model.loose.items()):
        blob = key.rpartition(":")[0]
        if turn.now >= loose.since + wait:
            others = {name: kept for name, kept in turn.model.loose.items() if name != key}
            turn.change(loose=others)
            turn.say("unmatched", blob=blob, reason="labels of rows that were never predicted")
            continue
        turn.wake(loose.since + wait)
        outputs = _outputs(turn)
        of = _of(outputs)
        if reading or of in (loose.of, loose.asked):
            continue
        turn.owe(ReadLabels(blob, loose.start, loose.end, outputs, of))
        asked = replace(loose, asked=of)
        turn.change(loose={**turn.model.loose, key: asked})


def over(turn: Turn, ends: datetime) -> bool:
    """Tell whether a window that ended then is closed for good."""
    wait = max(turn.watched.policy.labels.wait, turn.watched.policy.performance.wait)
    return turn.now >= ends + wait + CLOSED_AFTER

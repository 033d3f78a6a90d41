"""Labels: given to the windows whose rows they name, and kept until these rows are there."""

from __future__ import annotations

from dataclasses import replace

from fleet.model.cursors import moved, say_read
from fleet.model.lines import logs
from fleet.model.part import Part, take
from fleet.model.records import Collection
from fleet.model.results import LabelsRead
from fleet.model.slices.logs import Loose, ranged
from fleet.model.tasks import ReadLabels
from fleet.model.turn import Turn


def labels_read(turn: Turn, fact: LabelsRead) -> LabelsRead:
    """Give a range of labels to the windows whose rows they name."""
    key = ranged(fact.blob, fact.start)
    loose = turn.logs.loose.get(key)
    again = loose is not None and loose.asked == fact.of
    if not again and moved(turn, fact) is None:
        return fact
    given = loose.days if loose is not None else ()
    for day in fact.matched:
        window = turn.windows.open.get(day)
        if window is not None and day not in given and fact.rows not in window.labels:
            turn.windows = turn.windows.put(day, window.add_labels(fact.rows))
    others = {name: kept for name, kept in turn.logs.loose.items() if name != key}
    if fact.unknown:
        since = loose.since if loose is not None else turn.now
        days = tuple(sorted({*given, *fact.matched}))
        others[key] = Loose(fact.start, fact.end, since, fact.of, days=days)
    turn.logs = replace(turn.logs, loose=others)
    if not again:
        say_read(turn, fact, sum(fact.matched.values()), fact.unknown)
    return fact


def follow(turn: Turn) -> None:
    """Match labels again that came before the outputs they belong to, as outputs come."""
    if not turn.windows.reference:
        return
    wait = turn.watched.policy.labels.wait
    reading = any(
        cursor.reading
        for cursor in turn.logs.blobs.values()
        if cursor.collection is Collection.outputs
    )
    for key, loose in sorted(turn.logs.loose.items()):
        blob = key.rpartition(":")[0]
        if turn.now >= loose.since + wait:
            others = {name: kept for name, kept in turn.logs.loose.items() if name != key}
            turn.logs = replace(turn.logs, loose=others)
            turn.say(logs.Unmatched(blob, "no logged prediction has these ids"))
            continue
        turn.wake(loose.since + wait)
        outputs = turn.windows.outputs
        of = turn.windows.outputs_of
        if reading or of in (loose.of, loose.asked):
            continue
        turn.owe(ReadLabels(blob, loose.start, loose.end, outputs, of))
        asked = replace(loose, asked=of)
        turn.logs = replace(turn.logs, loose={**turn.logs.loose, key: asked})


PART = Part("labels", (take(LabelsRead, labels_read),), follow)

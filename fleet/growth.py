"""Deliver the growth of log files that a look found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from engine import inbox
from engine.loop import Loop
from engine.step import Delivery
from engine.store import instant
from fleet import events, logfiles
from fleet.document.policies import Fleet, Watched
from fleet.model.facts import LogGrew, LogShrank
from fleet.model.slices.logs import Cursor
from fleet.model.state import Model
from fleet.polling import Poller, Read

#: Files that wait to be read are in the model's state; the others are found again when these are.
MOST_WAITING = 1000


def deliver(loop: Loop, poller: Poller, watched: Watched, now: datetime) -> str:
    """Look for files of a model that have grown, and deliver that; return a fault that lasts.

    After the first look of a process, what the inbox remembers under whatever id is left out.
    """
    name = watched.name
    cursors: dict[str, Cursor] = {}

    def read() -> Read:
        state: Model = loop.head(name).state
        cursors.update(state.logs.blobs)
        return {blob: cursor.read for blob, cursor in cursors.items()}

    seen = poller.look(watched, read, now)
    known = inbox.digests(loop.store, name) if seen.whole and seen.grown else ()
    told: list[LogGrew] = []
    fresh: list[LogGrew] = []
    for fact in seen.grown:
        heard = inbox.digest(loop.domain.facts, fact) in known and not _news(cursors, fact)
        (told if heard else fresh).append(fact)
    due = fresh[: _room(loop, name)] if fresh else []
    cut = [Delivery(name, _cut(cursors[fact.blob], fact), fact) for fact in seen.shrunk]
    loop.deliver_all(name, [*cut, *(_delivery(loop, name, cursors, fact) for fact in due)], now)
    for fact in (*told, *due):
        poller.delivered(name, fact, now)
    if len(due) < len(fresh):
        poller.left(name)
    return seen.fault


def hinted(poller: Poller | None, fleet: Fleet, hint: events.Hint) -> Delivery | None:
    """Return the growth of a file that was announced without its length."""
    if poller is None:
        return None
    fact = poller.hinted(fleet.models[hint.model], hint.path)
    return None if fact is None else Delivery(hint.model, logfiles.name_of(fact), fact)


def _news(cursors: Mapping[str, Cursor], fact: LogGrew) -> bool:
    """Tell whether a file is longer than the state says, whatever was delivered before."""
    cursor = cursors.get(fact.blob)
    return cursor is not None and cursor.size < fact.size


def _delivery(loop: Loop, name: str, cursors: Mapping[str, Cursor], fact: LogGrew) -> Delivery:
    """Return a delivery; a file that was cut may grow to a length that it had before."""
    known = logfiles.name_of(fact)
    if _news(cursors, fact) and loop.store.get(name, inbox.row_key(known)) is not None:
        before = cursors[fact.blob]
        known += f":from-{before.size}:{instant(before.touched)}"
    return Delivery(name, known, fact)


def _cut(cursor: Cursor, fact: LogShrank) -> str:
    """Return the id of the delivery that a file is shorter than it was when it grew last."""
    return f"shrank:{fact.size}:{instant(cursor.touched)}:{fact.blob}"


def _room(loop: Loop, model: str) -> int:
    """Return how many more files may wait to be read."""
    state: Model = loop.head(model).state
    waiting = sum(cursor.reading for cursor in state.logs.blobs.values())
    waiting += inbox.pending(loop.store, model, MOST_WAITING)
    return max(0, MOST_WAITING - waiting)

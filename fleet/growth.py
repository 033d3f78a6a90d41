"""Deliver the growth of log files that a look found."""

from __future__ import annotations

from datetime import datetime

from engine import inbox
from engine.loop import Loop
from engine.step import Delivery
from fleet import events, logfiles
from fleet.document.policies import Fleet, Watched
from fleet.polling import Poller


def deliver(loop: Loop, poller: Poller, watched: Watched, now: datetime) -> str:
    """Look for files of a model that have grown, and deliver that; return a fault that lasts.

    After the first look of a process, what the inbox remembers under whatever id is left out.
    """
    name, seen = watched.name, poller.look(watched, now)
    known = inbox.digests(loop.store, name) if seen.whole and seen.grown else ()
    fresh = [
        Delivery(name, logfiles.name_of(fact), fact)
        for fact in seen.grown
        if inbox.digest(loop.domain.facts, fact) not in known
    ]
    loop.deliver_all(name, fresh, now)
    for fact in seen.grown:
        poller.delivered(name, fact, now)
    return seen.fault


def hinted(poller: Poller | None, fleet: Fleet, hint: events.Hint) -> Delivery | None:
    """Return the growth of a file that was announced without its length."""
    if poller is None:
        return None
    fact = poller.hinted(fleet.models[hint.model], hint.path)
    return None if fact is None else Delivery(hint.model, logfiles.name_of(fact), fact)

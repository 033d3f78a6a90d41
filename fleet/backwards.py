"""A clock that went back: nothing that is due comes, and rows of today seem to lie ahead."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.chain import log_key
from engine.store import HEAD, Store, parse_instant
from fleet.partitions import FLEET

#: Clocks of two workers may differ by this much.
APART = timedelta(minutes=2)


def newer(store: Store, now: datetime) -> datetime | None:
    """Return when the newest record of the fleet was written, where that lies ahead of now.

    Each hour has a record, of the anchors. What is told of a clock is a record, too, and the newest
    then, so that it is told once.
    """
    head = store.get(FLEET, HEAD)
    row = store.get(FLEET, log_key(int(head.props["seq"]))) if head is not None else None
    if row is None:
        return None
    newest = parse_instant(row.text("at"))
    return newest if newest - now > APART else None


def told(newest: datetime, now: datetime) -> str:
    """Return what operators are told of it."""
    return (
        f"the clock went back: it says {now:%Y-%m-%d %H:%M} UTC, and a record was written at "
        f"{newest:%Y-%m-%d %H:%M} UTC; set it right"
    )

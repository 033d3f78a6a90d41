"""A clock that went back: nothing that is due comes, and rows of today seem to lie ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from engine.chain import log_key
from engine.step import Delivery
from engine.store import HEAD, Store, parse_instant
from fleet import refused
from fleet.partitions import FLEET

#: Clocks of two workers may differ by this much.
APART = timedelta(minutes=2)


def deliveries(store: Store, now: datetime) -> Iterator[Delivery]:
    """Yield the fact for the fleet's journal where its newest record was written later than now.

    The record of that fact is the newest then, so that it is told once.
    """
    newest = _newest(store)
    if newest is None or newest - now <= APART:
        return
    said = (
        f"the clock went back: it says {now:%Y-%m-%d %H:%M} UTC, and a record was written at "
        f"{newest:%Y-%m-%d %H:%M} UTC; set it right"
    )
    yield refused.delivery(FLEET, {"id": "clock", "newest": newest.isoformat()}, said)


def _newest(store: Store) -> datetime | None:
    head = store.get(FLEET, HEAD)
    row = store.get(FLEET, log_key(int(head.props["seq"]))) if head is not None else None
    return parse_instant(row.text("at")) if row is not None else None

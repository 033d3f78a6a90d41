"""Remove expired rows of a partition: facts taken in and effects paid some time ago."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine import inbox, outbox
from engine.errors import Conflict
from engine.store import MAX_OPERATIONS, Delete, Store, instant

INBOX_KEPT = timedelta(days=8)
OUTBOX_KEPT = timedelta(days=1)


def sweep(store: Store, partition: str, now: datetime) -> int:
    """Remove expired rows and return their number; pending rows are never removed."""
    gone = 0
    for prefix, mark, kept in (
        (inbox.IN, "taken", INBOX_KEPT),
        (outbox.OUT, "paid", OUTBOX_KEPT),
    ):
        after = ""
        while page := store.scan(partition, prefix, after=after, limit=MAX_OPERATIONS):
            after = page[-1].key
            over = instant(now - kept)
            old = [row.key for row in page if str(row.props.get(mark, instant(now))) < over]
            gone += _remove(store, partition, old)
    return gone


def _remove(store: Store, partition: str, keys: list[str]) -> int:
    if not keys:
        return 0
    try:
        store.commit(partition, [Delete(key) for key in keys])
    except Conflict:
        # A concurrent sweep won; the next one deletes the rest.
        return 0
    return len(keys)

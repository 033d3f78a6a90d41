"""A worker's first read in one request: a head and the pending rows beside it.

A turn of the loop reads the head, then the inbox, then the outbox: three requests, each a billed
transaction. They are combined, and the second and third are answered from the first. A concurrent
commit in between is missed, as if it had come a little later: the etags of a unit reject stale
rows, and the doorbell rings after the commit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.store import Row

#: Rows per request; the rest of a longer queue is read later.
MOST = 300
#: Seconds. A later read belongs to another turn.
LASTS = 1.0


@dataclass(frozen=True)
class _Seen:
    partition: str
    rows: tuple[Row, ...]
    until: float
    given: frozenset[str] = frozenset()

    def of(self, prefix: str, limit: int) -> list[Row] | None:
        """Return the rows of a prefix; None where there may be more than were read."""
        rows = [row for row in self.rows if row.key.startswith(prefix)]
        last = self.rows[-1].key if self.rows else ""
        whole = len(self.rows) < MOST or (last > prefix and not last.startswith(prefix))
        return rows[:limit] if whole or len(rows) >= limit else None


class Glimpse:
    """The rows of the partition that was read last, by thread; each prefix is used once.

    `read` returns the first rows of a partition that are its head or pending, in key order.
    """

    def __init__(self, read: Callable[[str, int], list[Row]]) -> None:
        self._read = read
        self._last = threading.local()

    def take(self, partition: str) -> list[Row]:
        """Read ahead; return the rows, the head included where there is one."""
        rows = self._read(partition, MOST)
        self._last.seen = _Seen(partition, tuple(rows), time.monotonic() + LASTS)
        return rows

    def pending(self, partition: str, prefix: str, limit: int) -> list[Row] | None:
        """Return pending rows of a prefix, at most `limit`; None where they must be read."""
        seen: _Seen | None = getattr(self._last, "seen", None)
        if seen is None or seen.partition != partition or time.monotonic() > seen.until:
            return None
        if prefix in seen.given:
            # A second request reads again: the rows may have changed.
            return None
        self._last.seen = replace(seen, given=seen.given | {prefix})
        return seen.of(prefix, limit)

    def forget(self) -> None:
        """Drop the rows that were read ahead."""
        self._last.seen = None

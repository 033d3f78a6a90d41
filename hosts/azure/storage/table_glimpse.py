"""What a worker reads first, in one request: a head and what is pending beside it.

A turn of the loop reads the head, then what waits, then what is owed: three requests, each a
transaction that is paid for. They are asked for together, and the second and third are answered
from what came with the first. What somebody else commits in between is missed, as it would be if he
committed a little later: a unit's etags refuse what no longer fits, and his doorbell rings after
his commit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.store import Row

#: Rows asked for at once; of a longer queue the rest is read when its turn comes.
MOST = 300
#: Seconds. Whoever asks later than this is not the turn that read the head.
LASTS = 1.0


@dataclass(frozen=True)
class _Seen:
    partition: str
    rows: tuple[Row, ...]
    until: float
    given: frozenset[str] = frozenset()

    def of(self, prefix: str, limit: int) -> list[Row] | None:
        """Return the rows of a prefix; None where there may be more of them than were read."""
        rows = [row for row in self.rows if row.key.startswith(prefix)]
        last = self.rows[-1].key if self.rows else ""
        whole = len(self.rows) < MOST or (last > prefix and not last.startswith(prefix))
        return rows[:limit] if whole or len(rows) >= limit else None


class Glimpse:
    """Rows of the partition that was read last, each thread its own; a prefix is given once.

    `read` returns the first rows of a partition that are its head or pending, in key order.
    """

    def __init__(self, read: Callable[[str, int], list[Row]]) -> None:
        self._read = read
        self._last = threading.local()

    def take(self, partition: str) -> list[Row]:
        """Read ahead; return the rows, of which the head is one where there is one."""
        rows = self._read(partition, MOST)
        self._last.seen = _Seen(partition, tuple(rows), time.monotonic() + LASTS)
        return rows

    def pending(self, partition: str, prefix: str, limit: int) -> list[Row] | None:
        """Return pending rows of a prefix, at most `limit`; None where they have to be read."""
        seen: _Seen | None = getattr(self._last, "seen", None)
        if seen is None or seen.partition != partition or time.monotonic() > seen.until:
            return None
        if prefix in seen.given:
            # Asked for a second time, they may have changed: that is another look.
            return None
        self._last.seen = replace(seen, given=seen.given | {prefix})
        return seen.of(prefix, limit)

    def forget(self) -> None:
        """What was read ahead is out of date."""
        self._last.seen = None

"""The SQLite file of the local host: its tables, and one transaction at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hosts import private
from hosts.local.disk import Disk

#: How long to wait for another process that is writing to the same file.
BUSY_SECONDS = 10.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TABLES = """
create table if not exists host_messages (
    id integer primary key autoincrement,
    queue text not null,
    body blob not null,
    inserted integer not null,
    visible integer not null,
    leased integer not null default 0,
    tries integer not null default 0,
    reason text not null default ''
);
create index if not exists host_messages_order on host_messages (queue, id);
create table if not exists host_timers (
    name text primary key,
    schedule text not null,
    last integer,
    next integer not null
);
"""


class QueueFile:
    """One open file; several objects and processes may share its path.

    Parameters
    ----------
    path : Path
        Made where missing.
    durable : bool
        Whether a commit waits for the disk.
    disk : Disk
        Remembers faults of the disk.

    Raises
    ------
    Refused
        The file is not a SQLite database, or cannot be opened.
    """

    def __init__(self, path: Path, durable: bool, disk: Disk) -> None:
        self._path, self._disk = path, disk
        self._lock = threading.RLock()
        with disk.opened(path, "not a queue file"):
            private.make_folder(path.parent)
            private.make_file(path)
            self._file = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._file.execute("pragma journal_mode = wal")
            self._file.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
            self._file.executescript(_TABLES)

    def close(self) -> None:
        """Close the file; what was committed stays."""
        with self._lock:
            self._file.close()

    def read(self, query: str, values: tuple[str | int, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._guarded():
            return self._file.execute(query, values).fetchall()

    @contextmanager
    def unit(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction: committed at the end, rolled back after an error."""
        with self._guarded():
            self._file.execute("begin immediate")
            # As a context the connection commits, or rolls back what an error left half done.
            with self._file:
                yield self._file

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        with self._lock, self._disk.watched(self._path):
            yield


def micros_of(moment: datetime) -> int:
    """Return a moment as the file keeps it: microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_of(micros: int) -> datetime:
    """Return the moment that the file keeps as `micros`."""
    return _EPOCH + timedelta(microseconds=micros)

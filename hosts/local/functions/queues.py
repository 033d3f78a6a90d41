"""Durable queues in one SQLite file, with the storage queues' rules.

A commit survives the death of the process, and nothing here reads a clock: every time is an
argument.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.errors import Refused, Unavailable
from hosts.local.functions.timers import Status

#: Storage queues carry 64 KiB, and the Functions host writes them Base64: 48 KiB are left.
MAX_BODY = 48 * 1024
#: How long a message that was got stays invisible to others.
LEASE = timedelta(minutes=10)
#: How long to wait for another process that is writing to the same file.
BUSY_SECONDS = 10.0

_NAME = re.compile(r"[a-z0-9](?:-?[a-z0-9])+")
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


@dataclass(frozen=True)
class Message:
    """One message; `reason` is why it was moved to a poison queue, `tries` counts this one too."""

    id: int
    queue: str
    body: bytes
    inserted: datetime
    visible: datetime
    tries: int
    reason: str

    @property
    def receipt(self) -> str:
        """Proof of the newest get: every get counts a try, so an older proof no longer fits."""
        return f"{self.id}.{self.tries}"


class Queues:
    """Named queues, first in first out by id, and the statuses of the timers beside them.

    Parameters
    ----------
    path : Path
        The SQLite file; made where missing. Several objects and processes may share it.
    durable : bool
        Whether a commit waits for the disk. Without it a power cut may take the newest commits
        back; a killed process never does.

    Raises
    ------
    Refused
        The file is not a SQLite database, or cannot be opened.
    """

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._file.execute("pragma journal_mode = wal")
            self._file.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
            self._file.executescript(_TABLES)
        except (OSError, sqlite3.DatabaseError) as error:
            raise Refused(f"{path}: no file for queues ({error}); name another file") from error

    def close(self) -> None:
        """Close the file; what was committed stays."""
        with self._lock:
            self._file.close()

    def put(
        self, queue: str, body: bytes | str, now: datetime, visible_at: datetime | None = None
    ) -> None:
        """Add one message, invisible until `visible_at` (default: at once)."""
        self.put_all([(queue, body)], now, visible_at)

    def put_all(
        self,
        messages: Iterable[tuple[str, bytes | str]],
        now: datetime,
        visible_at: datetime | None = None,
    ) -> None:
        """Add (queue, body) pairs in one commit: all of them or none.

        Raises
        ------
        Refused
            A queue's name or a body's size is one that storage queues would not take.
        """
        rows = [
            (check_name(queue), _body(queue, body), _micros(now), _micros(visible_at or now))
            for queue, body in messages
        ]
        with self._unit() as file:
            file.executemany(
                "insert into host_messages (queue, body, inserted, visible) values (?, ?, ?, ?)",
                rows,
            )

    def get(self, queue: str, now: datetime, limit: int, lease: timedelta = LEASE) -> list[Message]:
        """Up to `limit` visible messages, oldest first, each invisible for `lease` from `now`."""
        with self._unit() as file:
            rows = file.execute(
                "update host_messages set tries = tries + 1, leased = 1, visible = ? where id in"
                " (select id from host_messages where queue = ? and visible <= ?"
                " order by id limit ?)"
                " returning id, queue, body, inserted, visible, tries, reason",
                (_micros(now + lease), queue, _micros(now), limit),
            ).fetchall()
        # The order of RETURNING is SQLite's own affair.
        return sorted(map(_message, rows), key=lambda message: message.id)

    def delete(self, message: Message) -> bool:
        """Delete what was got; False where somebody else got it since."""
        with self._unit() as file:
            return self._settle(file, "delete from host_messages", (), message)

    def postpone(self, message: Message, visible_at: datetime) -> bool:
        """Give back what was got, to be seen again at `visible_at`."""
        with self._unit() as file:
            change = "update host_messages set leased = 0, visible = ?"
            return self._settle(file, change, (_micros(visible_at),), message)

    def poison(self, message: Message, reason: str, now: datetime) -> bool:
        """Move what was got to `<queue>-poison`, with the reason, as a new message there."""
        with self._unit() as file:
            if not self._settle(file, "delete from host_messages", (), message):
                return False
            file.execute(
                "insert into host_messages (queue, body, inserted, visible, reason)"
                " values (?, ?, ?, ?, ?)",
                (poison_name(message.queue), message.body, _micros(now), _micros(now), reason),
            )
            return True

    def release(self) -> int:
        """Make every message visible that a dead process held; a host calls it when it starts."""
        with self._unit() as file:
            return file.execute(
                "update host_messages set leased = 0, visible = inserted where leased = 1"
            ).rowcount

    def peek(self, queue: str, limit: int = 32) -> list[Message]:
        """The oldest messages, visible or not, left as they are."""
        rows = self._read(
            "select id, queue, body, inserted, visible, tries, reason from host_messages"
            " where queue = ? order by id limit ?",
            (queue, limit),
        )
        return list(map(_message, rows))

    def counts(self) -> dict[str, int]:
        """Messages per queue that has any, by name."""
        return dict(
            self._read("select queue, count(*) from host_messages group by queue order by queue")
        )

    def next_visible(self, queue: str) -> datetime | None:
        """When the first message of `queue` is or becomes visible; None for an empty queue."""
        [(first,)] = self._read("select min(visible) from host_messages where queue = ?", (queue,))
        return None if first is None else _moment(first)

    def read_status(self, name: str) -> Status | None:
        """The saved status of a timer."""
        rows = self._read("select schedule, last, next from host_timers where name = ?", (name,))
        for schedule, last, due in rows:
            return Status(schedule, None if last is None else _moment(last), _moment(due))
        return None

    def write_status(self, name: str, status: Status) -> None:
        """Save the status of a timer."""
        last = None if status.last is None else _micros(status.last)
        with self._unit() as file:
            file.execute(
                "insert or replace into host_timers (name, schedule, last, next)"
                " values (?, ?, ?, ?)",
                (name, status.schedule, last, _micros(status.next)),
            )

    @staticmethod
    def _settle(
        file: sqlite3.Connection, change: str, values: tuple[int, ...], message: Message
    ) -> bool:
        where = " where id = ? and tries = ? and leased = 1"
        return file.execute(change + where, (*values, message.id, message.tries)).rowcount == 1

    def _read(self, query: str, values: tuple[str | int, ...] = ()) -> list[tuple[Any, ...]]:
        with self._guarded():
            return self._file.execute(query, values).fetchall()

    @contextmanager
    def _unit(self) -> Iterator[sqlite3.Connection]:
        with self._guarded():
            self._file.execute("begin immediate")
            # As a context the connection commits, or rolls back what an error left half done.
            with self._file:
                yield self._file

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.OperationalError as error:
                raise Unavailable(f"{self._path}: {error}") from error


def check_name(queue: str) -> str:
    """Return `queue` if storage queues take that name and its poison queue's."""
    if not 3 <= len(queue) <= 56 or not _NAME.fullmatch(queue):
        raise Refused(
            f"queue {queue!r}: 3 to 56 lower-case letters, digits and single hyphens between them"
        )
    return queue


def poison_name(queue: str) -> str:
    """Where messages of `queue` go that failed too often."""
    return f"{queue}-poison"


def _body(queue: str, body: bytes | str) -> bytes:
    content = body.encode() if isinstance(body, str) else bytes(body)
    if len(content) > MAX_BODY:
        raise Refused(f"queue {queue!r}: a message of {len(content)} bytes, {MAX_BODY} at most")
    return content


def _message(row: tuple[int, str, bytes, int, int, int, str]) -> Message:
    number, queue, body, inserted, visible, tries, reason = row
    return Message(number, queue, body, _moment(inserted), _moment(visible), tries, reason)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)

"""Durable queues in one SQLite file, with the rules of storage queues.

A commit survives a crash of the process. No clock is read: every time is an argument.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from hosts.local.disk import Disk
from hosts.local.functions.messages import Message, check_body, check_name, poison_name
from hosts.local.functions.queue_file import QueueFile, micros_of, moment_of
from hosts.local.functions.timers import Status

#: How long a message stays invisible to others after a get.
LEASE = timedelta(minutes=10)


class Queues:
    """Named queues, first in first out by id, and the statuses of the timers beside them.

    Parameters
    ----------
    path : Path
        The SQLite file; made where missing. Several objects and processes may share it.
    durable : bool
        Whether a commit waits for the disk. Without it a power cut may take the newest commits
        back; a killed process never does.
    disk : Disk, optional
        Remembers faults of the disk; those of the file's folder alone by default.

    Raises
    ------
    Refused
        The file is not a SQLite database, or cannot be opened.
    """

    def __init__(self, path: Path, *, durable: bool = True, disk: Disk | None = None) -> None:
        self._file = QueueFile(path, durable, disk or Disk(path.parent))

    def close(self) -> None:
        """Close the file; what was committed stays."""
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
            Storage queues would not allow a queue's name or a body's size.
        """
        rows = [
            (
                check_name(queue),
                check_body(queue, body),
                micros_of(now),
                micros_of(visible_at or now),
            )
            for queue, body in messages
        ]
        with self._file.unit() as file:
            file.executemany(
                "insert into host_messages (queue, body, inserted, visible) values (?, ?, ?, ?)",
                rows,
            )

    def get(self, queue: str, now: datetime, limit: int, lease: timedelta = LEASE) -> list[Message]:
        """Return up to `limit` visible messages, oldest first, each hidden for `lease`."""
        with self._file.unit() as file:
            rows = file.execute(
                "update host_messages set tries = tries + 1, leased = 1, visible = ? where id in"
                " (select id from host_messages where queue = ? and visible <= ?"
                " order by id limit ?)"
                " returning id, queue, body, inserted, visible, tries, reason",
                (micros_of(now + lease), queue, micros_of(now), limit),
            ).fetchall()
        # The order of RETURNING is undefined.
        return sorted(map(_message, rows), key=lambda message: message.id)

    def delete(self, message: Message) -> bool:
        """Delete a message; False where it was got again since."""
        with self._file.unit() as file:
            return self._settle(file, "delete from host_messages", (), message)

    def postpone(self, message: Message, visible_at: datetime) -> bool:
        """Return a message to the queue, visible again at `visible_at`."""
        with self._file.unit() as file:
            change = "update host_messages set leased = 0, visible = ?"
            return self._settle(file, change, (micros_of(visible_at),), message)

    def poison(self, message: Message, reason: str, now: datetime) -> bool:
        """Move a message to `<queue>-poison`, as a new message with the reason."""
        with self._file.unit() as file:
            if not self._settle(file, "delete from host_messages", (), message):
                return False
            file.execute(
                "insert into host_messages (queue, body, inserted, visible, reason)"
                " values (?, ?, ?, ?, ?)",
                (poison_name(message.queue), message.body, micros_of(now), micros_of(now), reason),
            )
            return True

    def release(self) -> int:
        """Make messages of crashed processes visible; a host calls it when it starts."""
        with self._file.unit() as file:
            return file.execute(
                "update host_messages set leased = 0, visible = inserted where leased = 1"
            ).rowcount

    def peek(self, queue: str, limit: int = 32) -> list[Message]:
        """Return the oldest messages, visible or not, without changing them."""
        rows = self._file.read(
            "select id, queue, body, inserted, visible, tries, reason from host_messages"
            " where queue = ? order by id limit ?",
            (queue, limit),
        )
        return list(map(_message, rows))

    def counts(self) -> dict[str, int]:
        """Return the number of messages of every queue that is not empty."""
        return dict(
            self._file.read(
                "select queue, count(*) from host_messages group by queue order by queue"
            )
        )

    def next_visible(self, queue: str) -> datetime | None:
        """Return when the first message of `queue` becomes visible; None for an empty queue."""
        [(first,)] = self._file.read(
            "select min(visible) from host_messages where queue = ?", (queue,)
        )
        return None if first is None else moment_of(first)

    def read_status(self, name: str) -> Status | None:
        """Return the saved status of a timer."""
        rows = self._file.read(
            "select schedule, last, next from host_timers where name = ?", (name,)
        )
        for schedule, last, due in rows:
            return Status(schedule, None if last is None else moment_of(last), moment_of(due))
        return None

    def write_status(self, name: str, status: Status) -> None:
        """Save the status of a timer."""
        last = None if status.last is None else micros_of(status.last)
        with self._file.unit() as file:
            file.execute(
                "insert or replace into host_timers (name, schedule, last, next)"
                " values (?, ?, ?, ?)",
                (name, status.schedule, last, micros_of(status.next)),
            )

    @staticmethod
    def _settle(
        file: sqlite3.Connection, change: str, values: tuple[int, ...], message: Message
    ) -> bool:
        where = " where id = ? and tries = ? and leased = 1"
        return file.execute(change + where, (*values, message.id, message.tries)).rowcount == 1


def _message(row: tuple[int, str, bytes, int, int, int, str]) -> Message:
    number, queue, body, inserted, visible, tries, reason = row
    return Message(number, queue, body, moment_of(inserted), moment_of(visible), tries, reason)

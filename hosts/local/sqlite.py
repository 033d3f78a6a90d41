"""The store on one machine: one SQLite file in WAL mode."""

from __future__ import annotations

import base64
import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from engine.errors import Conflict
from engine.store import (
    HEAD,
    Delete,
    Insert,
    Operation,
    Replace,
    Row,
    Value,
    check,
    instant,
    parse_instant,
)
from hosts import private
from hosts.local.disk import Disk

SCHEMA = """
create table if not exists rows (
    partition text not null, key text not null, etag integer not null,
    pending integer not null, wake_at text, props text not null,
    primary key (partition, key)) without rowid;
create index if not exists waiting on rows (partition, key) where pending = 1;
create index if not exists wakes on rows (wake_at) where wake_at is not null;
create table if not exists counter (id integer primary key check (id = 1), etag integer not null);
insert or ignore into counter values (1, 0);
"""
LAST = "\U0010ffff"
BUSY_SECONDS = 10.0


class SqliteStore:
    """`engine.store.Store` in one file, safe for several processes at once.

    Parameters
    ----------
    path : the file; made where missing.
    durable : whether a commit waits for the disk. Without it a power cut may lose the newest
    commits; a killed process never does.
    disk : remembers faults of the disk; those of its folder alone by default.

    Raises
    ------
    Refused
        The file is not a SQLite database, or cannot be made.
    DiskFault
        The disk is full, read-only, broken, or its content is damaged; by every method, too.
    """

    def __init__(self, path: Path, *, durable: bool = True, disk: Disk | None = None) -> None:
        self._path, self._durable = path, durable
        self._disk = disk or Disk(path.parent)
        self._local = threading.local()
        with self._disk.opened(path, "not a Driftwarden store"):
            private.make_folder(path.parent)
            # SQLite gives its other files the permissions of this one.
            private.make_file(path)
            self._connection().executescript(SCHEMA)

    def get(self, partition: str, key: str) -> Row | None:
        """See `engine.store.Store`."""
        found = self._query(
            "select key, etag, props from rows where partition = ? and key = ?", partition, key
        )
        return found[0] if found else None

    def scan(
        self,
        partition: str,
        prefix: str,
        *,
        after: str = "",
        limit: int = 1000,
        pending: bool = False,
    ) -> list[Row]:
        """See `engine.store.Store`."""
        # With one lower bound and the named index, the planner does not scan settled rows.
        bound, start = (">", after) if after >= prefix else (">=", prefix)
        index, waiting = ("indexed by waiting", "pending = 1 and") if pending else ("", "")
        return self._query(
            f"select key, etag, props from rows {index}"
            f" where {waiting} partition = ? and key {bound} ? and key < ? order by key limit ?",
            partition,
            start,
            prefix + LAST,
            limit,
        )

    def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        """See `engine.store.Store`."""
        check(partition, operations)
        with self._disk.watched(self._path):
            connection = self._connection()
            connection.execute("begin immediate")
            try:
                for operation in operations:
                    _apply(connection, partition, operation)
                connection.execute("commit")
            except BaseException:
                # SQLite itself rolls back what a full or broken disk interrupts.
                if connection.in_transaction:
                    connection.execute("rollback")
                raise

    def due(self, now: datetime, limit: int = 100) -> list[str]:
        """See `engine.store.Store`."""
        return self._names(
            "select partition from rows where wake_at <= ? order by wake_at, partition limit ?",
            instant(now),
            limit,
        )

    def next_wake(self) -> datetime | None:
        """See `engine.store.Store`."""
        found = self._names("select min(wake_at) from rows where wake_at is not null")
        return parse_instant(found[0]) if found[0] else None

    def partitions(self) -> list[str]:
        """See `engine.store.Store`."""
        return self._names("select distinct partition from rows order by partition")

    def close(self) -> None:
        """Close this thread's connection."""
        self._connection().close()
        del self._local.connection

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            opened = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
            opened.execute("pragma journal_mode = wal")
            opened.execute(f"pragma synchronous = {'full' if self._durable else 'normal'}")
            self._local.connection = opened
        found: sqlite3.Connection = self._local.connection
        return found

    def _faults_named(self) -> AbstractContextManager[None]:
        """Name the faults of the disk that a query meets."""
        return self._disk.watched(self._path)

    def _query(self, sql: str, *values: object) -> list[Row]:
        with self._faults_named():
            found = self._connection().execute(sql, values).fetchall()
        return [Row(key, _unpack(props), str(etag)) for key, etag, props in found]

    def _names(self, sql: str, *values: object) -> list[str]:
        with self._faults_named():
            return [name for (name,) in self._connection().execute(sql, values)]


def _apply(connection: sqlite3.Connection, partition: str, operation: Operation) -> None:
    changed = _write(connection, partition, operation)
    if changed != 1:
        raise Conflict(f"{partition}: {operation.key} was changed by another writer")


def _write(connection: sqlite3.Connection, partition: str, operation: Operation) -> int:
    where = "where partition = ? and key = ?"
    if isinstance(operation, Delete):
        return connection.execute(f"delete from rows {where}", (partition, operation.key)).rowcount
    ((etag,),) = connection.execute("update counter set etag = etag + 1 returning etag").fetchall()
    wake = operation.props.get("wake_at") if operation.key == HEAD else None
    values = (etag, operation.props.get("pending") is True, wake, _pack(operation.props))
    if isinstance(operation, Insert):
        return connection.execute(
            "insert or ignore into rows (etag, pending, wake_at, props, partition, key)"
            " values (?, ?, ?, ?, ?, ?)",
            (*values, partition, operation.key),
        ).rowcount
    return connection.execute(
        f"update rows set etag = ?, pending = ?, wake_at = ?, props = ? {where} and etag = ?",
        (*values, partition, operation.key, _etag(operation)),
    ).rowcount


def _etag(operation: Replace) -> int:
    return int(operation.etag) if operation.etag.isdigit() else -1


def _pack(props: Mapping[str, Value]) -> str:
    return json.dumps(
        {
            name: [base64.b64encode(value).decode()] if isinstance(value, bytes) else value
            for name, value in props.items()
        }
    )


def _unpack(text: str) -> dict[str, Value]:
    return {
        name: base64.b64decode(value[0]) if isinstance(value, list) else value
        for name, value in json.loads(text).items()
    }

"""A store on one machine that is only looked at, also while a server writes to it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.errors import Broken, Refused
from engine.store import Operation, Row
from engine.texts import unexpected
from hosts.local.sqlite import BUSY_SECONDS, SqliteStore


class ReadOnlyStore(SqliteStore):
    """`hosts.local.sqlite.SqliteStore` without writing: no file is made, no table, no index.

    Parameters
    ----------
    path : the file; it exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()

    def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        """Refuse: nothing is written here."""
        del operations
        raise Refused(f"{self._path}: opened to be read only; {partition} was not changed")

    def faults(self) -> list[str]:
        """Return what SQLite finds wrong with the file (`pragma integrity_check`)."""
        try:
            found = self._names("pragma integrity_check")
        except Broken as error:
            return [str(error)]
        return [] if found == ["ok"] else [f"{self._path}: {line}" for line in found]

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            # Without a write-ahead log nobody has the file open, and SQLite would make one.
            log = self._path.with_name(f"{self._path.name}-wal")
            mode = "mode=ro" if log.exists() else "mode=ro&immutable=1"
            self._local.connection = sqlite3.connect(
                f"{self._path.resolve().as_uri()}?{mode}",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
            )
        found: sqlite3.Connection = self._local.connection
        return found

    @contextmanager
    def _faults_named(self) -> Iterator[None]:
        # A finding of `verify`; whether the disk can be written does not matter here.
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise Broken(f"{self._path}: {error}") from error

    def _query(self, sql: str, *values: object) -> list[Row]:
        try:
            return super()._query(sql, *values)
        except (AttributeError, TypeError, ValueError) as error:
            raise Broken(f"{self._path}: a row is damaged: {unexpected(error)}") from error

"""A store in memory that follows the rules of Azure Tables to the letter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.errors import Conflict
from engine.store import (
    HEAD,
    Delete,
    Insert,
    Operation,
    Replace,
    Row,
    check,
    instant,
    parse_instant,
)


class MemoryStore:
    """Rows in dictionaries; what a crash sweep and quick tests run on."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Row]] = {}
        self._writes = 0

    def get(self, partition: str, key: str) -> Row | None:
        """See `engine.store.Store`."""
        return self._rows.get(partition, {}).get(key)

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
        rows = self._rows.get(partition, {})
        keys = sorted(
            key
            for key, row in rows.items()
            if key > after and key.startswith(prefix)
            if not pending or row.props.get("pending") is True
        )
        return [rows[key] for key in keys[:limit]]

    def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        """See `engine.store.Store`."""
        check(partition, operations)
        rows = self._rows.get(partition, {})
        for operation in operations:
            _precondition(partition, rows.get(operation.key), operation)
        rows = self._rows.setdefault(partition, {})
        for operation in operations:
            if isinstance(operation, Delete):
                del rows[operation.key]
            else:
                self._writes += 1
                rows[operation.key] = Row(operation.key, dict(operation.props), str(self._writes))

    def due(self, now: datetime, limit: int = 100) -> list[str]:
        """See `engine.store.Store`."""
        return [name for wake, name in self._wakes() if wake <= instant(now)][:limit]

    def next_wake(self) -> datetime | None:
        """See `engine.store.Store`."""
        wakes = self._wakes()
        return parse_instant(wakes[0][0]) if wakes else None

    def partitions(self) -> list[str]:
        """See `engine.store.Store`."""
        return sorted(name for name, rows in self._rows.items() if rows)

    def _wakes(self) -> list[tuple[str, str]]:
        heads = ((name, rows[HEAD]) for name, rows in self._rows.items() if HEAD in rows)
        return sorted(
            (str(head.props["wake_at"]), name) for name, head in heads if "wake_at" in head.props
        )


def _precondition(partition: str, row: Row | None, operation: Operation) -> None:
    match operation:
        case Insert(key=key) if row is not None:
            raise Conflict(f"{partition}: {key} exists already")
        case Replace(key=key, etag=etag) if row is None or row.etag != etag:
            raise Conflict(f"{partition}: {key} was changed by another writer")
        case Delete(key=key) if row is None:
            raise Conflict(f"{partition}: {key} is gone already")
        case _:
            return

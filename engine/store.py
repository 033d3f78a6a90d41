"""The store port: rows of a partition, written together or not at all.

The rules are those of Azure Table Storage's entity group transactions, the strictest store that
Driftwarden lives in; every store applies them through `check`, so that none is laxer.
Source of the limits: Microsoft Learn, "Understanding the Table service data model" and
"Performing entity group transactions".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from engine.errors import Broken, TooLarge

Value = str | bytes | int | float | bool

MAX_OPERATIONS = 100
MAX_UNIT_BYTES = 4 * 1024 * 1024
MAX_ROW_BYTES = 1024 * 1024
MAX_PROPERTY_BYTES = 64 * 1024
MAX_PROPERTIES = 252
MAX_KEY_BYTES = 1024

HEAD = "head"
_KEY = re.compile(r"[^/\\#?\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True)
class Row:
    """One stored row; `etag` changes with every write of it."""

    key: str
    props: Mapping[str, Value] = field(default_factory=dict)
    etag: str = ""

    def content(self, name: str) -> bytes:
        """Return what `spread` put into a row under this name."""
        if name in self.props:
            return self._bytes(name)
        parts: list[bytes] = []
        while f"{name}{len(parts)}" in self.props:
            parts.append(self._bytes(f"{name}{len(parts)}"))
        if not parts:
            raise Broken(f"{self.key}.{name} is missing")
        return b"".join(parts)

    def text(self, name: str) -> str:
        """Return a property that holds text."""
        return str(self.props[name])

    def _bytes(self, name: str) -> bytes:
        value = self.props[name]
        if not isinstance(value, bytes):
            raise Broken(f"{self.key}.{name} holds {type(value).__name__}, not bytes")
        return value


@dataclass(frozen=True)
class Insert:
    """Write a row that must not exist yet."""

    key: str
    props: Mapping[str, Value]


@dataclass(frozen=True)
class Replace:
    """Write a row that must still carry `etag`."""

    key: str
    props: Mapping[str, Value]
    etag: str


@dataclass(frozen=True)
class Delete:
    """Remove a row that must exist."""

    key: str


Operation = Insert | Replace | Delete


class Store(Protocol):
    """Partitions of rows in key order, with queries by `pending` and by the head's `wake_at`."""

    def get(self, partition: str, key: str) -> Row | None:
        """Return the row, or None where there is none."""
        ...

    def scan(
        self,
        partition: str,
        prefix: str,
        *,
        after: str = "",
        limit: int = 1000,
        pending: bool = False,
    ) -> list[Row]:
        """Return up to `limit` rows whose key starts with `prefix` and sorts after `after`.

        With `pending`, only rows whose property `pending` is true.
        """
        ...

    def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        """Apply all operations or none; Conflict when one no longer fits what is stored."""
        ...

    def due(self, now: datetime, limit: int = 100) -> list[str]:
        """Return partitions whose head has a `wake_at` at or before `now`, the earliest first."""
        ...

    def next_wake(self) -> datetime | None:
        """Return the earliest `wake_at` of all heads."""
        ...

    def partitions(self) -> list[str]:
        """Return every partition that has rows, in name order."""
        ...


def spread(name: str, content: bytes) -> dict[str, Value]:
    """Return the properties that hold content of any size: one, or numbered ones that each fit.

    >>> spread("body", b"[]")
    {'body': b'[]'}
    >>> list(spread("body", bytes(MAX_PROPERTY_BYTES + 1)))
    ['body0', 'body1']
    """
    if len(content) <= MAX_PROPERTY_BYTES:
        return {name: content}
    cuts = range(0, len(content), MAX_PROPERTY_BYTES)
    return {f"{name}{i}": content[at : at + MAX_PROPERTY_BYTES] for i, at in enumerate(cuts)}


def instant(moment: datetime) -> str:
    """Write an instant of UTC so that text order is time order.

    >>> from datetime import UTC
    >>> instant(datetime(2013, 7, 4, 12, tzinfo=UTC)), instant(datetime(1, 1, 1, tzinfo=UTC))
    ('2013-07-04T12:00:00.000000Z', '0001-01-01T00:00:00.000000Z')
    """
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_instant(text: str) -> datetime:
    """Read what `instant` wrote."""
    return datetime.fromisoformat(text)


def _size(value: Value) -> int:
    if isinstance(value, str):
        return len(value.encode("utf-16-le"))
    return len(value) if isinstance(value, bytes) else 8


def check(partition: str, operations: Sequence[Operation]) -> None:
    """Raise Broken where the strictest store would refuse a unit, TooLarge for its size."""
    keys = [operation.key for operation in operations]
    if not operations or len(operations) > MAX_OPERATIONS:
        told = f"a unit holds 1 to {MAX_OPERATIONS} rows, not {len(operations)}"
        raise TooLarge(f"{partition}: {told}")
    if len(set(keys)) != len(keys):
        raise Broken(f"{partition}: a unit names a row twice")
    for key in (partition, *keys):
        if not _KEY.fullmatch(key) or len(key.encode()) > MAX_KEY_BYTES:
            raise Broken(f"{partition}: {key!r} cannot be a row key")
    total = sum(_row_size(partition, operation) for operation in operations)
    if total > MAX_UNIT_BYTES:
        raise TooLarge(f"{partition}: a unit of {total} bytes is over {MAX_UNIT_BYTES}")


def _row_size(partition: str, operation: Operation) -> int:
    if isinstance(operation, Delete):
        return len(operation.key)
    size = 0
    if len(operation.props) > MAX_PROPERTIES:
        raise Broken(f"{partition}: {operation.key} has more than {MAX_PROPERTIES} properties")
    for name, value in operation.props.items():
        if _size(value) > MAX_PROPERTY_BYTES:
            raise TooLarge(
                f"{partition}: {operation.key}.{name} is {_size(value)} bytes, "
                f"over {MAX_PROPERTY_BYTES}"
            )
        size += _size(value) + 2 * len(name)
    if size > MAX_ROW_BYTES:
        raise TooLarge(f"{partition}: {operation.key} is {size} bytes, over {MAX_ROW_BYTES}")
    return size

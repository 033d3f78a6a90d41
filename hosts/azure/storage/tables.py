"""The store in Azure Table Storage: one commit is one entity group transaction."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import (
    EdmType,
    EntityProperty,
    TableClient,
    TableEntity,
    TableServiceClient,
    UpdateMode,
)

from engine.errors import Broken, Conflict
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
from hosts.azure.storage.storage_errors import Expected, translated
from hosts.azure.storage.table_glimpse import Glimpse
from hosts.azure.storage.table_index import Index, Wake, equals, text

#: The most rows of one query (Microsoft Learn, "Query timeout and pagination").
PAGE = 1000
_ETAG = re.compile(r'W/"[^"]+"')
_INT64 = 2**63
_KEYS = ("PartitionKey", "RowKey")


class TablesStore:
    """`engine.store.Store` in one table.

    A lost answer leaves open whether a commit was applied. Either it surfaces as Unavailable, or
    the SDK tries again and the second try finds the first one's rows, which is a Conflict. The
    store does not guess. In both cases the loop reads the partition again, at once or on the next
    delivery, and continues: settled facts are no longer pending, owed effects are in the outbox.

    Parameters
    ----------
    service : a client of the Tables service.
    table : the table; made where missing.

    Raises
    ------
    Unavailable
        Where the service does not answer.
    """

    def __init__(self, service: TableServiceClient, table: str = "driftwarden") -> None:
        with translated(f"table {table}"):
            self._table = self._opened(service, table)
        self._index = Index(self._table, self._wake)
        self._wakes: dict[str, Wake] = {}
        self._glimpse = Glimpse(self._read_ahead)

    def _opened(self, service: TableServiceClient, table: str) -> TableClient:
        return service.create_table_if_not_exists(table)

    def get(self, partition: str, key: str) -> Row | None:
        """See `engine.store.Store`; with a head comes what is pending, for scans that follow."""
        with translated(f"table {self._table.table_name}, {partition}/{key}"):
            if key != HEAD:
                entity = self._found(partition, key)
                return None if entity is None else _row(entity)
            row = next((row for row in self._glimpse.take(partition) if row.key == HEAD), None)
        if row is not None:
            self._wakes[partition] = Wake(str(row.props.get("wake_at", "")), row.etag)
        return row

    def _read_ahead(self, partition: str, most: int) -> list[Row]:
        mine = equals("PartitionKey", partition)
        found = self._table.query_entities(
            f"{mine} and ({equals('RowKey', HEAD)} or pending eq true)", results_per_page=most
        )
        return [_row(entity) for entity in islice(found, most)]

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
        if pending and not after:
            known = self._glimpse.pending(partition, prefix, limit)
            if known is not None:
                return known
        low = f"gt {text(after)}" if after and after >= prefix else f"ge {text(prefix)}"
        terms = [equals("PartitionKey", partition), f"RowKey {low}"]
        if prefix:
            terms.append(f"RowKey lt {text(prefix[:-1] + chr(ord(prefix[-1]) + 1))}")
        if pending:
            terms.append("pending eq true")
        with translated(f"table {self._table.table_name}, {partition}"):
            found = self._table.query_entities(
                " and ".join(terms), results_per_page=min(limit, PAGE)
            )
            return [_row(entity) for entity in islice(found, limit)]

    def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        """See `engine.store.Store`.

        Hints for `due` and `partitions` are written first: a crash in between leaves one too many,
        never one too few.
        """
        check(partition, operations)
        self._glimpse.forget()
        entities = [_operation(partition, operation) for operation in operations]
        with translated(f"table {self._table.table_name}, {partition}"):
            self._index.name(partition)
            for operation in operations:
                if operation.key == HEAD and not isinstance(operation, Delete):
                    self._announce(partition, operation)
            self._table.submit_transaction(entities)

    def due(self, now: datetime, limit: int = 100) -> list[str]:
        """See `engine.store.Store`."""
        with translated(f"table {self._table.table_name}, what is due"):
            return [name for _, name in self._index.wakes(limit, until=instant(now))]

    def next_wake(self) -> datetime | None:
        """See `engine.store.Store`."""
        with translated(f"table {self._table.table_name}, what is due next"):
            first = self._index.wakes(1)
        return parse_instant(first[0][0]) if first else None

    def partitions(self) -> list[str]:
        """See `engine.store.Store`."""
        with translated(f"table {self._table.table_name}, its partitions"):
            return sorted(self._index.names())

    def _found(
        self, partition: str, key: str, select: list[str] | None = None
    ) -> TableEntity | None:
        with Expected(ResourceNotFoundError):
            return self._table.get_entity(partition, key, select=select)
        return None

    def _wake(self, partition: str) -> Wake:
        """Return when a partition's head is to be woken, without reading its state."""
        head = self._found(partition, HEAD, [*_KEYS, "Timestamp", "wake_at"])
        if head is None:
            return Wake("", "")
        return Wake(str(head.get("wake_at", "")), str(head.metadata["etag"]))

    def _announce(self, partition: str, operation: Insert | Replace) -> None:
        wake = str(operation.props.get("wake_at", ""))
        etag = operation.etag if isinstance(operation, Replace) else ""
        # A head whose wake did not change has its hint already.
        if wake and Wake(wake, etag) != self._wakes.get(partition):
            self._index.announce(partition, Wake(wake, etag))


def _operation(partition: str, operation: Operation) -> tuple[Any, ...]:
    entity = {"PartitionKey": partition, "RowKey": operation.key}
    match operation:
        case Insert(props=props):
            return ("create", entity | _properties(operation.key, props))
        case Replace(key=key, etag=etag) if not _ETAG.fullmatch(etag):
            # The service reports a malformed request here, not a conflict.
            raise Conflict(f"{partition}: {key} never had the etag {etag!r}")
        case Replace(props=props, etag=etag):
            options = {
                "mode": UpdateMode.REPLACE,
                "etag": etag,
                "match_condition": MatchConditions.IfNotModified,
            }
            return ("update", entity | _properties(operation.key, props), options)
        case Delete():
            return ("delete", entity)


def _properties(key: str, props: Mapping[str, Value]) -> dict[str, Any]:
    return {name: _stored(key, name, value) for name, value in props.items()}


def _stored(key: str, name: str, value: Value) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        if not -_INT64 <= value < _INT64:
            raise Broken(f"{key}.{name}: {value} is beyond 64 bits")
        return EntityProperty(value, EdmType.INT64)
    return value


def _row(entity: TableEntity) -> Row:
    props = {
        name: value.value if isinstance(value, EntityProperty) else value
        for name, value in entity.items()
        if name not in _KEYS
    }
    return Row(str(entity["RowKey"]), props, str(entity.metadata["etag"]))

"""A store in Azure that is only looked at: no table, no container and no hint is written."""

from __future__ import annotations

from collections.abc import Sequence

from azure.data.tables import TableClient, TableServiceClient

from engine.chain import log_key
from engine.errors import Refused
from engine.store import HEAD, Operation
from hosts.azure.storage.blobs import AzureBlobs
from hosts.azure.storage.storage_errors import translated
from hosts.azure.storage.table_index import NAMES, equals
from hosts.azure.storage.tables import TablesStore


class ReadOnlyTables(TablesStore):
    """`hosts.azure.storage.tables.TablesStore` without writing."""

    def _opened(self, service: TableServiceClient, table: str) -> TableClient:
        return service.get_table_client(table)

    def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        """Refuse: nothing is written here."""
        del operations
        raise Refused(f"{self._table.table_name}: opened to be read only; {partition} stays")

    def partitions(self) -> list[str]:
        """Return every partition that has a head or a journal, by its rows instead of the hints."""
        return sorted(self._keys(f"{equals('RowKey', HEAD)} or {equals('RowKey', log_key(1))}"))

    def faults(self) -> list[str]:
        """Return the partitions that had rows once, as a hint says, and have no head any more."""
        there = set(self.partitions())
        with translated(f"table {self._table.table_name}, its partitions"):
            hints = self._table.query_entities(f"{equals('PartitionKey', NAMES)} and seen eq true")
            gone = [name for hint in hints if (name := str(hint["RowKey"])) not in there]
        return [f"{name}: it had rows, and has neither head nor journal" for name in gone]

    def _keys(self, query: str) -> set[str]:
        with translated(f"table {self._table.table_name}, its partitions"):
            found = self._table.query_entities(query, select=["PartitionKey"])
            return {str(entity["PartitionKey"]) for entity in found}


class ReadOnlyBlobs(AzureBlobs):
    """`hosts.azure.storage.blobs.AzureBlobs` without its container being made."""

    def _make(self) -> None:
        return

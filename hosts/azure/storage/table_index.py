"""Hints of which partitions exist and when to wake them; the heads are authoritative.

Tables finds rows by PartitionKey and RowKey only, and a transaction is limited to one PartitionKey.
Therefore two partitions of the table serve as indexes. Their rows are written before the commit
that they announce, and verified when read: an obsolete hint costs a read, a missing one cannot
occur. See docs/adr/0011.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from azure.data.tables import TableClient, TableEntity, TableTransactionError, UpdateMode

from engine.store import MAX_OPERATIONS

WAKES = "~wakes"
NAMES = "~partitions"
#: The most rows of one query (Microsoft Learn, "Query timeout and pagination").
PAGE = 1000
#: The least number of hints per read, because obsolete ones lie in between.
FEW = 16


class Wake(NamedTuple):
    """When to wake a head (empty: never), and the etag of that head (empty: none)."""

    at: str
    etag: str


def text(value: str) -> str:
    """Quote a literal of a query.

    >>> text("don't")
    "'don''t'"
    """
    return "'" + value.replace("'", "''") + "'"


def equals(name: str, value: str) -> str:
    """Write a comparison of a query."""
    return f"{name} eq {text(value)}"


class Index:
    """The two index partitions of a table.

    Parameters
    ----------
    table : the table.
    head : returns a partition's wake by its current head.
    """

    def __init__(self, table: TableClient, head: Callable[[str], Wake]) -> None:
        self._table, self._head = table, head
        self._named: set[str] = set()

    def announce(self, partition: str, wake: Wake) -> None:
        """Write the hint that the head that replaces `wake.etag` is to be woken at `wake.at`.

        The hint is named by the head that it replaces, so that a reader can tell when its writer
        can no longer succeed.
        """
        base = _digest(wake.etag)
        self._table.upsert_entity(
            {
                "PartitionKey": WAKES,
                "RowKey": f"{wake.at}:{partition}:{base}",
                "at": wake.at,
                "partition": partition,
                "base": base,
            },
            UpdateMode.REPLACE,
        )

    def wakes(self, limit: int, until: str = "") -> list[tuple[str, str]]:
        """Return (instant, partition) of heads to wake, the earliest first.

        Obsolete hints are deleted on the way.
        """
        query = equals("PartitionKey", WAKES)
        if until:
            # An instant in a key ends with a colon: the next character is past all of its keys.
            query += f" and RowKey lt {text(until + ';')}"
        found: dict[str, str] = {}
        for page in self._pages(query, max(limit, FEW)):
            self._remove(self._sort_out(page, found, limit))
            if len(found) >= limit:
                break
        return [(at, name) for name, at in found.items()]

    def _pages(self, query: str, size: int) -> Iterator[list[TableEntity]]:
        found = self._table.query_entities(query, results_per_page=min(size, PAGE))
        yield from (list(page) for page in found.by_page())

    def _sort_out(
        self, hints: list[TableEntity], found: dict[str, str], limit: int
    ) -> list[TableEntity]:
        """Add to `found` the hints that heads confirm, up to `limit`; return obsolete ones."""
        # A head must be read after the hint that it confirms: it is cached for this page only.
        heads: dict[str, Wake] = {}
        over = []
        for hint in hints:
            if len(found) >= limit:
                break
            name = str(hint["partition"])
            if name not in heads:
                heads[name] = self._head(name)
            if heads[name].at == hint["at"]:
                found.setdefault(name, heads[name].at)
            elif _digest(heads[name].etag) != hint["base"]:
                over.append(hint)
        return over

    def _remove(self, hints: Sequence[TableEntity]) -> None:
        try:
            self._submit([("delete", _keys(hint)) for hint in hints])
        except TableTransactionError as error:
            # A concurrent tick deletes them, too; the next one finds the rest.
            if error.status_code != 404:
                raise

    def _submit(self, operations: list[Any]) -> None:
        for start in range(0, len(operations), MAX_OPERATIONS):
            self._table.submit_transaction(operations[start : start + MAX_OPERATIONS])

    def name(self, partition: str) -> None:
        """Write the hint that a partition is about to have rows."""
        if partition in self._named:
            return
        # Merged, so that known properties stay.
        self._table.upsert_entity({"PartitionKey": NAMES, "RowKey": partition}, UpdateMode.MERGE)
        self._named.add(partition)

    def names(self) -> list[str]:
        """Return every partition that has rows; known ones are not checked again."""
        found: list[str] = []
        for page in self._pages(equals("PartitionKey", NAMES), PAGE):
            fresh = [hint for hint in page if not hint.get("seen")]
            empty = {hint["RowKey"] for hint in fresh if not self._has_rows(str(hint["RowKey"]))}
            found += [str(hint["RowKey"]) for hint in page if hint["RowKey"] not in empty]
            marks = [_keys(hint) | {"seen": True} for hint in fresh if hint["RowKey"] not in empty]
            self._submit([("upsert", mark) for mark in marks])
        return found

    def _has_rows(self, partition: str) -> bool:
        query = equals("PartitionKey", partition)
        found = self._table.query_entities(query, results_per_page=1, select="RowKey")
        return next(iter(found), None) is not None


def _keys(hint: TableEntity) -> dict[str, Any]:
    return {"PartitionKey": hint["PartitionKey"], "RowKey": hint["RowKey"]}


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:16]

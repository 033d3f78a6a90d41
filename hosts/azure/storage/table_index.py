"""Hints of who is to be woken when, and of which partitions there are; heads have the last word.

Tables finds rows by PartitionKey and RowKey only, and a transaction holds one PartitionKey. So two
partitions of the table serve as indexes. Their rows are written before the commit that they
announce, and are verified when they are read: one too many costs a read, one too few never happens.
The reasoning stands in docs/adr/0011.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from azure.data.tables import TableClient, TableEntity, TableTransactionError, UpdateMode

from engine.store import MAX_OPERATIONS

WAKES = "~wakes"
NAMES = "~partitions"
#: What one query may return at most (Microsoft Learn, "Query timeout and pagination").
PAGE = 1000
#: The least that is read at once: hints that are over stand in between.
FEW = 16


class Wake(NamedTuple):
    """When a head wants to be woken (empty: never), and the etag of that head (empty: none)."""

    at: str
    etag: str


def text(value: str) -> str:
    """Write a literal of a query.

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
    head : returns a partition's wake as its head says it now.
    """

    def __init__(self, table: TableClient, head: Callable[[str], Wake]) -> None:
        self._table, self._head = table, head
        self._named: set[str] = set()

    def announce(self, partition: str, wake: Wake) -> None:
        """Hint that the head that replaces `wake.etag` will want to be woken at `wake.at`.

        The hint is named by the head that it replaces, so that it can be told when its writer can
        no longer succeed.
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
        """Return (instant, partition) of heads that want to be woken, the earliest first.

        Hints that no head can come to any more are removed on the way.
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
        """Add to `found` what heads confirm, up to `limit`; return the hints that are over."""
        # A head must be read after the hint that it judges: it is remembered for this page only.
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
            # Another tick removes them too; what that one leaves, the next one finds.
            if error.status_code != 404:
                raise

    def _submit(self, operations: list[Any]) -> None:
        for start in range(0, len(operations), MAX_OPERATIONS):
            self._table.submit_transaction(operations[start : start + MAX_OPERATIONS])

    def name(self, partition: str) -> None:
        """Hint that a partition is about to have rows."""
        if partition in self._named:
            return
        # Merged, so that what is known of it stays.
        self._table.upsert_entity({"PartitionKey": NAMES, "RowKey": partition}, UpdateMode.MERGE)
        self._named.add(partition)

    def names(self) -> list[str]:
        """Return every partition that has rows; one that once had some is not looked at again."""
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

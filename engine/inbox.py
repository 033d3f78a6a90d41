"""The inbox: arrived facts, each stored once however often it is delivered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.codec import Kinds, kind_of
from engine.errors import Broken, Conflict, Refused, TooLarge, Unavailable
from engine.step import Delivery
from engine.store import (
    MAX_OPERATIONS,
    Insert,
    Replace,
    Row,
    Store,
    Value,
    instant,
    parse_instant,
    spread,
)
from engine.texts import cut

IN = "in:"
#: What stays of a fact that was taken in.
KEPT = ("at", "id", "digest")
#: Facts that are looked at to tell the age of the oldest: rows are not in order of arrival.
LOOKED_AT = 40


@dataclass(frozen=True)
class Waiting:
    """A fact not yet taken in; `reason` says why it is refused, and is empty where it is not."""

    row: Row
    fact: Any
    reason: str = ""


def row_key(delivery_id: str) -> str:
    """Return the row key of a delivery: equal ids meet in one row."""
    return IN + hashlib.sha256(delivery_id.encode()).hexdigest()[:40]


def insert(kinds: Kinds, delivery: Delivery, now: datetime) -> Insert:
    """Return the row that keeps a delivery until it is taken in."""
    body = kinds.encode(delivery.fact)
    props: dict[str, Value] = {
        "pending": True,
        "at": instant(now),
        "id": delivery.id,
        "digest": _digest(body),
        **spread("body", body),
    }
    return Insert(row_key(delivery.id), props)


def differs(store: Store, kinds: Kinds, delivery: Delivery) -> bool:
    """Tell whether another fact arrived under the id of a delivery.

    Rows that were written before they had a digest differ from nothing.
    """
    row = store.get(delivery.partition, row_key(delivery.id))
    known = row.props.get("digest") if row is not None else None
    return known is not None and known != _digest(kinds.encode(delivery.fact))


def digest(kinds: Kinds, fact: object) -> str:
    """Return the digest that a fact is kept with, whatever the id of its delivery."""
    return _digest(kinds.encode(fact))


def digests(store: Store, partition: str) -> frozenset[str]:
    """Return the digests of all facts that arrived, as long as their rows are kept."""
    found: set[str] = set()
    after = ""
    while page := store.scan(partition, IN, after=after, limit=MAX_OPERATIONS):
        after = page[-1].key
        found.update(str(row.props.get("digest")) for row in page)
    return frozenset(found)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


def accept(store: Store, kinds: Kinds, delivery: Delivery, now: datetime) -> bool:
    """Keep a delivery; False where the same id arrived before.

    Raises
    ------
    Refused
        The fact is larger than a row can be.
    Unavailable
        The store refuses the row as one that is there already, but it is not.
    """

    def arrived() -> bool:
        return store.get(delivery.partition, row_key(delivery.id)) is not None

    if arrived():
        return False
    try:
        store.commit(delivery.partition, [insert(kinds, delivery, now)])
    except Conflict as conflict:
        if not arrived():
            raise Unavailable(f"{delivery.partition}: a delivery was not kept") from conflict
        return False
    except TooLarge as error:
        raise Refused(f"{kind_of(type(delivery.fact))} cannot be kept: {error}") from error
    return True


def waiting(kinds: Kinds, rows: Sequence[Row]) -> list[Waiting]:
    """Return facts not yet taken in, in order of arrival: the same for every worker."""
    return [_read(kinds, row) for row in sorted(rows, key=lambda r: (str(r.props["at"]), r.key))]


def pending(store: Store, partition: str, most: int) -> int:
    """Return how many facts are not yet taken in, `most` at most."""
    return len(store.scan(partition, IN, limit=most, pending=True))


def oldest(store: Store, partition: str) -> datetime | None:
    """Return when the oldest fact arrived that was not yet taken in; of many, about when."""
    rows = store.scan(partition, IN, limit=LOOKED_AT, pending=True)
    return min((parse_instant(row.text("at")) for row in rows), default=None)


def _read(kinds: Kinds, row: Row) -> Waiting:
    try:
        return Waiting(row, kinds.decode(row.content("body")))
    except (Broken, Refused) as error:
        return Waiting(row, None, cut(str(error)))


def taken(item: Waiting, now: datetime) -> Replace:
    """Return the operation that marks a fact as taken in; its row stays to show duplicates."""
    kept = {name: item.row.props[name] for name in KEPT if name in item.row.props}
    refused: dict[str, Value] = {}
    if item.reason:
        body = {name: value for name, value in item.row.props.items() if name.startswith("body")}
        refused = {"refused": item.reason, **body}
    return Replace(
        item.row.key, {**kept, **refused, "pending": False, "taken": instant(now)}, item.row.etag
    )

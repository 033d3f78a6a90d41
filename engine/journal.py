"""The journal: one row per unit, each with the hash of the row before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from engine.codec import to_json
from engine.errors import Broken
from engine.step import Line
from engine.store import HEAD, Insert, Row, Store, spread

LOG = "log:"
PAGE = 500
GENESIS = ""


@dataclass(frozen=True)
class Record:
    """One unit as journalled: number, instant, lines, and place in the chain."""

    seq: int
    at: str
    lines: tuple[Line, ...]
    hash: str


def log_key(seq: int) -> str:
    """Return the row key of a unit's record."""
    return f"{LOG}{seq:012d}"


def _chain(previous: str, seq: int, at: str, body: bytes) -> str:
    return hashlib.sha256(f"{previous}|{seq}|{at}|".encode() + body).hexdigest()


def record(previous: str, seq: int, at: str, lines: tuple[Line, ...]) -> tuple[Insert, str]:
    """Return the row that records a unit, and its hash."""
    body = to_json(list(lines))
    link = _chain(previous, seq, at, body)
    return Insert(log_key(seq), {"seq": seq, "at": at, "hash": link, **spread("body", body)}), link


def read(store: Store, partition: str, after_seq: int = 0) -> Iterator[Record]:
    """Yield a partition's records in order."""
    for row in _rows(store, partition, log_key(after_seq)):
        yield _record(row)


def _record(row: Row) -> Record:
    lines = tuple(json.loads(row.content("body")))
    return Record(int(row.props["seq"]), str(row.props["at"]), lines, str(row.props["hash"]))


def _rows(store: Store, partition: str, after: str) -> Iterator[Row]:
    while page := store.scan(partition, LOG, after=after, limit=PAGE):
        yield from page
        after = page[-1].key


def verify(store: Store, partition: str) -> int:
    """Walk the chain and return the number of records.

    Raises
    ------
    Broken
        Where a record was altered, removed or added: names the first that does not fit.
    """
    previous, count = GENESIS, 0
    for row in _rows(store, partition, LOG):
        seq, at, body = int(row.props["seq"]), str(row.props["at"]), row.content("body")
        expected = _chain(previous, seq, at, body)
        if row.props["hash"] != expected or row.key != log_key(seq):
            raise Broken(
                f"{partition}: journal record {seq} does not follow from the one before it"
            )
        previous, count = expected, count + 1
    head = store.get(partition, HEAD)
    if head is not None and head.props.get("hash", GENESIS) != previous:
        raise Broken(f"{partition}: journal records are missing; the state refers to later ones")
    return count

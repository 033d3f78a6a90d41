"""The journal: one row per unit, each bound to the row before it and to the state after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from engine import audit
from engine.chain import Place, log_key, rows
from engine.codec import to_json
from engine.errors import Broken
from engine.seal import PLAIN, Seal
from engine.step import Line
from engine.store import Insert, Row, Store, Value, parse_instant, spread


@dataclass(frozen=True)
class Record:
    """One unit as journalled: number, instant, lines, and place in the chain."""

    seq: int
    at: str
    lines: tuple[Line, ...]
    hash: str


def record(place: Place, lines: tuple[Line, ...], seal: Seal = PLAIN) -> tuple[Insert, str]:
    """Return the row that records a unit, and its link."""
    body = to_json(list(lines))
    props: dict[str, Value] = {"seq": place.seq, "at": place.at}
    if seal.keys:
        link = seal.sign(place.content(body))
        props |= {"state_hash": place.state, "key": seal.id}
    else:
        link = place.plain_link(body)
    return Insert(log_key(place.seq), {**props, "hash": link, **spread("body", body)}), link


def read(store: Store, partition: str, after_seq: int = 0) -> Iterator[Record]:
    """Yield a partition's records in order."""
    for row in rows(store, partition, log_key(after_seq)):
        yield _record(row)


def since(store: Store, partition: str, at: datetime, last: int) -> Iterator[Record]:
    """Yield the records from the first at `at` or later; `last` is the newest one's number.

    The first is found by bisection, because a journal is long and a span of it is short.
    """
    low, high = 0, last
    while low < high:
        middle = (low + high + 1) // 2
        row = store.get(partition, log_key(middle))
        if row is None or parse_instant(str(row.props["at"])) < at:
            low = middle
        else:
            high = middle - 1
    yield from read(store, partition, low)


def _record(row: Row) -> Record:
    lines = tuple(json.loads(row.content("body")))
    return Record(int(row.props["seq"]), str(row.props["at"]), lines, str(row.props["hash"]))


def verify(store: Store, partition: str, seal: Seal = PLAIN) -> int:
    """Walk the chain and return the number of records.

    Raises
    ------
    Broken
        Where a record was altered, removed or added, or the head was changed: names the first.
    """
    found = audit.audit(store, partition, seal)
    if found.findings:
        raise Broken(f"{partition}: {found.findings[0]}")
    return found.records

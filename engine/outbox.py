"""The outbox: what a partition owes, in commit order, until it is paid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from engine.codec import Kinds
from engine.errors import Unavailable
from engine.store import Insert, Replace, Row, Store, Value, instant, parse_instant, spread
from engine.texts import cut

OUT = "out:"
PAGE = 200
FIRST_DELAY = timedelta(seconds=10)


@dataclass(frozen=True)
class Owed:
    """One unpaid effect as stored, with how often it was tried and when to try it next."""

    effect: Any
    row: Row
    attempts: int
    due: datetime | None


def insert(kinds: Kinds, seq: int, effects: Sequence[Any], now: datetime) -> list[Insert]:
    """Return the rows that owe `effects`."""
    return [
        Insert(
            f"{OUT}{seq:012d}:{n:02d}:{effect.key}",
            {
                "pending": True,
                "at": instant(now),
                "lane": effect.lane,
                **spread("body", kinds.encode(effect)),
            },
        )
        for n, effect in enumerate(effects)
    ]


def owed(kinds: Kinds, rows: Sequence[Row]) -> list[Owed]:
    """Read what is unpaid, the oldest first."""
    return [_owed(kinds, row) for row in rows]


def unpaid(store: Store, partition: str, after: str = "") -> list[Row]:
    """Return a page of the rows that are unpaid, the oldest first, from behind a key."""
    return store.scan(partition, OUT, after=after, limit=PAGE, pending=True)


def effect_key(row: Row) -> str:
    """Return the key that the effect of a row has among those of its partition."""
    return row.key.split(":", 3)[3]


def every_unpaid(store: Store, partition: str) -> Iterator[Row]:
    """Yield all rows that are unpaid, the oldest first."""
    rows = unpaid(store, partition)
    while rows:
        yield from rows
        rows = unpaid(store, partition, rows[-1].key) if len(rows) == PAGE else []


def _owed(kinds: Kinds, row: Row) -> Owed:
    due = row.props.get("due")
    return Owed(
        kinds.decode(row.content("body")),
        row,
        int(row.props.get("attempts", 0)),
        parse_instant(str(due)) if due else None,
    )


def payable(waiting: Sequence[Owed], urgent: Callable[[Any], bool], now: datetime) -> Owed | None:
    """Return what is to be paid now: due, and not behind an unpaid effect of its own lane.

    A lane in which an urgent effect waits comes first, then the oldest.
    """
    hurried = {item.effect.lane for item in waiting if urgent(item.effect)}
    found: Owed | None = None
    for item in _foremost(waiting):
        if item.due is not None and item.due > now:
            continue
        if urgent(item.effect) or (item.effect.lane and item.effect.lane in hurried):
            return item
        found = found or item
    return found


def _foremost(waiting: Sequence[Owed]) -> Iterator[Owed]:
    """Yield the oldest of every lane, and all that have none."""
    begun: set[str] = set()
    for item in waiting:
        if item.effect.lane not in begun:
            yield item
        if item.effect.lane:
            begun.add(item.effect.lane)


def paid(item: Owed, now: datetime, refused: str = "") -> Replace:
    """Return the operation that marks an effect as paid (or as refused for good)."""
    props: dict[str, Value] = {**item.row.props, "pending": False, "paid": instant(now)}
    if refused:
        props["refused"] = cut(refused)
    return Replace(item.row.key, props, item.row.etag)


def failures(item: Owed, error: Exception) -> int:
    """Return how often in a row an effect raised an exception of this type, this time included."""
    before = item.row.props.get("failure") == type(error).__name__
    return (int(item.row.props.get("failures", 0)) if before else 0) + 1


def postponed(
    item: Owed, reason: Unavailable, now: datetime, failed: Exception | None = None
) -> tuple[Replace, datetime]:
    """Return the operation that keeps an effect owed, and when it is due again.

    The delay starts with the one that the service asked for and doubles with every try, up to
    `reason.longest`. A jitter of up to a quarter derives from the key, so that a replay repeats it.
    `failed` is the exception of a defect; `failures` counts those.
    """
    longest = max(reason.longest, reason.delay)
    grown = min(max(reason.delay, FIRST_DELAY) * 2 ** min(item.attempts, 16), longest)
    jitter = sha256(f"{item.row.key}:{item.attempts}".encode()).digest()[0] / 1024
    due = now + grown * (1 + jitter)
    props: dict[str, Value] = {
        **item.row.props,
        "attempts": item.attempts + 1,
        "due": instant(due),
        "reason": cut(str(reason), 500),
        "failure": type(failed).__name__ if failed is not None else "",
        "failures": failures(item, failed) if failed is not None else 0,
    }
    return Replace(item.row.key, props, item.row.etag), due

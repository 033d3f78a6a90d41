"""The head row of a partition: its compressed state, its place in the journal, its next wake-up."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from engine import codec
from engine.chain import GENESIS
from engine.errors import Broken, Conflict, Newer, TooLarge
from engine.step import Domain
from engine.store import HEAD, Insert, Replace, Row, Store, Value, instant, parse_instant, spread
from engine.texts import cut, unexpected

MAX_STATE_BYTES = 640 * 1024


@dataclass(frozen=True)
class Head:
    """The head of one partition; `etag` is empty for one that was never written.

    A halted partition has a `wake_at` until its halt is announced.
    """

    state: Any
    seq: int = 0
    hash: str = GENESIS
    wake_at: datetime | None = None
    halted: str = ""
    halted_at: datetime | None = None
    etag: str = ""

    def write(self, partition: str, version: int) -> Insert | Replace:
        """Return the operation that stores this head over the one it was read from.

        Raises
        ------
        TooLarge
            The state has outgrown its bound.
        """
        packed = codec.pack(codec.encode(self.state))
        if len(packed) > MAX_STATE_BYTES:
            size = f"the state is {len(packed)} bytes, over {MAX_STATE_BYTES}"
            raise TooLarge(f"{partition}: {size}")
        props: dict[str, Value] = {"version": version, "seq": self.seq, "hash": self.hash}
        props |= spread("state", packed)
        if self.wake_at is not None:
            props["wake_at"] = instant(self.wake_at)
        return Replace(HEAD, props, self.etag) if self.etag else Insert(HEAD, props)


def recorded(written: Insert | Replace, marks: Mapping[str, Value]) -> Insert | Replace:
    """Return the same operation of a head that refers to its last record by `marks`."""
    return replace(written, props={**written.props, **marks})


def _upgraded(row: Row, domain: Domain, partition: str) -> Any:
    """Read a state of an older format: rare, because every commit writes the present one."""
    stored = codec.unpack(row.content("state"))
    try:
        new = domain.upgrade(partition, int(row.props["version"]), json.loads(stored))
        content = json.dumps(new).encode()
    except Exception as error:
        raise Broken(f"the stored state cannot be upgraded: {unexpected(error)}") from error
    return codec.decode(domain.shape(partition), content)


@lru_cache(maxsize=64)
def _state(shape: Hashable, packed: bytes) -> Any:
    # States are frozen and the bytes are the cache key: readers of equal bytes share one state.
    return codec.decode(cast(type[Any], shape), codec.unpack(packed))


def read_head(row: Row | None, domain: Domain, partition: str) -> Head:
    """Return the head that a row holds, or a new one; a state of an older format is upgraded.

    Raises
    ------
    Newer
        A newer version of the app wrote it.
    Broken
        The state is damaged.
    """
    if row is None:
        return Head(domain.initial(partition))
    props, version = row.props, int(row.props["version"])
    if version > domain.version:
        raise Newer(f"state has format {version}, newer than this app reads ({domain.version})")
    if version < domain.version:
        state = _upgraded(row, domain, partition)
    else:
        state = _state(cast(Hashable, domain.shape(partition)), row.content("state"))
    return Head(
        state,
        int(props["seq"]),
        str(props["hash"]),
        _moment(props.get("wake_at")),
        str(props.get("halted", "")),
        _moment(props.get("halted_at")),
        row.etag,
    )


def stored(store: Store, partition: str) -> Row:
    """Return the row of a head that was there before; Conflict where it is gone."""
    row = store.get(partition, HEAD)
    if row is None:
        raise Conflict(f"{partition}: the head is gone")
    return row


def unreadable(row: Row | None, domain: Domain, partition: str, reason: str) -> Head:
    """Return what is shown of a head that cannot be read: an empty state, halted."""
    props = row.props if row is not None else {}
    return Head(
        domain.initial(partition),
        halted=str(props.get("halted") or reason),
        halted_at=_moment(props.get("halted_at")),
    )


def halt(row: Row, reason: str, now: datetime) -> Replace:
    """Return the operation that stops a partition; it wakes at once, to announce the halt.

    The state stays as it is stored: it may be what cannot be read.
    """
    at = instant(now)
    return _changed(row, {"halted": cut(reason) or "no reason", "halted_at": at, "wake_at": at})


def announced(row: Row) -> Replace:
    """Return the operation that notes that a halt was announced."""
    return _changed(row, {"wake_at": None})


def lifted(row: Row, marks: Mapping[str, Value], now: datetime) -> Replace:
    """Return the operation that lets a partition step again; `marks` refer to the last record."""
    over = {"halted": None, "halted_at": None}
    return _changed(row, {**marks, "wake_at": instant(now), **over})


def woken(row: Row, wake_at: datetime | None) -> Replace:
    """Return the operation that changes nothing but when a partition wakes.

    The state stays as it is stored, because the last record binds its bytes.
    """
    return _changed(row, {"wake_at": None if wake_at is None else instant(wake_at)})


def awake(row: Row, due: datetime) -> Replace:
    """Return the operation that wakes a partition at `due`, or when it would have woken before."""
    return _changed(row, {"wake_at": min(str(row.props.get("wake_at", "9")), instant(due))})


def _changed(row: Row, changes: Mapping[str, Value | None]) -> Replace:
    """Change properties of a stored head and leave the others; None removes one."""
    props = {name: value for name, value in row.props.items() if name not in changes}
    props |= {name: value for name, value in changes.items() if value is not None}
    return Replace(row.key, props, row.etag)


def _moment(value: Value | None) -> datetime | None:
    return parse_instant(str(value)) if value else None

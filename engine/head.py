"""The head row of a partition: its compressed state, its place in the journal, its next wake-up."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from engine import codec
from engine.errors import Broken, Refused
from engine.journal import GENESIS
from engine.step import Domain
from engine.store import (
    HEAD,
    MAX_PROPERTY_BYTES,
    Insert,
    Replace,
    Row,
    Value,
    instant,
    parse_instant,
)

STATE_PROPERTIES = 8
MAX_STATE_BYTES = 256 * 1024


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
        """Return the operation that stores this head over the one it was read from."""
        props: dict[str, Value] = {"version": version, "seq": self.seq, "hash": self.hash}
        props |= _split(partition, codec.pack(codec.encode(self.state)))
        if self.wake_at is not None:
            props["wake_at"] = instant(self.wake_at)
        if self.halted:
            props["halted"] = self.halted
        if self.halted_at is not None:
            props["halted_at"] = instant(self.halted_at)
        return Replace(HEAD, props, self.etag) if self.etag else Insert(HEAD, props)


def _split(partition: str, packed: bytes) -> dict[str, Value]:
    if len(packed) > MAX_STATE_BYTES:
        raise Broken(f"{partition}: the state is {len(packed)} bytes, over {MAX_STATE_BYTES}")
    cuts = range(0, len(packed), MAX_PROPERTY_BYTES)
    return {f"state{i}": packed[cut : cut + MAX_PROPERTY_BYTES] for i, cut in enumerate(cuts)}


@lru_cache(maxsize=64)
def _state(shape: Hashable, packed: bytes) -> Any:
    # States are frozen and the bytes are the cache key: readers of equal bytes share one state.
    return codec.decode(cast(type[Any], shape), codec.unpack(packed))


def read_head(row: Row | None, domain: Domain, partition: str) -> Head:
    """Return the head that a row holds, or a new one; a state of an older format is upgraded.

    Raises
    ------
    Refused
        A newer version of the app wrote it; this version must not change it.
    """
    if row is None:
        return Head(domain.initial(partition))
    props, version = row.props, int(row.props["version"])
    if version > domain.version:
        raise Refused(f"state has format {version}, newer than this app reads ({domain.version})")
    names = [f"state{i}" for i in range(STATE_PROPERTIES)]
    packed = b"".join(row.content(name) for name in names if name in props)
    shape = domain.shape(partition)
    if version < domain.version:
        stored = domain.upgrade(partition, version, json.loads(codec.unpack(packed)))
        state = codec.decode(shape, json.dumps(stored).encode())
    else:
        state = _state(cast(Hashable, shape), packed)
    return Head(
        state,
        int(props["seq"]),
        str(props["hash"]),
        _moment(props.get("wake_at")),
        str(props.get("halted", "")),
        _moment(props.get("halted_at")),
        row.etag,
    )


def _moment(value: Value | None) -> datetime | None:
    return parse_instant(str(value)) if value else None

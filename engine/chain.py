"""The chain of a journal: a row's place in it, and the link that binds it to the row before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.codec import to_json
from engine.errors import Broken
from engine.store import HEAD, Row, Store, Value

LOG = "log:"
PAGE = 500
GENESIS = ""


@dataclass(frozen=True)
class Place:
    """What a record's link binds beside its own body.

    Attributes
    ----------
    previous : the link of the record before it; `GENESIS` for the first.
    state : the hash of the state after the unit.
    """

    partition: str
    previous: str
    seq: int
    at: str
    state: str = ""

    def plain_link(self, body: bytes) -> str:
        """Return the link of a record without a signature; it binds no state."""
        return hashlib.sha256(f"{self.previous}|{self.seq}|{self.at}|".encode() + body).hexdigest()

    def content(self, body: bytes) -> bytes:
        """Return what the link of a signed record is the signature of."""
        bound = to_json([self.partition, self.previous, self.seq, self.at, self.state])
        return bound + b"\n" + body


def log_key(seq: int) -> str:
    """Return the row key of a unit's record."""
    return f"{LOG}{seq:012d}"


def rows(store: Store, partition: str, after: str = LOG) -> Iterator[Row]:
    """Yield the rows of a partition's journal in order, from behind the key `after`."""
    while page := store.scan(partition, LOG, after=after, limit=PAGE):
        yield from page
        after = page[-1].key


def state_hash(head: Mapping[str, Value]) -> str:
    """Return the hash of the state in a head's properties, as stored: its format and its bytes.

    Empty where there are no bytes, as in a damaged head.
    """
    try:
        content = Row(HEAD, head).content("state")
    except Broken:
        return ""
    return hashlib.sha256(f"{int(head['version'])}:".encode() + content).hexdigest()

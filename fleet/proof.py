"""The proof of a store: every journal, every blob that is named, every anchor kept elsewhere."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine import codec
from engine.audit import Audit, audit
from engine.blobs import Blobs
from engine.errors import Broken, Refused
from engine.seal import Seal
from engine.store import Row, Store
from engine.texts import unexpected
from fleet.anchors import Anchor
from fleet.named_blobs import named


@dataclass(frozen=True)
class Evidence:
    """What a host lays open of a store, without writing to it.

    Attributes
    ----------
    anchors : those that the host keeps beside the store.
    findings : what is wrong with the files themselves, one line each.
    """

    store: Store
    blobs: Blobs
    seal: Seal
    anchors: Sequence[Anchor] = ()
    findings: Sequence[str] = ()


@dataclass(frozen=True)
class Proof:
    """What was found: numbers by partition, notes, and everything that is wrong."""

    records: Mapping[str, int]
    signed_from: Mapping[str, int | None]
    notes: tuple[str, ...]
    findings: tuple[str, ...]

    @property
    def verified(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


@dataclass
class _Names:
    """Where each blob is named, the first place only."""

    partition: str
    places: dict[str, str] = field(default_factory=dict)

    def read(self, seq: int, body: bytes) -> None:
        """Note the blobs that a record names."""
        for name in named(json.loads(body)):
            self.places.setdefault(name, f"record {seq}")

    def state(self, head: Row | None) -> None:
        """Note the blobs that a state names, where it can be read."""
        try:
            state = json.loads(codec.unpack(head.content("state"))) if head is not None else None
        except (Broken, ValueError):
            return
        for name in named(state):
            self.places.setdefault(name, "its state")


def prove(evidence: Evidence, models: Iterable[str], anchors: Sequence[Anchor] = ()) -> Proof:
    """Verify a store, and say all that is wrong with it.

    Parameters
    ----------
    models : the models of fleet.yaml; one that has not begun is noted.
    anchors : those from elsewhere, beside the host's own.
    """
    by_partition: dict[str, list[Anchor]] = defaultdict(list)
    for anchor in (*evidence.anchors, *anchors):
        by_partition[anchor.partition].append(anchor)
    there = set(evidence.store.partitions())
    findings, notes = list(evidence.findings), list(_notes(evidence, models, there))
    records: dict[str, int] = {}
    signed: dict[str, int | None] = {}
    seen: dict[str, str] = {}
    for partition in sorted(there | set(by_partition)):
        names, kept = _Names(partition), by_partition[partition]
        try:
            found = audit(
                evidence.store,
                partition,
                evidence.seal,
                {anchor.seq for anchor in kept},
                names.read,
            )
        except (Broken, KeyError, TypeError, ValueError) as error:
            findings.append(f"{partition}: its rows cannot be read: {unexpected(error)}")
            continue
        names.state(found.head)
        if partition in there:
            records[partition], signed[partition] = found.records, found.signed_from
        told = (*found.findings, *_unsigned(found, evidence.seal), *_anchored(found, kept))
        findings += [f"{partition}: {line}" for line in (*told, *_blobs(evidence, names, seen))]
    return Proof(records, signed, tuple(notes), tuple(findings))


def _notes(evidence: Evidence, models: Iterable[str], there: set[str]) -> Iterator[str]:
    if not evidence.seal.keys:
        yield "there is no key: no record is authenticated"
    for name in models:
        if name not in there:
            yield f"{name}: has not begun"


def _unsigned(found: Audit, seal: Seal) -> Iterator[str]:
    """Say that a journal is not signed at all: the app signs each one when it starts."""
    if seal.keys and found.records and found.signed_from is None and not found.findings:
        told = f"none of its {found.records} records is signed, although there is a key: a signed"
        yield f"{told} journal was replaced, or the app was not started since an older version ran"


def _anchored(found: Audit, anchors: Sequence[Anchor]) -> Iterator[str]:
    wrong = sorted(
        {one for one in anchors if found.hashes.get(one.seq) != one.link},
        key=lambda anchor: (anchor.seq, anchor.hour),
    )
    if not wrong:
        return
    first, many = wrong[0], f"{len(wrong)} of its {len(set(anchors))} anchors"
    if not found.records:
        yield f"its journal is gone, but an anchor of {first.hour} names record {first.seq}"
    elif first.seq in found.hashes:
        yield f"record {first.seq} is not the one that was anchored at {first.hour}; {many} differ"
    else:
        told = f"record {first.seq}, anchored at {first.hour}, is not in its journal"
        yield f"{told}; {many} are not"


def _blobs(evidence: Evidence, names: _Names, seen: dict[str, str]) -> Iterator[str]:
    """Read each named blob once, and those that a document names in turn."""
    waiting = list(names.places.items())
    while waiting:
        name, place = waiting.pop()
        if name in seen:
            if seen[name]:
                yield f"blob {name}, named by {place}, {seen[name]}"
            continue
        content, seen[name] = _content(evidence.blobs, name)
        if seen[name]:
            yield f"blob {name}, named by {place}, {seen[name]}"
        waiting += [(inner, f"blob {name}") for inner in _inner(content)]


def _content(blobs: Blobs, name: str) -> tuple[bytes, str]:
    """Return a blob's content, and what is wrong with it."""
    try:
        return blobs.get(name), ""
    except Refused:
        return b"", "is missing"
    except Broken:
        return b"", "holds other content"


def _inner(content: bytes) -> list[str]:
    if not content.startswith(b"{"):
        return []
    try:
        return list(named(json.loads(content)))
    except ValueError:
        return []

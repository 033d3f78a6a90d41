"""The audit of a journal: every record against the one before it, the head against the last one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from engine.chain import GENESIS, LOG, Place, log_key, rows
from engine.errors import Broken
from engine.seal import PLAIN, Seal
from engine.sealing import fault, state_fault
from engine.store import HEAD, Row, Store
from engine.texts import unexpected

#: How often the head is read again while others write to the partition.
TRIES = 20
#: What is wrong with a record, said of one and of several.
FAULTS = {
    "missing": ("is missing", "are missing"),
    "altered": (
        "does not follow from the one before it",
        "do not follow from the ones before them",
    ),
    "unsigned": (
        "is not signed, but records before it are",
        "are not signed, but records before them are",
    ),
    "unknown": (
        "is signed with a key that is not known here: {}",
        "are signed with a key that is not known here: {}",
    ),
    "unreadable": ("cannot be read: {}", "cannot be read: {}"),
}


@dataclass(frozen=True)
class Audit:
    """What was found of one partition.

    Attributes
    ----------
    records : the number of records.
    signed_from : the first record that a known key has signed, or None.
    hashes : the links of the records that were asked for, by number.
    head : the head that was compared, or None where there is none.
    findings : what is wrong, one line each.
    """

    records: int
    signed_from: int | None
    hashes: dict[int, str]
    head: Row | None
    findings: tuple[str, ...]


@dataclass(frozen=True)
class _Fault:
    """The fault of the records from `first` to `last`; neighbours with the same one are joined."""

    first: int
    last: int
    kind: str
    of: str = ""

    def __str__(self) -> str:
        one, several = (text.format(self.of) for text in FAULTS[self.kind])
        if self.first == self.last:
            return f"journal record {self.first} {one}"
        return f"journal records {self.first} to {self.last} {several}"


def _ignored(seq: int, body: bytes) -> None:
    del seq, body


@dataclass
class _Walk:
    """An audit under way: the record that was read last, and what was found so far."""

    partition: str
    seal: Seal
    wanted: Collection[int]
    witness: Callable[[int, bytes], None]
    key: str = LOG
    seq: int = 0
    count: int = 0
    previous: str | None = GENESIS
    state: str = ""
    keyed: bool = False
    signed_from: int | None = None
    hashes: dict[int, str] = field(default_factory=dict)
    faults: list[_Fault] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def take(self, row: Row) -> None:
        """Judge the next row, and continue from it as it is stored."""
        self.key = row.key
        number = row.key.removeprefix(LOG)
        if not number.isdecimal() or log_key(int(number)) != row.key or int(number) == 0:
            self.others.append(f"row {row.key!r} is no journal record")
            return
        seq = int(number)
        if seq > self.seq + 1:
            self.faults.append(_Fault(self.seq + 1, seq - 1, "missing"))
            self.previous = None
        self.seq, self.count, self.state = seq, self.count + 1, ""
        try:
            wrong = self._judged(row)
        except (Broken, KeyError, TypeError, ValueError) as error:
            wrong, self.previous = ("unreadable", unexpected(error)), None
        if wrong is not None:
            self.faults.append(_Fault(seq, seq, *wrong))

    def _judged(self, row: Row) -> tuple[str, str] | None:
        """Return what is wrong with a record, and of what."""
        body, link = row.content("body"), row.text("hash")
        key, state = str(row.props.get("key", "")), str(row.props.get("state_hash", ""))
        place = Place(self.partition, self.previous or "", self.seq, row.text("at"), state)
        before, self.previous, self.state = self.previous, link, state
        if self.seq in self.wanted:
            self.hashes[self.seq] = link
        self.witness(self.seq, body)
        if not key and self.keyed:
            return "unsigned", ""
        self.keyed = self.keyed or bool(key)
        if key and not self.seal.knows(key):
            return "unknown", key
        made_here = before is None or self._linked(key, link, place, body)
        if row.props["seq"] != self.seq or not made_here:
            return "altered", ""
        if key and self.signed_from is None:
            self.signed_from = self.seq
        return None

    def _linked(self, key: str, link: str, place: Place, body: bytes) -> bool:
        if key:
            return self.seal.signed(key, place.content(body), link)
        return link == place.plain_link(body)

    def told(self, head: Row | None) -> tuple[str, ...]:
        """Return everything that is wrong, one line each."""
        return (*self._records(), *self.others, *self._head(head))

    def _records(self) -> list[str]:
        joined = _joined(self.faults)
        if self.keyed and self.count > 1 and len(joined) == 1:
            only = joined[0]
            if (only.kind, only.first, only.last) == ("altered", 1, self.count):
                told = f"none of its {self.count} journal records was signed for this partition"
                return [f"{told}: they are another one's, or were written again"]
        return [str(one) for one in joined]

    def _head(self, head: Row | None) -> list[str]:
        if head is None:
            return ["its head is missing, but it has journal records"] if self.count else []
        try:
            seq, link = int(head.props["seq"]), head.text("hash")
        except (KeyError, TypeError, ValueError) as error:
            return [f"its head cannot be read: {unexpected(error)}"]
        if seq > self.seq:
            lost = _Fault(self.seq + 1, seq, "missing")
            return [f"{lost}; its head refers to record {seq}"]
        if seq < self.seq:
            told = f"its head stands at record {seq}, but its journal ends with record {self.seq}"
            return [f"{told}: the head was set back, or records were added"]
        if self.previous is not None and link != (self.previous or GENESIS):
            return [f"its head names another record {seq} than its journal holds"]
        other = state_fault(head.props, seq, self.state) if self.state else ""
        other = other or fault(self.partition, head.props, self.seal)
        return [other] if other else []


def _joined(faults: list[_Fault]) -> list[_Fault]:
    """Join neighbouring records with the same fault."""
    found: list[_Fault] = []
    for one in faults:
        last = found[-1] if found else None
        if last and (last.last + 1, last.kind, last.of) == (one.first, one.kind, one.of):
            found[-1] = replace(last, last=one.last)
        else:
            found.append(one)
    return found


def audit(
    store: Store,
    partition: str,
    seal: Seal = PLAIN,
    wanted: Collection[int] = (),
    witness: Callable[[int, bytes], None] = _ignored,
) -> Audit:
    """Walk a partition's journal, while others may write to it.

    Parameters
    ----------
    wanted : the numbers of the records whose links are returned.
    witness : called with the number and the body of every record that can be read.
    """
    walk = _Walk(partition, seal, wanted, witness)
    head = store.get(partition, HEAD)
    for _ in range(TRIES):
        for row in rows(store, partition, walk.key):
            walk.take(row)
        # A unit writes its record together with the head: an unchanged head has all its records.
        before, head = head, store.get(partition, HEAD)
        if _etag(before) == _etag(head):
            break
    return Audit(walk.count, walk.signed_from, walk.hashes, head, walk.told(head))


def _etag(row: Row | None) -> str:
    return "" if row is None else row.etag

"""Heads: what the loop goes on from, with a key and without."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine import journal
from engine.audit import audit
from engine.chain import log_key
from engine.errors import Broken, Newer
from engine.loop import Loop
from engine.memory import MemoryStore
from engine.seal import Seal
from engine.step import Delivery
from engine.store import HEAD, Delete, Replace, Value
from tests.unit.engine.test_loop import NOW, WHO, Add, Tallies, add

OLD, NEW = b"the key that signed first, long enough", b"the key that signs now, long enough"


def sealed(store: MemoryStore, *keys: bytes) -> Loop:
    return Loop(store, Tallies(), lambda _: None, seal=Seal(keys))


def changed(loop: Loop, **props: Value | None) -> None:
    row = loop.store.get("p", HEAD)
    assert row is not None
    kept = {**row.props, **props}
    found = {name: value for name, value in kept.items() if value is not None}
    loop.store.commit("p", [Replace(HEAD, found, row.etag)])


def test_a_plain_journal_is_signed_from_its_next_record_on() -> None:
    store = MemoryStore()
    plain = Loop(store, Tallies(), lambda _: None)
    add(plain, 1)
    plain.drain("p", NOW)
    loop = sealed(store, NEW)
    add(loop, 2)
    loop.drain("p", NOW)
    found = audit(store, "p", loop.seal)
    assert (found.records, found.signed_from, found.findings) == (2, 2, ())


def test_keys_rotate() -> None:
    store = MemoryStore()
    first = sealed(store, OLD)
    add(first, 1)
    first.drain("p", NOW)
    both = sealed(store, NEW, OLD)
    add(both, 2)
    both.drain("p", NOW)
    assert journal.verify(store, "p", both.seal) == 2
    # The old key was taken out: what it signed can no longer be verified, and the loop goes on.
    after = sealed(store, NEW)
    add(after, 3)
    after.drain("p", NOW)
    assert after.head("p").state.total == 6
    assert audit(store, "p", after.seal).findings == (
        f"journal record 1 is signed with a key that is not known here: {first.seal.id}",
    )


def test_a_lost_key_stops_nothing() -> None:
    store = MemoryStore()
    lost = sealed(store, OLD)
    add(lost, 1)
    lost.drain("p", NOW)
    loop = sealed(store, NEW)
    add(loop, 2)
    loop.drain("p", NOW)
    assert loop.head("p").state.total == 3


FOREIGN: dict[str, Callable[[Loop], None]] = {
    "another state": lambda loop: changed(loop, state=loop_state(loop, 99)),
    "another format": lambda loop: changed(loop, version=0),
    "another sequence": lambda loop: changed(loop, seq=1),
    "another link": lambda loop: changed(loop, hash="0" * 64),
    "no seal": lambda loop: changed(loop, seal=None),
    "no key": lambda loop: changed(loop, key=None, seal=None),
    "an unknown key": lambda loop: changed(loop, key="0" * 12),
    "no key and no record": lambda loop: lose_record(loop),
}


def lose_record(loop: Loop) -> None:
    changed(loop, key=None)
    loop.store.commit("p", [Delete(log_key(2))])


def loop_state(loop: Loop, total: int) -> bytes:
    """The state of another partition that the same app wrote."""
    loop.deliver(Delivery("q", "one", Add(total)), NOW)
    loop.drain("q", NOW)
    row = loop.store.get("q", HEAD)
    assert row is not None
    return row.content("state")


@pytest.mark.parametrize("forge", FOREIGN.values(), ids=FOREIGN)
def test_a_head_that_somebody_else_wrote_halts(forge: Callable[[Loop], None]) -> None:
    loop = sealed(MemoryStore(), NEW)
    for number in (1, 2):
        add(loop, number)
        loop.drain("p", NOW)
    forge(loop)
    add(loop, 3)
    with pytest.raises(Broken, match="p is halted"):
        loop.drain("p", NOW)
    row = loop.store.get("p", HEAD)
    assert row is not None
    assert "verify" in row.text("halted")


def test_who_resumes_from_a_foreign_state_is_journalled() -> None:
    loop = sealed(MemoryStore(), NEW)
    add(loop, 1)
    loop.drain("p", NOW)
    changed(loop, state=loop_state(loop, 99))
    add(loop, 3)
    with pytest.raises(Broken):
        loop.drain("p", NOW)
    loop.resume("p", WHO, NOW)
    loop.drain("p", NOW)
    assert loop.head("p").state.total == 102
    (line,) = (line for r in journal.read(loop.store, "p") for line in r.lines if "halted" in line)
    assert line["halted"].startswith("the state in its head is not the one that record 1")
    assert journal.verify(loop.store, "p", loop.seal) == 3


def test_a_wake_keeps_the_bytes_that_the_record_binds() -> None:
    loop = sealed(MemoryStore(), NEW)
    add(loop, 1)
    loop.drain("p", NOW)
    before = loop.store.get("p", HEAD)
    changed(loop, wake_at="2013-07-04T12:00:00.000000Z")
    loop.drain("p", NOW + timedelta(hours=1))
    after = loop.store.get("p", HEAD)
    assert before is not None
    assert after is not None
    assert after.content("state") == before.content("state")
    assert after.props["seq"] == before.props["seq"]
    assert journal.verify(loop.store, "p", loop.seal) == 1


class Renumbered(Tallies):
    """A newer version whose states are the same."""

    version = 3

    def upgrade(self, partition: str, version: int, stored: dict[str, Any]) -> dict[str, Any]:
        return stored


def test_a_state_of_an_older_format_is_recorded_in_the_present_one() -> None:
    store = MemoryStore()
    older = Loop(store, Tallies(), lambda _: None)
    add(older, 1)
    older.drain("p", NOW)
    loop = Loop(store, Renumbered(), lambda _: None, seal=Seal((NEW,)))
    loop.adopt("nothing there", NOW)
    for _ in range(2):
        loop.adopt("p", NOW)
    found = audit(store, "p", loop.seal)
    assert (found.records, found.signed_from, found.findings) == (2, 2, ())
    assert loop.head("p").state.total == 1
    add(older, 2)
    with pytest.raises(Newer):
        older.drain("p", NOW)

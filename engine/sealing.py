"""Seals of heads: a state that somebody else wrote is noticed before the next step signs it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.chain import Place, log_key, state_hash
from engine.codec import to_json
from engine.errors import Broken
from engine.seal import Seal
from engine.store import Row, Store, Value


def marks(place: Place, link: str, seal: Seal) -> dict[str, Value]:
    """Return the properties by which a head refers to its last record."""
    found: dict[str, Value] = {"seq": place.seq, "hash": link}
    if not seal.keys:
        return found
    signed = seal.sign(_content(place.partition, place.seq, link, place.state))
    return {**found, "state_hash": place.state, "key": seal.id, "seal": signed}


def fault(partition: str, head: Mapping[str, Value], seal: Seal) -> str:
    """Return why a head is not as the app wrote it; empty where nothing is known against it."""
    key = str(head.get("key", ""))
    if not seal.knows(key):
        return ""
    seq, bound = int(head.get("seq", 0)), str(head.get("state_hash", ""))
    content = _content(partition, seq, str(head.get("hash", "")), bound)
    if not seal.signed(key, content, str(head.get("seal", ""))):
        return "its head was not written by this app: the seal does not fit"
    return state_fault(head, seq, bound)


def state_fault(head: Mapping[str, Value], seq: int, bound: str) -> str:
    """Return what is wrong where a head's state is not the one that record `seq` binds."""
    if state_hash(head) == bound:
        return ""
    return f"the state in its head is not the one that record {seq} was written with"


def require_own(store: Store, partition: str, head: Row, seal: Seal) -> None:
    """Check a head before a step goes on from it.

    Raises
    ------
    Broken
        Somebody else changed the head.
    """
    if not seal.keys:
        return
    seq = int(head.props["seq"])
    reason = fault(partition, head.props, seal)
    if not reason and seq and not seal.knows(str(head.props.get("key", ""))):
        # Written before there was a key, or with one that was lost, unless its record is signed.
        last = store.get(partition, log_key(seq))
        if last is None:
            reason = f"journal record {seq} is missing; its head refers to it"
        elif seal.knows(str(last.props.get("key", ""))):
            reason = f"its head has no seal, but record {seq} is signed"
    if reason:
        raise Broken(f"{reason}; see `verify`, then restore the store or resume from this state")


def _content(partition: str, seq: int, link: str, state: str) -> bytes:
    return to_json(["head", partition, seq, link, state])

"""Canonical JSON, and dataclasses through it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import codec
from engine.blobs import MemoryBlobs, content_name
from engine.errors import Broken, Refused


@dataclass(frozen=True)
class Inner:
    weights: dict[str, int]
    at: datetime | None = None


@dataclass(frozen=True)
class Outer:
    inner: tuple[Inner, ...]
    took: timedelta
    share: float | None


def test_a_state_comes_back_as_it_went() -> None:
    value = Outer((Inner({"a": 1}, datetime(2013, 1, 1, tzinfo=UTC)),), timedelta(hours=2), 0.25)
    assert codec.decode(Outer, codec.encode(value)) == value


def test_bytes_do_not_depend_on_the_order_of_keys() -> None:
    assert codec.to_json({"b": 1, "a": 2.0}) == b'{"a":2.0,"b":1}'
    assert codec.to_json({"a": 2.0, "b": 1}) == b'{"a":2.0,"b":1}'


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_keep_twelve_digits(number: float) -> None:
    kept = codec.canonical(number)
    assert kept == pytest.approx(number, rel=1e-11)
    assert codec.canonical(kept) == kept


def test_what_does_not_fit_is_broken_and_names_the_field() -> None:
    with pytest.raises(Broken, match=r"stored Inner.*weights"):
        codec.decode(Inner, b'{"weights": 3}')


def test_plain_json_is_typed_again() -> None:
    value = Outer((Inner({"a": 1}, datetime(2013, 1, 1, tzinfo=UTC)),), timedelta(hours=2), None)
    assert codec.typed(Outer, codec.plain(value)) == value
    with pytest.raises(Broken, match=r"Inner cannot be read: weights"):
        codec.typed(Inner, {"at": None})


def test_a_kind_outside_the_set_can_neither_be_written_nor_read() -> None:
    kinds = codec.Kinds(Inner)
    assert kinds.decode(kinds.encode(Inner({"a": 1}))) == Inner({"a": 1})
    with pytest.raises(Broken):
        kinds.encode(Outer((), timedelta(), None))
    with pytest.raises(Refused, match="outer"):
        kinds.decode(b'{"kind":"outer"}')


def test_packing_is_undone_and_damage_is_seen() -> None:
    content = b"state" * 1000
    assert codec.unpack(codec.pack(content)) == content
    with pytest.raises(Broken):
        codec.unpack(b"not compressed")


def test_a_blob_is_named_by_its_content() -> None:
    blobs = MemoryBlobs()
    name = blobs.put(b"abc")
    assert name == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert name == content_name(b"abc") == blobs.put(b"abc")
    assert list(blobs.names()) == [name]
    assert blobs.get(name) == b"abc"
    blobs.delete(name)
    blobs.delete(name)
    with pytest.raises(Refused):
        blobs.get(name)

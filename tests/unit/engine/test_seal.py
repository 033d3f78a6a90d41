"""Keys: which one signs, which ones verify."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from engine.seal import PLAIN, Seal, key_id

FIRST, SECOND = b"the first key of this store, long", b"the second key of this store, long"


def test_the_first_key_signs_and_all_verify() -> None:
    both, old = Seal((FIRST, SECOND)), Seal((SECOND,))
    made = both.sign(b"content")
    assert made == hmac.new(FIRST, b"content", hashlib.sha256).hexdigest()
    assert both.id == key_id(FIRST) == hashlib.sha256(FIRST).hexdigest()[:12]
    assert both.signed(both.id, b"content", made)
    assert both.signed(old.id, b"content", old.sign(b"content"))
    assert not old.knows(both.id)


@pytest.mark.parametrize("signature", ["", "0" * 64, "é", "\ud800", " ", "x" * 10_000])
def test_another_signature_is_none(signature: str) -> None:
    seal = Seal((FIRST,))
    assert not seal.signed(seal.id, b"content", signature)
    assert not seal.signed(seal.id, b"other", seal.sign(b"content"))


def test_a_seal_shows_no_key() -> None:
    assert "key of this store" not in repr(Seal((FIRST,)))
    assert (PLAIN.id, PLAIN.knows("")) == ("", False)

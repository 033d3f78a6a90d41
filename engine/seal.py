"""Seals: the keys that sign journal records, so that nobody else can write one unnoticed.

Source: RFC 2104 (HMAC) with SHA-256.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

ID_DIGITS = 12


@dataclass(frozen=True)
class Seal:
    """The keys of a store: the first one signs, all of them verify.

    Without a key records are chained by plain hashes, as every record was before there were seals.

    >>> Seal((b"secret",)).id
    '2bb80d537b1d'
    """

    keys: Sequence[bytes] = field(default=(), repr=False)

    @cached_property
    def id(self) -> str:
        """The id of the key that signs; empty without one."""
        return key_id(self.keys[0]) if self.keys else ""

    @cached_property
    def _by_id(self) -> dict[str, bytes]:
        return {key_id(key): key for key in self.keys}

    def knows(self, key: str) -> bool:
        """Tell whether records that carry this key id can be verified."""
        return key in self._by_id

    def sign(self, content: bytes) -> str:
        """Return the signature of `content` under the first key, hexadecimal."""
        return hmac.digest(self.keys[0], content, "sha256").hex()

    def signed(self, key: str, content: bytes, signature: str) -> bool:
        """Tell whether `signature` is that of `content` under the known key of this id."""
        made = hmac.digest(self._by_id[key], content, "sha256").hex()
        return hmac.compare_digest(made.encode(), signature.encode("utf-8", "replace"))


def key_id(key: bytes) -> str:
    """Return the public name of a key; it does not give the key away."""
    return sha256(key).hexdigest()[:ID_DIGITS]


#: Chains records by plain hashes.
PLAIN = Seal()

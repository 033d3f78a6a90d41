"""Keys: long texts named by a hash."""

from __future__ import annotations

from hashlib import sha256


def short(text: str) -> str:
    """Name a long text in a key."""
    return sha256(text.encode()).hexdigest()[:16]

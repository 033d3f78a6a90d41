"""Blobs named by the hash of their content: written before the unit that refers to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Protocol

from engine.errors import Refused


class Blobs(Protocol):
    """Content-addressed: equal content has one name, and a name never changes its content."""

    def put(self, content: bytes) -> str:
        """Keep `content` and return its name; writing it again changes nothing."""
        ...

    def get(self, name: str) -> bytes:
        """Return the content; Refused where no blob has that name."""
        ...

    def names(self) -> Iterable[str]:
        """Return every name."""
        ...

    def delete(self, name: str) -> None:
        """Remove the blob, if there is one."""
        ...


def content_name(content: bytes) -> str:
    """Return the name of a blob: the SHA-256 of its content, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


class MemoryBlobs:
    """Blobs in a dictionary."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        """See `Blobs`."""
        name = content_name(content)
        self._contents[name] = content
        return name

    def get(self, name: str) -> bytes:
        """See `Blobs`."""
        if name not in self._contents:
            raise Refused(f"blob {name}: not found")
        return self._contents[name]

    def names(self) -> Iterable[str]:
        """See `Blobs`."""
        return tuple(self._contents)

    def delete(self, name: str) -> None:
        """See `Blobs`."""
        self._contents.pop(name, None)

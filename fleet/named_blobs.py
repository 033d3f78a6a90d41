"""The blobs that states, journal lines and documents name."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: Fields that hold names of blobs, themselves or in a list or an object.
FIELDS = frozenset(
    {
        "archive",
        "history",
        "inputs",
        "joined",
        "labels",
        "reference",
        "report",
        "rows",
        "ruler",
        "scores",
        "sketch",
        "slices",
    }
)
NAME = re.compile(r"[0-9a-f]{64}")


def named(value: object, inside: bool = False) -> Iterator[str]:
    """Yield the names of blobs in a JSON value; other fields may hold hashes of other things."""
    if isinstance(value, dict):
        for field, item in value.items():
            yield from named(item, inside or field in FIELDS)
    elif isinstance(value, list):
        for item in value:
            yield from named(item, inside)
    elif inside and isinstance(value, str) and NAME.fullmatch(value):
        yield value

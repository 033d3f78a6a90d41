"""JSON that costs far more to parse than to write: names without end, and brackets in brackets."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

#: Arrow's parser is recursive and ends the process on some ten thousand nested values.
DEEPEST = 100
#: Lines that are looked at; evenly spaced bytes find every long one.
SAMPLE = 200

_NAME = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"\s*:')
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_STEP = np.zeros(256, np.int8)
_STEP[list(b"[{")] = 1
_STEP[list(b"]}")] = -1
_OTHERS = bytes(sorted(set(range(256)) - set(b"[]{}")))


def is_deep(body: bytes) -> bool:
    """Tell whether values are nested more than `DEEPEST` times.

    >>> is_deep(b'{"a":' + b"[" * 200 + b"]" * 200 + b"}"), is_deep(b'{"a":"[[["}' * 200)
    (True, False)
    """
    # Brackets in strings count at first, because they are rare and strings are many.
    return _depth(body) > DEEPEST and _depth(_TEXT.sub(b"", body)) > DEEPEST


def _depth(body: bytes) -> int:
    steps = _STEP[np.frombuffer(body.translate(None, _OTHERS), np.uint8)]
    level = np.cumsum(steps, dtype=np.int64)
    if not len(level):
        return 0
    return int((level - np.minimum(np.minimum.accumulate(level), 0)).max())


def names_in(body: bytes, most: int) -> int:
    """Count the different names in lines of JSON; only up to `most` is certain to be exact.

    A table of as many columns as lines has names takes their product in memory, so that they are
    counted before it is made. Where every name of a sample is in several of its lines, there are
    few.
    """
    if body.count(b":") <= most:
        return 0
    step = max(len(body) // SAMPLE, 1)
    lines = {_line(body, place) for place in range(0, len(body), step)}
    seen = Counter(name for start, end in lines for name in set(_NAME.findall(body, start, end)))
    if len(seen) <= most and 1 not in seen.values():
        return len(seen)
    return len(set(_NAME.findall(body)))


def _line(body: bytes, place: int) -> tuple[int, int]:
    end = body.find(b"\n", place)
    return body.rfind(b"\n", 0, place) + 1, end if end >= 0 else len(body)

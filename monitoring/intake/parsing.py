"""Untyped text parsed as numbers and truth values, one chunk of a column at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

#: Words that mean a missing value in a column of numbers.
NULL_WORDS = ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "NULL", "null")
#: Rows per distinct text from which on each text is parsed only once.
REPEATED = 8
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?(?i:inf|infinity|nan)$"
_FIRST = 100


def texts_of(words: Iterable[str]) -> pa.Array:
    """Make an array of texts without `pa.array` and `pa.scalar`, which import pandas, slowly."""
    spelled = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, spelled)]).astype(np.int32)
    buffers = [None, pa.py_buffer(ends.tobytes()), pa.py_buffer(b"".join(spelled))]
    return pa.Array.from_buffers(pa.string(), len(spelled), buffers)


_NOTHING = texts_of(["", *NULL_WORDS, "None", "<NA>"])
_TRUTHS = texts_of(["true", "false"])
NO_TEXT, NO_NUMBER = (pa.nulls(1, dtype)[0] for dtype in (pa.string(), pa.float64()))
_TRUE = _TRUTHS[0]
_NEVER = pa.nulls(1).is_valid()[0]
BITS = pa.Array.from_buffers(pa.float64(), 2, [None, pa.py_buffer(np.arange(2.0).tobytes())])


@dataclass(frozen=True, slots=True)
class Parsed:
    """A chunk's texts as numbers; `other` marks values that are not numbers (None: no such)."""

    texts: pa.Array
    numbers: pa.Array
    other: pa.Array | None
    truths: pa.Array | None


def parsed(chunk: pa.Array) -> Parsed:
    """Parse one chunk of text, of levels or of truth values."""
    if pat.is_boolean(chunk.type):
        bits = chunk.cast(pa.uint8()).cast(pa.float64())
        return Parsed(chunk.cast(pa.string()), bits, None, None)
    if pat.is_dictionary(chunk.type):
        levels = parsed(chunk.dictionary)
        rows = (levels.texts, levels.numbers, levels.other, levels.truths)
        return Parsed(*(one if one is None else one.take(chunk.indices) for one in rows))
    texts = chunk.cast(pa.string())
    try:
        texts[:_FIRST].cast(pa.float64())  # a cast that fails is slow: it formats a message
        return Parsed(texts, texts.cast(pa.float64()), None, None)
    except pa.ArrowInvalid:
        pass
    coded = texts.dictionary_encode()
    if len(coded.dictionary) * REPEATED < len(texts):
        return parsed(coded)
    texts = pc.ascii_trim_whitespace(texts)
    fits = pc.match_substring_regex(texts, _NUMBER)
    found = pc.if_else(fits, texts, NO_TEXT).cast(pa.float64())
    other = pc.and_not(texts.is_valid(), pc.or_kleene(fits, pc.is_in(texts, _NOTHING)))
    other = pc.coalesce(other, _NEVER)
    truth = pc.and_(other, pc.is_in(pc.ascii_lower(texts), _TRUTHS))
    return Parsed(texts, found, other, truth)


def bits_of(texts: pa.Array) -> pa.Array:
    """1 for `true`, 0 for any other text."""
    return pc.equal(pc.ascii_lower(texts), _TRUE).cast(pa.uint8()).cast(pa.float64())

"""Text whose type nobody declared (CSV cells, folder names, mixed JSON): parsed, odd values named.

One rule decides what such a column holds, and it is this module's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from monitoring.schema import Kind, is_text, kind_of

#: Words that stand for no value where numbers are due.
NULL_WORDS = ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "NULL", "null")
#: Share of odd values that never decides a type: a typing error, a placeholder, a broken line.
STRAYS = 0.01
#: Placeholders are few words ("?", "unknown"); codes such as 85123A are many.
WORDS = 3
#: So many different numbers measure something; fewer may be levels, which a word can be one of.
FEW = 20

#: Texts that each stand so often are parsed once each.
REPEATED = 8

_MARK = {b"untyped": b"1"}
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?(?i:inf|infinity|nan)$"
_CODE = r"^0[0-9]+$"
_LOOKED_AT = 20_000
_FIRST = 100


def texts_of(words: Iterable[str]) -> pa.Array:
    """Make an array of texts. `pa.array` and `pa.scalar` import pandas, which is slow."""
    spelled = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, spelled)]).astype(np.int32)
    buffers = [None, pa.py_buffer(ends.tobytes()), pa.py_buffer(b"".join(spelled))]
    return pa.Array.from_buffers(pa.string(), len(spelled), buffers)


_NOTHING = texts_of(["", *NULL_WORDS, "None", "<NA>"])
_TRUTHS = texts_of(["true", "false"])
_NO_TEXT, _NO_NUMBER = (pa.nulls(1, dtype)[0] for dtype in (pa.string(), pa.float64()))
_TRUE = _TRUTHS[0]
_NEVER = pa.nulls(1).is_valid()[0]
_BITS = pa.Array.from_buffers(pa.float64(), 2, [None, pa.py_buffer(np.arange(2.0).tobytes())])


@dataclass(frozen=True, slots=True)
class Odd:
    """Values that do not fit their column's type: how many, and the first."""

    count: int
    first: str

    def note(self, where: str, column: str, due: str) -> str:
        """Say that they count as missing.

        >>> Odd(1, "?").note("cur.csv", "amount", "number")
        "cur.csv: column amount: 1 value that is no number counted as missing, the first is '?'"
        """
        values = "1 value that is" if self.count == 1 else f"{self.count:,} values that are"
        return (
            f"{where}: column {column}: {values} no {due} counted as missing, "
            f"the first is {self.first!r}"
        )


Fitted = tuple[pa.ChunkedArray, Odd | None]


def untyped(name: str) -> pa.Field:
    """Make a field of text whose type is still to be told."""
    return pa.field(name, pa.string(), metadata=_MARK)


def is_untyped(one: pa.Field) -> bool:
    """Tell whether a field was made by `untyped`."""
    metadata: Mapping[bytes, bytes] | None = one.metadata
    return metadata is not None and _MARK.items() <= metadata.items()


def inferred(column: pa.ChunkedArray) -> Fitted:
    """Tell what a column of untyped text holds: numbers (float64), truth values, or text.

    All of one kind is that kind. Up to 1 % of other values are strays, which count as missing. A
    column of more than 20 different numbers is one of numbers as well where up to half of it is
    three odd words at most: those are placeholders. Numbers that are written like codes, with
    leading zeros (02139), are text. A column without values has the type null.
    """
    tally = _Tally()
    for chunk in column.chunks:
        tally.add(chunk)
    if not tally.known:
        return pa.chunked_array([pa.nulls(len(column))]), None
    if tally.are_truths:
        return _truths(tally.parts)
    return _numbers(tally.parts) if tally.are_numbers else (column, None)


def numbers(column: pa.ChunkedArray) -> Fitted:
    """Read any column as numbers; text that is none is null, truth values are 1 and 0."""
    if kind_of(column.type) is Kind.NUMERIC:
        return column, None
    return _numbers([_parsed(chunk) for chunk in column.chunks])


def truths(column: pa.ChunkedArray) -> Fitted:
    """Read any column as truth values; 1 and 0 are such, all else is null.

    More than 1 % of other values are levels of their own: then the column stays as it is.
    """
    if pat.is_boolean(column.type):
        return column, None
    fitted, odd = _truths([_parsed(chunk) for chunk in column.chunks])
    known = len(column) - column.null_count
    return (fitted, odd) if odd is None or odd.count <= STRAYS * known else (column, None)


def null_words(column: pa.ChunkedArray) -> set[str]:
    """Name the words in a column of text that stand for no value elsewhere."""
    if not _holds_text(column.type):
        return set()
    words = texts_of(NULL_WORDS)
    found: set[str] = set()
    for chunk in column.chunks:
        texts = chunk.dictionary if pat.is_dictionary(chunk.type) else chunk
        found.update(pc.unique(texts.filter(pc.is_in(texts, words))).to_pylist())
    return found


def without(column: pa.ChunkedArray, words: set[str]) -> pa.ChunkedArray:
    """Make the given words null in a column of text."""
    if not words or not _holds_text(column.type):
        return column
    texts = column.cast(pa.string())
    return pc.if_else(pc.is_in(texts, texts_of(words)), _NO_TEXT, texts)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A chunk's texts as numbers; `other` marks the known values that are none (None: no value)."""

    texts: pa.Array
    numbers: pa.Array
    other: pa.Array | None
    truths: pa.Array | None


@dataclass
class _Tally:
    """What the parsed chunks of a column hold."""

    parts: list[_Parsed] = field(default_factory=list)
    known: int = 0
    others: int = 0
    truths: int = 0
    bits: int = 0
    codes: int = 0
    lengths: set[int] = field(default_factory=set)
    distinct: set[float] = field(default_factory=set)
    words: set[str] = field(default_factory=set)

    def add(self, chunk: pa.Array) -> None:
        part = _parsed(chunk)
        self.parts.append(part)
        valid = part.numbers.is_valid()
        count = pc.sum(valid).as_py() or 0
        self.known += count
        if part.other is not None:
            others = part.texts.filter(part.other)
            self.known += len(others)
            self.others += len(others)
            self.truths += pc.sum(part.truths).as_py() or 0
            self.words |= set(pc.unique(others)[: WORDS + 1].to_pylist())
        if len(self.distinct) <= FEW:
            some = part.numbers[:_LOOKED_AT]
            self.distinct |= set(pc.unique(some.drop_null())[: FEW + 1].to_pylist())
            self.bits += pc.sum(pc.is_in(part.numbers, _BITS)).as_py() or 0
        self._measure(part.texts if count == len(chunk) else part.texts.filter(valid))

    def _measure(self, texts: pa.Array) -> None:
        zeros = texts.filter(pc.starts_with(texts, "0"))
        self.codes += pc.sum(pc.match_substring_regex(zeros, _CODE)).as_py() or 0
        ends = pc.min_max(pc.binary_length(texts))
        self.lengths |= {end for end in (ends["min"].as_py(), ends["max"].as_py()) if end}

    @property
    def are_truths(self) -> bool:
        return self.truths > 0 and self.truths + self.bits >= (1 - STRAYS) * self.known

    @property
    def are_numbers(self) -> bool:
        if self.codes and (len(self.lengths) == 1 or self.codes > STRAYS * self.known):
            return False
        if self.others <= STRAYS * self.known:
            return True
        placeholders = len(self.words) <= WORDS and len(self.distinct) > FEW
        return placeholders and 2 * self.others <= self.known


def _parsed(chunk: pa.Array) -> _Parsed:
    if pat.is_boolean(chunk.type):
        bits = chunk.cast(pa.uint8()).cast(pa.float64())
        return _Parsed(chunk.cast(pa.string()), bits, None, None)
    if pat.is_dictionary(chunk.type):
        levels = _parsed(chunk.dictionary)
        rows = (levels.texts, levels.numbers, levels.other, levels.truths)
        return _Parsed(*(one if one is None else one.take(chunk.indices) for one in rows))
    texts = chunk.cast(pa.string())
    try:
        texts[:_FIRST].cast(pa.float64())  # each value that fails costs a message
        return _Parsed(texts, texts.cast(pa.float64()), None, None)
    except pa.ArrowInvalid:
        pass
    coded = texts.dictionary_encode()
    if len(coded.dictionary) * REPEATED < len(texts):
        return _parsed(coded)
    texts = pc.ascii_trim_whitespace(texts)
    fits = pc.match_substring_regex(texts, _NUMBER)
    found = pc.if_else(fits, texts, _NO_TEXT).cast(pa.float64())
    other = pc.and_not(texts.is_valid(), pc.or_kleene(fits, pc.is_in(texts, _NOTHING)))
    other = pc.coalesce(other, _NEVER)
    truth = pc.and_(other, pc.is_in(pc.ascii_lower(texts), _TRUTHS))
    return _Parsed(texts, found, other, truth)


def _numbers(parts: list[_Parsed]) -> Fitted:
    """Numbers, with truth values as 1 and 0."""
    columns, marks = [], []
    for part in parts:
        values, odd = part.numbers, part.other
        if odd is not None and pc.any(part.truths).as_py():
            values = pc.if_else(part.truths, _bits(part.texts), values)
            odd = pc.and_not(odd, part.truths)
        columns.append(values)
        marks.append(odd)
    return pa.chunked_array(columns, pa.float64()), _odd(parts, marks)


def _truths(parts: list[_Parsed]) -> Fitted:
    columns, marks = [], []
    for part in parts:
        bits = part.numbers
        if part.truths is not None:
            bits = pc.if_else(part.truths, _bits(part.texts), bits)
        fits = pc.is_in(bits, _BITS)
        columns.append(pc.equal(pc.if_else(fits, bits, _NO_NUMBER), _BITS[1]))
        known = part.numbers.is_valid()
        known = known if part.other is None else pc.or_(known, part.other)
        marks.append(pc.and_not(known, fits))
    return pa.chunked_array(columns, pa.bool_()), _odd(parts, marks)


def _bits(texts: pa.Array) -> pa.Array:
    return pc.equal(pc.ascii_lower(texts), _TRUE).cast(pa.uint8()).cast(pa.float64())


def _odd(parts: list[_Parsed], marks: list[pa.Array | None]) -> Odd | None:
    count, first = 0, ""
    for part, mark in zip(parts, marks, strict=True):
        if mark is None:
            continue
        odd = part.texts.filter(mark)
        if len(odd) and not count:
            first = odd[0].as_py()[:60]
        count += len(odd)
    return Odd(count, first) if count else None


def _holds_text(dtype: pa.DataType) -> bool:
    return is_text(dtype.value_type if pat.is_dictionary(dtype) else dtype)

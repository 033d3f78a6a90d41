"""Text without a declared type (CSV cells, folder names, mixed JSON): its type, its odd values.

The rule in this module is the only one that infers such a type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from monitoring.intake.parsing import (
    BITS,
    NO_NUMBER,
    NO_TEXT,
    NULL_WORDS,
    Parsed,
    bits_of,
    parsed,
    texts_of,
)
from monitoring.schema import Kind, is_text, kind_of

#: Share of odd values that a type tolerates: typing errors, placeholders, broken lines.
STRAYS = 0.01
#: Most distinct words that can be placeholders ("?", "unknown"); codes such as 85123A are more.
WORDS = 3
#: More distinct numbers than this are a measurement; fewer may be levels, and words levels, too.
FEW = 20

_MARK = {b"untyped": b"1"}
_CODE = r"^0[0-9]+$"
_LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True)
class Odd:
    """Values that do not fit their column's type: how many, and the first."""

    count: int
    first: str

    def note(self, where: str, column: str, due: str) -> str:
        """The note that these values count as missing.

        >>> Odd(1, "?").note("cur.csv", "amount", "number")
        "cur.csv: column amount: 1 value that is not a number counted as missing, the first is '?'"
        """
        one = f"1 value that is not a {due}"
        values = one if self.count == 1 else f"{self.count:,} values that are not {due}s"
        return f"{where}: column {column}: {values} counted as missing, the first is {self.first!r}"


Fitted = tuple[pa.ChunkedArray, Odd | None]


def untyped(name: str) -> pa.Field:
    """Make a field of text whose type is to be inferred."""
    return pa.field(name, pa.string(), metadata=_MARK)


def is_untyped(one: pa.Field) -> bool:
    """Whether a field was made by `untyped`."""
    metadata: Mapping[bytes, bytes] | None = one.metadata
    return metadata is not None and _MARK.items() <= metadata.items()


def inferred(column: pa.ChunkedArray) -> Fitted:
    """Infer the type of a column of untyped text: numbers (float64), truth values, or text.

    Up to 1 % of other values are tolerated and count as missing. A column of more than 20 different
    numbers is numeric even if up to half of its values are other words, at most three distinct
    ones: those are placeholders. Numbers written like codes, with leading zeros (02139), are text.
    A column without values has the type null.
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
    """Read any column as numbers; other text is null, truth values are 1 and 0."""
    if kind_of(column.type) is Kind.NUMERIC:
        return column, None
    return _numbers([parsed(chunk) for chunk in column.chunks])


def truths(column: pa.ChunkedArray) -> Fitted:
    """Read any column as truth values, 1 and 0 included; all other values are null.

    With more than 1 % of other values the column is unchanged: those are levels of their own.
    """
    if pat.is_boolean(column.type):
        return column, None
    fitted, odd = _truths([parsed(chunk) for chunk in column.chunks])
    known = len(column) - column.null_count
    return (fitted, odd) if odd is None or odd.count <= STRAYS * known else (column, None)


def null_words(column: pa.ChunkedArray) -> set[str]:
    """Return the words of a text column that would mean a missing value in a column of numbers."""
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
    return pc.if_else(pc.is_in(texts, texts_of(words)), NO_TEXT, texts)


@dataclass
class _Tally:
    """Statistics of the parsed chunks of a column."""

    parts: list[Parsed] = field(default_factory=list)
    known: int = 0
    others: int = 0
    truths: int = 0
    bits: int = 0
    codes: int = 0
    lengths: set[int] = field(default_factory=set)
    distinct: set[float] = field(default_factory=set)
    words: set[str] = field(default_factory=set)

    def add(self, chunk: pa.Array) -> None:
        part = parsed(chunk)
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
            self.bits += pc.sum(pc.is_in(part.numbers, BITS)).as_py() or 0
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


def _numbers(parts: list[Parsed]) -> Fitted:
    """Numbers, with truth values as 1 and 0."""
    columns, marks = [], []
    for part in parts:
        values, odd = part.numbers, part.other
        if odd is not None and pc.any(part.truths).as_py():
            values = pc.if_else(part.truths, bits_of(part.texts), values)
            odd = pc.and_not(odd, part.truths)
        columns.append(values)
        marks.append(odd)
    return pa.chunked_array(columns, pa.float64()), _odd(parts, marks)


def _truths(parts: list[Parsed]) -> Fitted:
    columns, marks = [], []
    for part in parts:
        bits = part.numbers
        if part.truths is not None:
            bits = pc.if_else(part.truths, bits_of(part.texts), bits)
        fits = pc.is_in(bits, BITS)
        columns.append(pc.equal(pc.if_else(fits, bits, NO_NUMBER), BITS[1]))
        known = part.numbers.is_valid()
        known = known if part.other is None else pc.or_(known, part.other)
        marks.append(pc.and_not(known, fits))
    return pa.chunked_array(columns, pa.bool_()), _odd(parts, marks)


def _odd(parts: list[Parsed], marks: list[pa.Array | None]) -> Odd | None:
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

"""One column of both sides: typed by the reference, binned and counted, or left out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.types as pat

from hosts.tables.reading import Columns, Unreadable
from monitoring.drift.binning import Bins, CategoricalBins
from monitoring.drift.sketch import Counts, count, places, ruled
from monitoring.intake.parsing import NULL_WORDS
from monitoring.intake.uncompared import ends, left_out, may_lack
from monitoring.intake.untyped import (
    Fitted,
    Odd,
    inferred,
    null_words,
    numbers,
    truths,
    without,
)
from monitoring.schema import Ignored, Kind, kind_of

COUNTER = "whole numbers that only increase, continuing the reference's: a counter"


@dataclass(frozen=True, slots=True)
class Rows:
    """An order that groups the rows by segment, and the end of each segment."""

    order: npt.NDArray[np.intp]
    ends: dict[str | None, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Counted:
    """One feature's bins, and its counts by segment (the first row: overall) on both sides.

    `notes` name values that count as missing because they do not fit the column's type.
    """

    name: str
    bins: Bins
    reference: Counts
    current: Counts
    changed: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut(Ignored):
    """A column that is deliberately left out of the comparison."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to read the current side of a column.

    `words` are levels of the reference that usually mean a missing value; `ends` are the first and
    the last of numbers that never fall.
    """

    kind: Kind
    dtype: pa.DataType
    words: set[str]
    ends: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Both tables, and the rows of each by segment (None without segments)."""

    reference: Columns
    current: Columns
    rows: tuple[Rows | None, Rows | None]

    def compared(self, name: str, *, categorical: bool, asked: bool) -> Counted | Ignored:
        """Bin and count one column, or return why it is left out.

        categorical: its values are levels, whatever their type; asked: the user named it, so it is
        not left out for looking like an id.
        """
        try:
            return self._compared(name, self._reference(name, categorical), categorical, asked)
        except Unreadable as error:
            return Ignored(name, str(error))

    def _compared(
        self, name: str, held: Fitted, categorical: bool, asked: bool
    ) -> Counted | Ignored:
        before, odd = held
        kind = self._kind(name, before.type, categorical)
        if reason := self._aside(name, before, asked):
            return LeftOut(name, reason)
        if not isinstance(kind, Kind):
            return Ignored(name, kind)
        measured = ruled(before, kind)
        if isinstance(measured, str):
            # Text with a different value in each row may be numbers written as text.
            other = (before, None) if categorical else inferred(before)
            if kind_of(other[0].type) is Kind.NUMERIC:
                return self._compared(name, other, categorical, asked)
            return Ignored(name, measured)
        bins, overall = measured
        counts = by_segment(before, bins, self.rows[0], overall)
        notes = _note(self.reference, name, before.type, odd)
        found = Counted(name, bins, counts, self._nothing(bins), notes=notes)
        wanted = Wanted(kind, before.type, null_words(before), None if asked else ends(before))
        del before, held
        return self._against(found, wanted)

    def _reference(self, name: str, categorical: bool) -> Fitted:
        """Read the reference's column and infer its type where none is declared."""
        column = self.reference.column(name)
        if name not in self.reference.untyped:
            return column, None
        column, odd = (column, None) if categorical else self._inferred(name, column)
        words = null_words(column)
        if words and name in self.current.schema.names and name not in self.current.untyped:
            # A typed file marks its missing values itself.
            column = without(column, words - null_words(self.current.column(name)))
        return column, odd

    def _inferred(self, name: str, column: pa.ChunkedArray) -> Fitted:
        """Infer a type; codes like 01 are numbers where they are in the current side."""
        fitted, odd = inferred(column)
        held = name in self.current.schema.names and name not in self.current.untyped
        if (
            held
            and kind_of(fitted.type) is Kind.CATEGORICAL
            and kind_of(self.current.schema.field(name).type) is Kind.NUMERIC
        ):
            plain = numbers(column)
            return plain if plain[1] is None else (fitted, odd)
        return fitted, odd

    def _kind(self, name: str, dtype: pa.DataType, categorical: bool) -> Kind | str:
        """Return the reference's kind, or that of the current side where it has no values."""
        if categorical:
            return Kind.CATEGORICAL
        if not pat.is_null(dtype) or name not in self.current.schema.names:
            return kind_of(dtype)
        if name in self.current.untyped:
            return kind_of(inferred(self.current.column(name))[0].type)
        return kind_of(self.current.schema.field(name).type)

    def _aside(self, name: str, before: pa.ChunkedArray, asked: bool) -> str:
        if pat.is_temporal(before.type) or pat.is_nested(before.type):
            return str(kind_of(before.type))
        if self.current.rows and name not in self.current.schema.names and may_lack(name):
            return "missing in current, where it may not be known yet"
        return "" if asked else left_out(name, before)

    def _nothing(self, bins: Bins) -> Counts:
        segments = self.rows[1].ends if self.rows[1] else ()
        return np.zeros((1 + len(segments), bins.size + 1), np.int64)

    def _against(self, found: Counted, wanted: Wanted) -> Counted | LeftOut:
        """Count the current side under the reference's bins."""
        if not (self.reference.rows and self.current.rows):
            return found
        if found.name not in self.current.schema.names:
            return replace(found, changed="the column is missing in current")
        column = self.current.column(found.name)
        other = kind_of(column.type)
        turned = f"the column turned from {wanted.kind} to {other}"
        if not isinstance(other, Kind):
            return replace(found, changed=turned)
        after, odd = self._current(found.name, column, wanted)
        if odd and 2 * odd.count > len(column) - column.null_count:
            return replace(found, changed=turned)
        stretch = ends(after) if wanted.ends else None
        if wanted.ends and stretch and stretch[0] >= wanted.ends[1]:
            return LeftOut(found.name, COUNTER)
        counts = by_segment(after, found.bins, self.rows[1], count(after, found.bins))
        notes = _note(self.current, found.name, wanted.dtype, odd)
        return replace(found, current=counts, notes=found.notes + notes)

    def _current(self, name: str, column: pa.ChunkedArray, wanted: Wanted) -> Fitted:
        """Read the current side with the reference's type."""
        if wanted.kind is Kind.NUMERIC:
            return numbers(column)
        if pat.is_boolean(wanted.dtype):
            return truths(column)
        if name in self.current.untyped:
            return without(column, set(NULL_WORDS) - wanted.words), None
        return column, None


def by_segment(column: pa.ChunkedArray, bins: Bins, rows: Rows | None, overall: Counts) -> Counts:
    """Return the counts of all rows, then of each segment."""
    if rows is None:
        return overall[None]
    if isinstance(bins, CategoricalBins):
        held = places(column, bins)[rows.order]
        parts = [
            np.bincount(held[start:stop], minlength=bins.size + 1)
            for start, stop in rows.ends.values()
        ]
    else:
        # pa.array would import pandas where pandas is installed.
        order = pa.Array.from_buffers(pa.int64(), len(rows.order), [None, pa.py_buffer(rows.order)])
        ordered = column.combine_chunks().take(order)
        parts = [count(ordered[start:stop], bins) for start, stop in rows.ends.values()]
    return np.stack([overall, *parts])


def _note(columns: Columns, name: str, dtype: pa.DataType, odd: Odd | None) -> tuple[str, ...]:
    due = "truth value" if pat.is_boolean(dtype) else "number"
    return (odd.note(columns.name, name, due),) if odd else ()

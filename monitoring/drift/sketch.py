"""Sketches: rows by bin. Sketches of batches, windows and machines add up."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.types as pat

from engine.errors import Refused
from monitoring.drift.binning import Bins, CategoricalBins, NumericBins, measure
from monitoring.drift.columns import (
    Column,
    finite_numbers,
    level_codes,
    level_counts,
    number_chunks,
)
from monitoring.drift.kernel import count_numbers
from monitoring.drift.ruler import Ruler
from monitoring.schema import Kind, kind_of

FORMAT = 2

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sketch:
    """Counts of one window, batch or segment under one ruler.

    `counts` holds, feature after feature in the ruler's order, its bins and then its missing
    values (null, NaN, ±inf); each feature's counts sum to `rows`.
    """

    ruler: str
    rows: int
    counts: Counts

    def __add__(self, other: Sketch) -> Sketch:
        """Merge with the sketch of other rows under the same ruler."""
        if self.ruler != other.ruler:
            raise Refused(f"sketches of two rulers do not add up: {self.ruler} and {other.ruler}")
        return Sketch(self.ruler, self.rows + other.rows, self.counts + other.counts)

    def __eq__(self, other: object) -> bool:
        """Same ruler, same rows, same counts."""
        return isinstance(other, Sketch) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        """Equal sketches have equal hashes."""
        return hash((self.ruler, self.rows, self.counts.tobytes()))

    def feature(self, ruler: Ruler, name: str) -> Counts:
        """Counts of one feature: bins, then missing."""
        start = ruler.starts[name]
        return self.counts[start : start + ruler.features[name].size + 1]

    def to_bytes(self) -> bytes:
        """Serialise: a JSON header line, then the deflated counts (little-endian int64)."""
        header = {"format": 1, "ruler": self.ruler, "rows": self.rows}
        body = zlib.compress(self.counts.astype("<i8").tobytes(), 6)
        return json.dumps(header, separators=(",", ":")).encode() + b"\n" + body

    @classmethod
    def from_bytes(cls, content: bytes) -> Sketch:
        """Read `to_bytes`; of a sketch by segments (`segments.to_bytes`), that of all rows.

        A newer format is `Refused`.
        """
        line, _, body = content.partition(b"\n")
        header = json.loads(line)
        if header["format"] > FORMAT:
            raise Refused(
                f"sketch: format {header['format']} is newer than {FORMAT}; upgrade Driftwarden"
            )
        counts = np.frombuffer(zlib.decompress(body), "<i8").astype(np.int64)
        width = len(counts) // (1 + len(header.get("segments", ())))
        return cls(header["ruler"], header["rows"], counts[:width])


def empty(ruler: Ruler) -> Sketch:
    """Sketch of no rows: the neutral element of the sum."""
    return Sketch(ruler.id, 0, np.zeros(ruler.width, np.int64))


def merge(ruler: Ruler, sketches: Iterable[Sketch]) -> Sketch:
    """Sum of any number of sketches under `ruler`."""
    return sum(sketches, empty(ruler))


def sketch(table: pa.Table | pa.RecordBatch, ruler: Ruler) -> Sketch:
    """Count all features of `ruler` in a table or batch; other columns are ignored.

    A feature whose column is absent, or not numeric where numbers are expected, is missing in every
    row.
    """
    parts = [
        count(table.column(name), bins)
        if name in table.schema.names
        else _all_missing(bins, table.num_rows)
        for name, bins in ruler.features.items()
    ]
    counts = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    return Sketch(ruler.id, table.num_rows, counts)


def segment_names(column: Column) -> Column:
    """Name every row's segment, as `level_counts` names levels."""
    if pat.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.string())


def ruled(column: pa.ChunkedArray, kind: Kind, salt: str = "") -> tuple[Bins, Counts] | str:
    """Measure and count one reference column at once, or give the reason to ignore it.

    The result is that of `binning.measure` and `count`; for floating-point columns one sort is
    enough for both.
    """
    if kind is Kind.NUMERIC and pat.is_floating(column.type):
        values = finite_numbers(column)
        values.sort()
        numeric = NumericBins.of_sorted(values)
        below = np.searchsorted(values, numeric.edges, side="right")
        bounds = [0, *below.tolist(), len(values)]
        return numeric, np.array([*np.diff(bounds), len(column) - len(values)], np.int64)
    bins = measure(column, kind, salt)
    return bins if isinstance(bins, str) else (bins, count(column, bins))


def count(column: Column, bins: Bins) -> Counts:
    """Count one column: its bins, then missing.

    In categorical bins a number is a level by its value. In numeric bins text is missing, even
    where it spells a number: a log whose numbers became text has changed.
    """
    if not isinstance(kind_of(column.type), Kind):
        return _all_missing(bins, len(column))
    if isinstance(bins, CategoricalBins):
        return _count_levels(column, bins)
    plain = column.type.value_type if pat.is_dictionary(column.type) else column.type
    if kind_of(plain) is not Kind.NUMERIC:
        return _all_missing(bins, len(column))
    counts = np.zeros(bins.size + 1, np.int64)
    for values in number_chunks(column):
        counts[:-1] += count_numbers(values, bins)
    counts[-1] = len(column) - counts.sum()
    return counts


def _count_levels(column: Column, bins: CategoricalBins) -> Counts:
    counts = np.zeros(bins.size + 1, np.int64)
    for level, number in level_counts(column).items():
        counts[bins.place(level)] += number
    counts[-1] = len(column) - counts.sum()
    return counts


def places(column: Column, bins: CategoricalBins) -> npt.NDArray[np.intp]:
    """Bin of each row, shape (rows,); `bins.size` where it is missing.

    Their counts are those of `count`; counts of parts of the rows need no second pass over levels.
    """
    if not isinstance(kind_of(column.type), Kind):
        return np.full(len(column), bins.size, np.intp)
    found = [
        np.array([bins.size if level is None else bins.place(level) for level in levels])[codes]
        for codes, levels in level_codes(column)
    ]
    return np.concatenate([np.empty(0, np.intp), *found])


def _all_missing(bins: Bins, rows: int) -> Counts:
    counts = np.zeros(bins.size + 1, np.int64)
    counts[-1] = rows
    return counts

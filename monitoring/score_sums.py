"""Scores summed by day and by bin of each feature, from which associations are computed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import Refused
from monitoring.drift.binning import Bins, CategoricalBins, NumericBins
from monitoring.drift.columns import level_name, missing
from monitoring.drift.ruler import Ruler
from monitoring.schema import Kind, kind_of

FORMAT = 1
#: Most levels of a categorical feature with a bin; all others share one.
MOST_LEVELS = 50
#: Days of the reference that are kept; older ones are dropped.
MOST_DAYS = 60
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sums:
    """Scores summed by bin, a row per day.

    `counts` and `sums` (days, ruler's width) hold rows and sum of scores of each bin; `squares`
    (days,) the sum of squared scores. Scores are taken less `centre`.
    """

    ruler: Ruler
    centre: float
    counts: Floats
    sums: Floats
    squares: Floats

    def to_bytes(self) -> bytes:
        """Serialise: a JSON header line, the ruler's line, then the deflated numbers."""
        header = {"format": FORMAT, "centre": self.centre, "days": len(self.squares)}
        parts = [self.counts.ravel(), self.sums.ravel(), self.squares]
        body = zlib.compress(np.concatenate(parts).astype("<f8").tobytes(), 6)
        return json.dumps(header).encode() + b"\n" + self.ruler.to_bytes() + b"\n" + body

    @classmethod
    def from_bytes(cls, content: bytes) -> Sums:
        """Read `to_bytes`. A newer format is `Refused`."""
        line, ruled, body = content.split(b"\n", 2)
        header = json.loads(line)
        if header["format"] > FORMAT:
            raise Refused(f"association: format {header['format']} is newer than {FORMAT}")
        ruler, days = Ruler.from_bytes(ruled), header["days"]
        flat = np.frombuffer(zlib.decompress(body), "<f8").astype(np.float64)
        counts, sums, squares = np.split(flat, [days * ruler.width, 2 * days * ruler.width])
        shape = (days, ruler.width)
        return cls(ruler, header["centre"], counts.reshape(shape), sums.reshape(shape), squares)


def summed(
    features: pa.Table,
    score: Floats,
    day: NDArray[np.generic],
    salts: dict[str, str],
    kinds: Mapping[str, Kind] | None = None,
) -> Sums | None:
    """Sum a reference's scores by day and by its own bins; None where the scores do not vary.

    Parameters
    ----------
    features
        One column per feature, the rows in the order of `score` and `day`.
    salts
        Features to redact, each with its salt.
    kinds
        Kinds of features whose kind is not that of their column's type.
    """
    known = ~np.isnan(score)
    if not known.any() or np.ptp(score[known]) == 0:
        return None
    ruler = _coarse(Ruler.of(features, salts, kinds))
    days, code = np.unique(day[known], return_inverse=True)
    centre = float(score[known].mean())
    rows = features.filter(pa.array(known)) if not known.all() else features
    found = _sums(rows, score[known] - centre, code, len(days), ruler, centre)
    late = slice(-MOST_DAYS, None)
    return replace(
        found, counts=found.counts[late], sums=found.sums[late], squares=found.squares[late]
    )


def summed_like(reference: Sums, features: pa.Table, score: Floats) -> Sums:
    """Sum the scores of one window, none of them NaN, by the bins of a reference, as one day."""
    day = np.zeros(len(features), np.intp)
    return _sums(features, score - reference.centre, day, 1, reference.ruler, reference.centre)


def _coarse(ruler: Ruler) -> Ruler:
    features: dict[str, Bins] = {
        name: replace(bins, levels=bins.levels[:MOST_LEVELS], own=None, groups=1)
        if isinstance(bins, CategoricalBins)
        else bins
        for name, bins in ruler.features.items()
    }
    return Ruler(features, ruler.ignored)


def _sums(
    features: pa.Table,
    score: Floats,
    day: NDArray[np.intp],
    days: int,
    ruler: Ruler,
    centre: float,
) -> Sums:
    counts, sums = (np.zeros((days, ruler.width)) for _ in range(2))
    for name, bins in ruler.features.items():
        size, start = bins.size + 1, ruler.starts[name]
        column = features[name] if name in features.column_names else None
        code = day * size + (bins.size if column is None else _codes(column, bins))
        held = slice(start, start + size)
        counts[:, held] = np.bincount(code, minlength=days * size).reshape(days, size)
        sums[:, held] = np.bincount(code, score, days * size).reshape(days, size)
    squares = np.bincount(day, score**2, days).astype(np.float64)
    return Sums(ruler, centre, counts, sums, squares)


def _codes(column: pa.ChunkedArray, bins: Bins) -> NDArray[np.intp]:
    """Bin of each row, the last one for missing values."""
    kind = kind_of(column.type)
    if not isinstance(kind, Kind) or (bins.kind is Kind.NUMERIC and kind is not Kind.NUMERIC):
        return np.full(len(column), bins.size, np.intp)
    if isinstance(bins, NumericBins):
        values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        codes = np.searchsorted(np.array(bins.edges), values)
        return np.where(np.isfinite(values), codes, bins.size)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    coded = column.combine_chunks().dictionary_encode()
    places = [
        bins.size if missing(value) else bins.place(level_name(value))
        for value in coded.dictionary.to_pylist()
    ]
    known = np.array([*places, bins.size], np.intp)
    index = coded.indices.fill_null(len(places)).to_numpy(zero_copy_only=False)
    found: NDArray[np.intp] = known[index]
    return found

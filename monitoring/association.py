"""Association of each feature with the score: what a model leans on, told without the model.

A feature's association is the share of the scores' variance that lies between the feature's bins,
missing values being a bin of their own: the correlation ratio, less what chance would give it
(Kelley 1935, PNAS 21, 554). It needs neither labels nor the model and sees shapes of any kind. It
is no SHAP value and no permutation importance: a feature that only goes with an important one is
associated, too, and one that varies less explains less.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import fdtri

from engine.errors import Refused
from monitoring.attribution import agreement, ndcg
from monitoring.drift.binning import Bins, CategoricalBins, NumericBins
from monitoring.drift.columns import level_name, missing
from monitoring.drift.ruler import Ruler
from monitoring.schema import Kind, kind_of

FORMAT = 1
#: Levels of a categorical feature that are told apart; all others are one bin.
MOST_LEVELS = 50
#: Days of the reference that are kept, the newest.
MOST_DAYS = 60
#: Days of the reference that a limit needs.
MIN_DAYS = 14
#: Chance that a day like those of the reference falls short of the limit.
LEVEL = 1e-4
#: Rows that a window needs, and as a share of the usual day's: with fewer, ranks are chance.
MIN_ROWS = 200
LEAST_SHARE = 0.8
#: Features written out in a reason.
NAMED = 3
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


@dataclass(frozen=True)
class Association:
    """How far the order of the features agrees with the reference's.

    `ndcg` (1: the same order) is weighed by the association before, `limit` what it must reach,
    given the noise between the reference's days; `spearman` and `kendall` count all features alike.
    `moved` is None where the reference has too few days to tell, or the window too few
    rows. `features` changed rank.
    """

    ndcg: float
    limit: float
    moved: bool | None
    reason: str
    features: tuple[str, ...] = ()
    spearman: float | None = None
    kendall: float | None = None


def summed(
    features: pa.Table,
    score: Floats,
    day: NDArray[np.generic],
    salts: dict[str, str],
    kinds: Mapping[str, Kind] | None = None,
) -> Sums | None:
    """Sum a reference's scores by day and bins of its own; None where the scores do not vary.

    Parameters
    ----------
    features
        One column per feature, the rows in the order of `score` and `day`.
    salts
        Features to redact, each with its salt.
    kinds
        Those that their column's type is not true of.
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


def compare(reference: Sums, features: pa.Table, score: Floats, least: float) -> Association | None:
    """Hold a window's associations against the reference's; None where its scores do not vary.

    The limit is `least`, or less where days of the reference differ that much from its other days:
    of 1 - NDCG, exponential in the tail, one more day exceeds F(2, 2D) times the mean of D days
    with a chance of 0.01 %; fewer rows than usual raise it in proportion. It never lies within what
    one of the days shows.
    """
    known = ~np.isnan(score)
    if known.sum() < 2 or np.ptp(score[known]) == 0 or not reference.ruler.features:
        return None
    rows = features.filter(pa.array(known))
    place = np.zeros(len(rows), np.intp)
    window = _sums(
        rows, score[known] - reference.centre, place, 1, reference.ruler, reference.centre
    )
    names = list(reference.ruler.features)
    before, now = associations(reference), associations(window)
    told = agreement(dict(zip(names, before, strict=True)), dict(zip(names, now, strict=True)))
    if told is None:
        return None
    limit = _limit(reference, len(rows), least)
    moved = None if limit is None else told.ndcg < limit
    shifts = sorted(told.shifts, key=lambda shift: (min(shift.before, shift.after), shift.before))
    shown = [f"{one.feature} from rank {one.before} to {one.after}" for one in shifts[:NAMED]]
    reason = f"features' association with the score agrees by NDCG {told.ndcg:.3f}" + (
        f" (limit {limit:.3f})"
        if limit is not None
        else " (too few days or rows to tell what is usual)"
    )
    return Association(
        told.ndcg,
        limit if limit is not None else least,
        moved,
        f"{reason}: {', '.join(shown)}" if moved else reason,
        tuple(one.feature for one in shifts[:NAMED]) if moved else (),
        told.spearman,
        told.kendall,
    )


def associations(found: Sums) -> Floats:
    """Association (0…1) of each feature with the score, over all days."""
    return _associations(
        found.ruler, found.counts.sum(axis=0), found.sums.sum(axis=0), float(found.squares.sum())
    )


def _associations(ruler: Ruler, counts: Floats, sums: Floats, squares: float) -> Floats:
    if not ruler.features:
        return np.empty(0)
    starts = np.array(ruler.first)
    n = np.add.reduceat(counts, starts)
    mean = np.add.reduceat(sums, starts) / n
    total = squares - n * mean**2
    parts = np.divide(sums**2, counts, out=np.zeros_like(sums), where=counts > 0)
    within = squares - np.add.reduceat(parts, starts)
    spare = n - np.add.reduceat(counts > 0, starts, dtype=np.intp)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = 1 - within / spare / (total / (n - 1))
    return np.where((spare > 0) & (total > 0), np.clip(share, 0, 1), 0.0)


def _limit(reference: Sums, rows: int, least: float) -> float | None:
    usual = float(np.median(_rows(reference)))
    if len(reference.squares) < MIN_DAYS or rows < max(MIN_ROWS, LEAST_SHARE * usual):
        return None
    counts, sums = reference.counts.sum(axis=0), reference.sums.sum(axis=0)
    squares = float(reference.squares.sum())
    apart = []
    for own, its, square in zip(reference.counts, reference.sums, reference.squares, strict=True):
        rest = _associations(reference.ruler, counts - own, sums - its, squares - square)
        if rest.any():
            day = _associations(reference.ruler, own, its, float(square))
            apart.append(1 - ndcg(rest, day))
    if len(apart) < MIN_DAYS:
        return None
    reach = float(np.mean(apart)) * float(fdtri(2, 2 * len(apart), 1 - LEVEL))
    return min(least, 1 - max(reach, *apart) * max(1.0, usual / rows))


def _rows(found: Sums) -> Floats:
    """Rows of each day: every feature's bins hold all of them."""
    first = next(iter(found.ruler.features.values()))
    rows: Floats = found.counts[:, : first.size + 1].sum(axis=1)
    return rows


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

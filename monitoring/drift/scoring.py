"""The numbers of all features at once, from the counts of two sketches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitoring.drift.binning import CellMap, Scale
from monitoring.drift.cells import effect, leveled, ordered, pool
from monitoring.drift.divergence import Floats, divergences
from monitoring.drift.ruler import Block, Ruler
from monitoring.drift.significance import (
    categorical_p,
    cauchy,
    missing_p,
    numeric_p,
    ordinal_p,
)
from monitoring.drift.sketch import Counts

#: How thin cells are merged; values with a bin each are merged like levels.
POOLING = {Scale.CONTINUOUS: ordered, Scale.ORDINAL: leveled, Scale.NOMINAL: leveled}


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers of one feature; NaN where there is no value.

    effect, p_values: of the values' distribution; missing_effect, p_missing: of the share of
    missing values; p: of both together.
    """

    psi: float
    kl: float
    js: float
    effect: float
    p_values: float
    missing_effect: float
    p_missing: float
    p: float


@dataclass(frozen=True, eq=False, slots=True)
class Scores:
    """`Numbers` of many features; shape of each (pairs, features), a pair being one segment."""

    psi: Floats
    kl: Floats
    js: Floats
    effect: Floats
    p_values: Floats
    missing_effect: Floats
    p_missing: Floats
    p: Floats

    def at(self, pair: int, feature: int) -> Numbers:
        """Numbers of one feature of one pair."""
        return Numbers(*(float(getattr(self, name)[pair, feature]) for name in self.__slots__))


def join(parts: Sequence[Scores]) -> Scores:
    """Concatenate the pairs of all parts."""
    names = Scores.__slots__
    return Scores(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))


def score(ruler: Ruler, reference: Counts, current: Counts, slices: Counts | None = None) -> Scores:
    """Score counts of shape (pairs, ruler.width); slices have the shape (slices, ruler.width)."""
    out = np.full((5, len(reference), len(ruler.features)), np.nan)
    for block in ruler.blocks:
        bins = [gathered(side, block.places) for side in (reference, current)]
        parts = None if slices is None else gathered(slices, block.places)
        out[:, :, block.features] = np.stack(_scored(block, bins, parts))
    a, c = _missing(ruler, reference), _missing(ruler, current)
    lost = None if slices is None else _shared(_missing(ruler, slices), a.shape)
    p_missing = missing_p(a, c, lost)
    p = cauchy(np.stack([out[4], p_missing]), (0.8, 0.2))
    psi, kl, js, moved, p_values = out
    return Scores(psi, kl, js, moved, p_values, _lost(a, c), p_missing, p)


def _scored(block: Block, bins: Sequence[Floats], slices: Floats | None) -> tuple[Floats, ...]:
    """psi, kl, js, effect and p-value of one block's features: each (pairs, features)."""
    apart = divergences(*(pooled(side, block.shown) for side in bins))
    a, c = (pooled(side, block.tested) for side in bins)
    own = None if slices is None else _shared(slices, bins[0].shape)
    cells = None if slices is None else _shared(pooled(slices, block.tested), a.shape)
    if block.scale is Scale.CONTINUOUS:
        p = numeric_p(a, c, cells, block.atoms)
    else:
        p = categorical_p(a, c, cells, block.own)
    if block.scale is Scale.ORDINAL:
        p = ordinal_p(bins[0], bins[1], own, p)
    return apart.psi, apart.kl, apart.js, effect(a, c, POOLING[block.scale]), p


def present(ruler: Ruler, counts: Counts) -> Counts:
    """Non-missing rows per feature: (…, ruler.width) to (…, features)."""
    return _missing(ruler, counts)[..., 1].astype(np.int64)


def seen_once(ruler: Ruler, counts: Counts) -> Counts:
    """Rows of levels that were seen once, per feature; 0 for numeric features."""
    found = np.zeros((len(counts), len(ruler.features)), np.int64)
    for block in ruler.blocks:
        if block.scale is Scale.NOMINAL:
            found[:, block.features] = (gathered(counts, block.places) == 1).sum(-1)
    return found


def total(ruler: Ruler, counts: Counts) -> Counts:
    """Rows per feature, missing ones included."""
    rows: Counts = _missing(ruler, counts).sum(-1).astype(np.int64)
    return rows


def pooled(counts: Floats, cells: CellMap | None) -> Floats:
    """Sum bins to cells; None where each bin is one."""
    return counts if cells is None else pool(counts, cells)


def gathered(counts: Counts, places: npt.NDArray[np.intp]) -> Floats:
    """Bins of many features as a padded array (pairs, features, bins)."""
    padded = np.concatenate([counts, np.zeros((len(counts), 1), np.int64)], -1)
    return padded[:, places].astype(np.float64)


def _missing(ruler: Ruler, counts: Counts) -> Floats:
    """(missing, present) per feature."""
    missing = counts[:, ruler.last]
    total = np.add.reduceat(counts, ruler.first, -1) if len(ruler.first) else missing
    return np.stack([missing, total - missing], -1).astype(np.float64)


def _lost(reference: Floats, current: Floats) -> Floats:
    """Effect of the missing share; 0, without computation, for features that miss no value."""
    some = (reference + current)[..., 0] > 0
    rows = np.minimum(reference.sum(-1), current.sum(-1))
    found = np.where(rows > 0, 0.0, np.nan)
    if some.any():
        found[some] = effect(reference[some], current[some], ordered)
    return found


def _shared(slices: Floats, shape: tuple[int, ...]) -> Floats:
    """The same slices for every pair: (slices, pairs, features, bins)."""
    return np.broadcast_to(slices[:, None], (len(slices), *shape))

"""Significance of the differences between two histograms, for all features of a model.

A continuous feature is tested by three orthogonal parts of its counts, location, scale and rest, on
the normal scores of its cells, and by exact tests of the most deviating bin, however thin, and of
the most deviating atom; a nominal one by a chi-square on cells and the exact test of a cell. An
ordinal one, whose values all have bins, is tested as nominal, and by location. The parts are
combined by Cauchy's method (Liu and Xie 2020), the features by Benjamini and Hochberg's procedure.

Counts of dependent rows (users, days, weather) vary more than those of independent ones. With
slices of the reference each part has its own design effect, the slices' variance over that of
independent rows, shared across features by empirical Bayes (Smyth 2004); F laws replace chi-square.

Arrays have shape (..., features, bins), slices (slices, ..., features, bins); leading axes are
models. Padding bins are zero. A p-value that does not exist is NaN.
"""

from __future__ import annotations

import numpy as np
import scipy

from monitoring.drift.cells import ordered, pool, scarce_cells, unordered
from monitoring.drift.divergence import Floats
from monitoring.drift.exact import SMALLEST, Flags, coverage_p, largest_cell_p, share_p
from monitoring.drift.parts import ordered_parts, whole_p
from monitoring.drift.spread import (
    Spread,
    along_spread,
    cell_spread,
    clumping,
    contrast,
    inverse,
    moderate,
    share_spread,
)

MIN_SLICES = 8
#: Weight of location beside the levels of an ordinal feature. The smaller of two p-values is not a
#: p-value: at this weight it flags a tenth more features without drift than the levels alone.
LOCATION = 0.15
#: Factor on the p-value of new levels, for the additional test. That p-value hardly ever exists
#: without drift, so the other tests keep their weight.
COVERAGE = 5.0
#: Of location, scale, rest, location and scale together, the largest cell, and the atoms.
WEIGHTS = (0.4, 0.23, 0.03, 0.09, 0.25, 0.1)


def numeric_p(
    reference: Floats,
    current: Floats,
    slices: Floats | None = None,
    atoms: Flags | None = None,
) -> Floats:
    """p-value per continuous feature; `atoms` marks the bins of single values, (features, bins)."""
    cells = ordered(reference, current)
    parts, spread = ordered_parts(
        pool(reference, cells),
        pool(current, cells),
        None if slices is None else pool(slices, cells),
    )
    # Bins too thin for the parts are tested unmerged; new values show in them.
    cell = largest_cell_p(reference, current, slices, spread)
    value = np.full(cell.shape, np.nan)
    held = np.zeros(0, np.intp) if atoms is None else np.flatnonzero(atoms.any(-1))
    if atoms is not None and len(held):
        # A test of the atoms alone detects a smaller change than one of a dozen bins.
        own, factor = None, None
        if slices is not None and spread is not None:
            own = slices[..., held, :]
            factor = Spread(spread.factor[..., held], spread.freedom[..., held])
        m, n = reference[..., held, :], current[..., held, :]
        value[..., held] = largest_cell_p(m, n, own, factor, atoms[held])
    p = cauchy(np.concatenate([parts, cell[None], value[None]]), WEIGHTS)
    return np.where(_comparable(reference, current), p, np.nan)


def ordinal_p(
    reference: Floats, current: Floats, slices: Floats | None, unordered_p: Floats
) -> Floats:
    """p-value per ordinal feature: never above that of its values as levels, `unordered_p`."""
    cells = ordered(reference, current)
    halves = None if slices is None else pool(slices, cells)
    location = ordered_parts(pool(reference, cells), pool(current, cells), halves)[0][0]
    joined = cauchy(np.stack([location, unordered_p]), (LOCATION, 1 - LOCATION))
    return np.fmin(unordered_p, joined)


def categorical_p(
    reference: Floats,
    current: Floats,
    slices: Floats | None = None,
    own: Flags | None = None,
) -> Floats:
    """p-value per categorical feature; the first bins are `rest`, or its groups.

    NaN where a side has no values, or one level holds all of both. own: bins of the levels that
    stand beside groups, (features, bins).
    """
    factor = 1.0 if slices is None else clumping(reference, current, slices)
    cells = unordered(reference, current, factor=factor)
    a, c = pool(reference, cells), pool(current, cells)
    w, d, iv = contrast(a, c)
    left = (w > 0).sum(-1) - 1
    square = (d * d * inverse(w)).sum(-1) / iv
    if slices is None:
        whole, spread = scipy.special.chdtrc(np.maximum(left, 1), square)[None], None
    else:
        pooled = pool(slices, cells)
        varied = cell_spread(pooled, w, left)
        spread = moderate(varied, len(slices) - 1)
        whole = whole_p(square, left, (varied, along_spread(pooled, w, d)), len(slices))
    whole = np.where(left > 1, whole, np.nan)  # the exact test covers two cells
    scarce = scarce_cells(reference, current, factor)
    a, c = pool(reference, scarce), pool(current, scarce)
    parts = None if slices is None else pool(slices, scarce)
    cell = largest_cell_p(a, c, parts, spread)
    if own is not None:
        cell = _beside_groups(cell, (a, c, parts, spread), own[..., : a.shape[-1]])
    p = cauchy(np.stack([*whole, cell]), (0.5 / len(whole),) * len(whole) + (0.5,))
    # Scarce levels share a cell with new ones; if new levels replace them, that cell is unchanged.
    new = coverage_p(reference, current, factor, None if slices is None else len(slices) - 1)
    p = np.fmin(p, np.minimum(COVERAGE * new, 1.0))
    return np.where(_comparable(reference, current), p, np.nan)


def _beside_groups(
    cell: Floats, sides: tuple[Floats, Floats, Floats | None, Spread | None], own: Flags
) -> Floats:
    """The most deviating cell where levels are beside groups, each kind at half the level.

    There are one or two hundred groups; a level of its own is not compared with all of them.
    """
    groups = ~own & (np.arange(own.shape[-1]) < own.argmax(-1)[..., None])
    either = np.fmin(largest_cell_p(*sides, own), largest_cell_p(*sides, groups))
    return np.where(own.any(-1), np.minimum(2 * either, 1.0), cell)


def missing_p(reference: Floats, current: Floats, slices: Floats | None = None) -> Floats:
    """p-value of a change in the share of missing values; bins are (missing, present).

    NaN where neither side misses anything, both miss everything, or a side has no rows.
    """
    known = _comparable(reference, current)
    if not known.any():
        return np.full(known.shape, np.nan)
    a, c = ((side[..., 0], side.sum(-1)) for side in (reference, current))
    if slices is None:
        return np.where(known, share_p(a, c), np.nan)
    own = np.where(known, share_spread(slices[..., 0], slices.sum(-1)), np.nan)
    spread = moderate(own, len(slices) - 1)
    factor = np.where(np.isnan(own), 1.0, np.maximum(spread.factor, 1.0))
    return np.where(known, share_p(a, c, factor, spread.freedom), np.nan)


def cauchy(p: Floats, weights: tuple[float, ...]) -> Floats:
    """Combine p-values along the first axis; absent ones (NaN) have no weight."""
    shape = (-1,) + (1,) * (p.ndim - 1)
    weight = np.where(np.isnan(p), 0.0, np.reshape(weights, shape))
    with np.errstate(invalid="ignore", divide="ignore"):
        terms = 1 / np.tan(np.pi * np.clip(p, SMALLEST, 0.99))
        total = np.where(weight > 0, weight * terms, 0.0).sum(0) / weight.sum(0)
        combined: Floats = np.arctan2(1.0, total) / np.pi
    return combined


def benjamini_hochberg(p: Floats) -> Floats:
    """q-values along the last axis (the features of one model); NaN stays out of the family."""
    order = np.argsort(p, axis=-1)  # NaN last
    ranked = np.take_along_axis(p, order, -1)
    family = (~np.isnan(p)).sum(-1, keepdims=True)
    q = ranked * family / np.arange(1, p.shape[-1] + 1)
    q = np.fmin.accumulate(q[..., ::-1], axis=-1)[..., ::-1]
    answer = np.empty_like(p)
    np.put_along_axis(answer, order, np.where(np.isnan(ranked), np.nan, np.minimum(q, 1.0)), -1)
    return answer


def _comparable(reference: Floats, current: Floats) -> Flags:
    """Whether both sides have rows, and together more than one bin."""
    rows = np.minimum(reference.sum(-1), current.sum(-1)) > 0
    several: Flags = rows & (((reference + current) > 0).sum(-1) > 1)
    return several

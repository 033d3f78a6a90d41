"""Pooling of thin bins, so that the laws used on counts hold, and the effect free of sampling.

Arrays have shape (..., bins); a map of bins to cells has the same shape and holds cell numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from monitoring.drift.divergence import Floats, psi

EXPECTED = 5.0

CellMap = npt.NDArray[np.intp]


def expected(reference: Floats, current: Floats) -> Floats:
    """Count expected per bin in the smaller sample if both came from one distribution."""
    m, n = reference.sum(-1, keepdims=True), current.sum(-1, keepdims=True)
    counts: Floats = (reference + current) * (np.minimum(m, n) / np.maximum(m + n, 1))
    return counts


def noticed(reference: Floats, current: Floats) -> Floats:
    """Expected counts, but enough for a cell of its own where either side saw ten rows.

    A level that is new, or gone, expects little and yet is the very thing an effect has to show.
    Counts of the larger sample are scaled down to the smaller one.
    """
    m, n = reference.sum(-1, keepdims=True), current.sum(-1, keepdims=True)
    least = np.minimum(m, n)
    seen = np.maximum(reference * (least / np.maximum(m, 1)), current * (least / np.maximum(n, 1)))
    due = expected(reference, current)
    return np.where(seen >= 2 * EXPECTED, np.maximum(due, EXPECTED), due)


def adjacent_cells(counts: Floats) -> CellMap:
    """Merge neighbouring bins of ordered features until every cell expects at least 5."""
    cells = np.broadcast_to(np.arange(counts.shape[-1]), counts.shape).copy()
    thin = (counts < EXPECTED).any(-1)  # few features are, and merging walks over the bins
    cells[thin] = _merged(counts[thin])
    return cells


def _merged(counts: Floats) -> CellMap:
    cells = np.empty(counts.shape, np.intp)
    open_cell = np.zeros(counts.shape[:-1], np.intp)
    filled = np.zeros(counts.shape[:-1])
    for index in range(counts.shape[-1]):
        filled += counts[..., index]
        cells[..., index] = open_cell
        full = filled >= EXPECTED
        open_cell += full
        filled[full] = 0
    # What is left over at the end is too thin for a cell of its own.
    last = np.maximum(open_cell - 1, 0)
    return np.minimum(cells, last[..., None])


def scarce_cells(reference: Floats, current: Floats, factor: Floats | float = 1.0) -> CellMap:
    """Join the levels that are scarce on both sides together to `rest`, the first bin.

    The reference never counts anything in `rest`, since whatever it saw once has a level of its
    own, so `rest` alone would always look new. Levels are scarce up to that number of rows of which
    the reference sees none less than once in a hundred times, had both sides one distribution. Rows
    that come in clumps raise it by `factor`, the design effect.
    """
    m, n = reference.sum(-1, keepdims=True), current.sum(-1, keepdims=True)
    share = np.clip(n / np.maximum(m + n, 1), 1e-9, 1 - 1e-9)
    least = np.ceil(np.log(0.01) / np.log(share)) * np.asarray(factor)[..., None]
    scarce = (reference + current) < least
    return np.where(scarce, 0, np.arange(reference.shape[-1]))


def dealt_cells(counts: Floats) -> CellMap:
    """Deal the rare levels of unordered features into groups that expect about 5 each.

    Several groups keep more of a change among rare levels than one "other" cell would.
    """
    order = np.argsort(-counts, axis=-1, kind="stable")
    ranked = np.take_along_axis(counts, order, -1)
    kept = (ranked >= EXPECTED).sum(-1, keepdims=True)
    rare = np.where(ranked < EXPECTED, ranked, 0.0).sum(-1, keepdims=True)
    groups = np.maximum((rare // EXPECTED).astype(np.intp), 1)
    place = np.arange(counts.shape[-1]) - kept
    lap, seat = place // groups, place % groups
    dealt = kept + np.where(lap % 2 == 0, seat, groups - 1 - seat)
    # Rare levels that do not fill one group join the smallest cell.
    dealt = np.where((rare < EXPECTED) & (kept > 0), kept - 1, dealt)
    cells = np.empty(counts.shape, np.intp)
    np.put_along_axis(cells, order, np.where(place < 0, place + kept, dealt), -1)
    return cells


def pool(counts: Floats, cells: CellMap) -> Floats:
    """Sum counts by cell: (..., bins) to (..., cells), as many as the largest map has.

    Leading axes that only `counts` has, such as that of slices, share the map.
    """
    width = int(cells.max(initial=0)) + 1
    cells = np.broadcast_to(cells, counts.shape[-cells.ndim :])
    size = math.prod(cells.shape[:-1]) * width
    offsets = np.arange(0, size, width).reshape(*cells.shape[:-1], 1)
    places = (cells + offsets).ravel()
    pooled = np.empty((*counts.shape[:-1], width))
    for at in np.ndindex(counts.shape[: counts.ndim - cells.ndim]):
        flat = np.bincount(places, counts[at].ravel(), minlength=size)
        pooled[at] = flat.reshape(pooled[at].shape)
    return pooled


Weighing = Callable[[Floats, Floats], Floats]


def ordered(reference: Floats, current: Floats, weighing: Weighing = expected) -> CellMap:
    """Cells of numeric bins."""
    return adjacent_cells(weighing(reference, current))


def unordered(
    reference: Floats,
    current: Floats,
    weighing: Weighing = expected,
    factor: Floats | float = 1.0,
) -> CellMap:
    """Cells of categorical bins, the first of which is `rest`."""
    scarce = scarce_cells(reference, current, factor)
    dealt = dealt_cells(weighing(pool(reference, scarce), pool(current, scarce)))
    return np.take_along_axis(dealt, scarce, -1)


def effect(
    reference: Floats, current: Floats, pooling: Callable[[Floats, Floats, Weighing], CellMap]
) -> Floats:
    """psi of pooled cells minus its mean under no drift, (cells - 1)(1/n + 1/m). Not clipped."""
    cells = pooling(reference, current, noticed)
    a, c = pool(reference, cells), pool(current, cells)
    m, n = a.sum(-1), c.sum(-1)
    used = ((a + c) > 0).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond: Floats = psi(a, c) - (used - 1) * (1 / n + 1 / m)
    return beyond

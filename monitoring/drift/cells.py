"""Pooling of thin bins so that asymptotic laws hold, and the effect without its sampling bias.

Arrays have shape (..., bins); a map of bins to cells has the same shape and holds cell numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from monitoring.drift.atoms import SURE
from monitoring.drift.divergence import Floats, psi

EXPECTED = 5.0
#: Relative difference of equal sums that add their terms in another order.
ROUNDING = 1e-9

#: 2**64 over the golden ratio, a multiplier that mixes the upper bits (Knuth).
GOLDEN = np.uint64(0x9E3779B97F4A7C15)

CellMap = npt.NDArray[np.intp]


def expected(reference: Floats, current: Floats) -> Floats:
    """Count expected per bin in the smaller sample if both came from one distribution."""
    m, n = reference.sum(-1, keepdims=True), current.sum(-1, keepdims=True)
    counts: Floats = (reference + current) * (np.minimum(m, n) / np.maximum(m + n, 1))
    return counts


def noticed(reference: Floats, current: Floats) -> Floats:
    """Expected counts, raised to a cell's minimum where a side has ten rows or clearly too many.

    A level that is new, or gone, has a small expected count, and the effect still has to include
    it. Counts of the larger sample are scaled down to the smaller one.
    """
    m, n = reference.sum(-1, keepdims=True), current.sum(-1, keepdims=True)
    least = np.minimum(m, n)
    seen = np.maximum(reference * (least / np.maximum(m, 1)), current * (least / np.maximum(n, 1)))
    due = expected(reference, current)
    clear = np.minimum(due + 3 * np.sqrt(due) + 2, 2 * EXPECTED)
    return np.where(seen >= clear, np.maximum(due, EXPECTED), due)


def adjacent_cells(counts: Floats) -> CellMap:
    """Merge neighbouring bins of ordered features until every cell expects at least 5.

    Mirrored bins merge to mirrored cells.
    """
    cells = np.broadcast_to(np.arange(counts.shape[-1]), counts.shape).copy()
    thin = (counts < EXPECTED).any(-1)  # few features have thin bins, and merging loops over bins
    cells[thin] = _merged(counts[thin])
    return cells


def _merged(counts: Floats) -> CellMap:
    """Fill cells from both ends up to the median; the bins left over there form the centre."""
    low, high = _middle(counts)
    up, before = _filled(counts, low)
    down, after = _filled(counts[..., ::-1], counts.shape[-1] - 1 - high)
    centre = before[..., None]
    cells = np.where(up < centre, up, centre)
    beyond = after[..., None] - down[..., ::-1]
    cells = np.where(beyond > 0, centre + beyond, cells)
    return cells - _joined(pool(counts, cells), before, cells)


def _middle(counts: Floats) -> tuple[CellMap, CellMap]:
    """The last bin left of the median, and the first bin right of it."""
    below = np.cumsum(counts, -1)
    half = below[..., -1:] / 2
    low = (below < half * (1 - ROUNDING)).sum(-1)
    low = np.minimum(low, counts.shape[-1] - 1)
    # The median lies between two bins, or within one, which then belongs to neither side.
    between = np.take_along_axis(below, low[..., None], -1) <= half * (1 + ROUNDING)
    return low - ~between[..., 0], low + 1


def _filled(counts: Floats, last: CellMap) -> tuple[CellMap, CellMap]:
    """Fill cells from the first bin to the `last`: each bin's cell, and how many were filled."""
    cells = np.empty(counts.shape, np.intp)
    open_cell = np.zeros(counts.shape[:-1], np.intp)
    filled = np.zeros(counts.shape[:-1])
    for index in range(counts.shape[-1]):
        filled += counts[..., index]
        cells[..., index] = open_cell
        full = (filled >= EXPECTED) & (index <= last)
        open_cell += full
        filled[full] = 0
    return cells, open_cell


def _joined(filled: Floats, centre: CellMap, cells: CellMap) -> CellMap:
    """How many places each bin's cell moves down when a thin centre joins the thinner neighbour.

    Where both are equal it joins both, so that mirrored bins merge to mirrored cells.
    """
    beside = np.pad(filled, [(0, 0)] * (filled.ndim - 1) + [(1, 1)])
    place = centre[..., None]
    left, own, right = (np.take_along_axis(beside, place + step, -1) for step in range(3))
    left, right = (np.where(side > 0, side, np.inf) for side in (left, right))
    to_left = (own < EXPECTED) & (left <= right * (1 + ROUNDING)) & np.isfinite(left)
    to_right = (own < EXPECTED) & (right <= left * (1 + ROUNDING)) & np.isfinite(right)
    to_left &= (own > 0) | ~to_right  # an empty centre keeps its neighbours apart
    return (to_left & (cells >= place)).astype(np.intp) + (to_right & (cells > place))


def scarce_cells(reference: Floats, current: Floats, factor: Floats | float = 1.0) -> CellMap:
    """Merge scarce cells into the first cell: `rest`, or its first group.

    Where each level has a cell, `rest` has no rows in the reference and alone would always look
    new. A cell is scarce while its rows on both sides together are so few that, under one common
    distribution, the reference would have none of them at least once in a hundred times. Dependent
    rows raise that number by `factor`, the design effect. A cell with many rows in the reference is
    not scarce, however large the window is.
    """
    m, n = reference.sum(-1, keepdims=True), current.sum(-1, keepdims=True)
    share = np.clip(n / np.maximum(m + n, 1), 1e-9, 1 - 1e-9)
    clumps = np.asarray(factor)[..., None]
    least = np.ceil(np.log(0.01) / np.log(share)) * clumps
    scarce = ((reference + current) < least) & (reference < np.minimum(SURE * clumps, m / 4))
    return np.where(scarce, 0, np.arange(reference.shape[-1]))


def dealt_cells(counts: Floats, ties: npt.NDArray[np.uint64]) -> CellMap:
    """Deal the rare levels of unordered features into groups that expect about 5 each.

    Several groups keep more of a change among rare levels than one "other" cell would. Levels with
    equal expected counts are dealt in the order of `ties`.
    """
    order = np.lexsort((ties, -counts), axis=-1)
    ranked = np.take_along_axis(counts, order, -1)
    kept = (ranked >= EXPECTED).sum(-1, keepdims=True)
    rare = np.where(ranked < EXPECTED, ranked, 0.0).sum(-1, keepdims=True)
    groups = np.maximum((rare // EXPECTED).astype(np.intp), 1)
    place = np.arange(counts.shape[-1]) - kept
    lap, seat = place // groups, place % groups
    dealt = kept + np.where(lap % 2 == 0, seat, groups - 1 - seat)
    # Rare levels that do not fill one group join the smallest other cell.
    dealt = np.where((rare < EXPECTED) & (kept > 0), kept - 1, dealt)
    cells = np.empty(counts.shape, np.intp)
    np.put_along_axis(cells, order, np.where(place < 0, place + kept, dealt), -1)
    return cells


def pool(counts: Floats, cells: CellMap) -> Floats:
    """Sum counts by cell: (..., bins) to (..., cells), with the cells of the largest map.

    Leading axes of `counts` alone, such as that of slices, share the map.
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
    """Cells of categorical bins, the first of which is `rest` or one of its groups."""
    scarce = scarce_cells(reference, current, factor)
    a, c = pool(reference, scarce), pool(current, scarce)
    return np.take_along_axis(dealt_cells(weighing(a, c), _ties(a, c)), scarce, -1)


def leveled(reference: Floats, current: Floats, weighing: Weighing) -> CellMap:
    """Cells of categorical bins for an effect: new levels and lost levels stay apart."""
    return dealt_cells(weighing(reference, current), _ties(reference, current))


def _ties(a: Floats, c: Floats) -> npt.NDArray[np.uint64]:
    """Order levels with equal expected counts by a hash of their counts.

    An order by place would change the test when levels are renamed; an order by change would make
    the groups depend on the change that is tested.
    """
    return _hashed(a) + (_hashed(c) >> np.uint64(1))


def _hashed(counts: Floats) -> npt.NDArray[np.uint64]:
    mixed = counts.astype(np.uint64) * GOLDEN
    return (mixed ^ (mixed >> np.uint64(29))) * GOLDEN


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

"""Design effects of sums over many windows, from slices of the reference in the order of time.

Slices vary more than independent rows, and consecutive slices are correlated. Both increase the
variance of a sum over many windows without drift.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from monitoring.drift.cells import pool, unordered
from monitoring.drift.divergence import Floats
from monitoring.drift.exact import SMALLEST
from monitoring.drift.spread import cell_spread, deviations, moderate, share_spread

MOST_LASTING = 0.95


def of_scores(
    slices: Floats | None, cells: npt.NDArray[np.intp], scores: Floats
) -> tuple[Floats, Floats | None]:
    """Design effects, at least 1, of location and scale: (2, features), and their freedom."""
    if slices is None:
        return np.ones(scores.shape[:-1]), None
    rows, apart = deviations(pool(slices, cells))
    moved = (apart[:, None] * scores).sum(-1)
    estimate = (rows[:, None] * moved**2).sum(0) / (len(slices) - 1)
    spread = moderate(np.where((scores != 0).any(-1), estimate, np.nan), len(slices) - 1)
    lasting = _lasting(moved)
    return np.maximum(spread.factor, 1.0) * lasting, np.maximum(spread.freedom / lasting, 1.0)


def of_features(slices: Floats | None, a: Floats, c: Floats) -> tuple[Floats, Floats | None]:
    """Design effect, at least 1, of categorical features: (features,), and its freedom."""
    if slices is None:
        return np.ones(len(a)), None
    cells = unordered(a, c)
    w = pool(a + c, cells) / np.maximum((a + c).sum(-1, keepdims=True), 1)
    own = cell_spread(pool(slices, cells), w, (w > 0).sum(-1) - 1)
    spread = moderate(own, len(slices) - 1)
    return np.fmax(spread.factor, 1.0), spread.freedom


def of_levels(
    slices: Floats | None,
    cells: npt.NDArray[np.intp],
    used: npt.NDArray[np.bool_],
    least: Floats,
) -> tuple[Floats, Floats | None]:
    """Design effect of each used cell, at least that of its feature."""
    if slices is None:
        return least, None
    feature, _ = np.nonzero(used)
    hits, rows = pool(slices, cells)[:, used], slices.sum(-1)[:, feature]
    apart = hits / np.maximum(rows, 1) - hits.sum(0) / np.maximum(rows.sum(0), 1)
    lasting = _lasting(np.where(rows > 0, apart, 0.0))
    own = np.fmax(share_spread(hits, rows), least)
    return own * lasting, np.maximum((len(slices) - 1) / lasting, 1.0)


def _lasting(apart: Floats) -> Floats:
    """Variance of the sum of many slices, relative to that of uncorrelated slices.

    The factor is (1 + r)/(1 - r) for a first-order autoregression, with r the correlation of
    consecutive slices (first axis), corrected for its bias in short series (Kendall 1954,
    Biometrika 41, 403).
    """
    square = np.maximum((apart**2).sum(0), SMALLEST)
    r = (apart[1:] * apart[:-1]).sum(0) / square
    r = np.clip(r + (1 + 3 * r) / len(apart), 0.0, MOST_LASTING)
    lasting: Floats = (1 + r) / (1 - r)
    return lasting

"""The confidence interval of an effect, psi less its sampling floor.

With gradients g = ln(q/p) + 1 - p/q towards the current shares q and f = 1 - q/p - ln(q/p) towards
the reference's p, psi varies by Var_q(g)/n + Var_p(f)/m (the delta method: Bishop, Fienberg and
Holland 1975, Discrete Multivariate Analysis, 14.6), in proportion to psi itself. Without a change
it is 1/n + 1/m times a chi-square with one degree of freedom less than there are cells, and that
variance remains. Large effects vary more than small ones, so the interval holds every effect from
which the observed one deviates by at most 1.96 of *that* effect's standard deviations (as Wilson
1927 does for a share). Rows are assumed to be independent.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from monitoring.drift.cells import noticed, pool
from monitoring.drift.divergence import Floats
from monitoring.drift.ruler import Ruler
from monitoring.drift.scoring import POOLING, gathered, pooled
from monitoring.drift.sketch import Counts

NORMAL_95 = 1.959964


def intervals(ruler: Ruler, reference: Counts, current: Counts) -> Floats:
    """Lower and upper end of every effect's 95 % interval, neither below 0.

    Counts of shape (pairs, ruler.width) give (2, pairs, features); NaN where a side has no rows.
    """
    found = np.full((2, len(reference), len(ruler.features)), np.nan)
    for block in ruler.blocks:
        a, c = (pooled(gathered(side, block.places), block.tested) for side in (reference, current))
        cells = POOLING[block.scale](a, c, noticed)
        found[:, :, block.features] = _ends(pool(a, cells), pool(c, cells))
    return found


def _ends(a: Floats, c: Floats) -> Floats:
    used = (a + c) > 0
    m, n = a.sum(-1), c.sum(-1)
    p, q = _shares(a, used), _shares(c, used)
    log = np.log(q / p)
    psi = ((q - p) * log).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        iv, left = 1 / n + 1 / m, used.sum(-1) - 1
        moved = _variance(q, log + 1 - p / q, used) / n + _variance(p, 1 - log - q / p, used) / m
        # Half of the variance's growth with the effect; 2 (1/n + 1/m) for small effects.
        growth = NORMAL_95**2 * np.where(psi > 0, moved / psi, 4 * iv * (left > 0)) / 2
        middle = psi - left * iv + growth
        least = 2 * left * iv**2
        reach = np.sqrt(np.maximum(middle**2 - (psi - left * iv) ** 2 + NORMAL_95**2 * least, 0))
        ends = np.maximum(np.stack([middle - reach, middle + reach]), 0.0)
    return np.where((m > 0) & (n > 0), ends, np.nan)


def _shares(counts: Floats, used: npt.NDArray[np.bool_]) -> Floats:
    """Shares of the used cells with half a count added to each, as psi has them; else 1."""
    total = counts.sum(-1, keepdims=True) + 0.5 * used.sum(-1, keepdims=True)
    return np.where(used, (counts + 0.5) / np.maximum(total, 0.5), 1.0)


def _variance(share: Floats, value: Floats, used: npt.NDArray[np.bool_]) -> Floats:
    weight = np.where(used, share, 0.0)
    mean = (weight * value).sum(-1)
    variance: Floats = (weight * value * value).sum(-1) - mean * mean
    return variance

"""Association of each feature with the score: which features a model depends on, by its logs.

A feature's association is the share of the scores' variance that lies between the feature's bins,
missing values being a bin of their own: the correlation ratio, less what chance would give it
(Kelley 1935, PNAS 21, 554). It needs neither labels nor the model, and finds dependence of any
shape. It is not a SHAP value or a permutation importance: a feature that is only correlated with an
important one has an association, too, and a feature that varies less has a smaller one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import scipy
from numpy.typing import NDArray

from monitoring.attribution import agreement, ndcg
from monitoring.drift.ruler import Ruler
from monitoring.score_sums import Sums, summed_like

#: Days of the reference that a limit needs.
MIN_DAYS = 14
#: Chance that a day like those of the reference falls below the limit.
LEVEL = 1e-4
#: Rows that a window needs, and their share of a usual day's; with fewer, ranks are random.
MIN_ROWS = 200
LEAST_SHARE = 0.8
#: Features written out in a reason.
NAMED = 3
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Association:
    """Agreement of the features' order with the reference's.

    `ndcg` (1: the same order) is weighted by the association at the reference, and `limit` is the
    least that noise between the reference's days allows; `spearman` and `kendall` weigh all
    features alike. `moved` is None where the reference has too few days, or the window too few
    rows. `features` changed rank.
    """

    ndcg: float
    limit: float
    moved: bool | None
    reason: str
    features: tuple[str, ...] = ()
    spearman: float | None = None
    kendall: float | None = None


def compare(reference: Sums, features: pa.Table, score: Floats, least: float) -> Association | None:
    """Compare a window's associations with the reference's; None where its scores do not vary.

    The limit is `least`, or lower where the reference's days differ more from its other days: with
    an exponential tail, 1 - NDCG of one more day exceeds the mean of D days times the F(2, 2D)
    quantile with a chance of 0.01 %. Fewer rows than usual widen it in proportion. The limit is
    never above the NDCG of a day of the reference.
    """
    known = ~np.isnan(score)
    if known.sum() < 2 or np.ptp(score[known]) == 0 or not reference.ruler.features:
        return None
    rows = features.filter(pa.array(known))
    window = summed_like(reference, rows, score[known])
    names = list(reference.ruler.features)
    before, now = associations(reference), associations(window)
    told = agreement(dict(zip(names, before, strict=True)), dict(zip(names, now, strict=True)))
    if told is None:
        return None
    limit = _limit(reference, len(rows), least)
    moved = None if limit is None else told.ndcg < limit
    shifts = sorted(told.shifts, key=lambda shift: (min(shift.before, shift.after), shift.before))
    shown = [f"{one.feature} from rank {one.before} to {one.after}" for one in shifts[:NAMED]]
    return Association(
        told.ndcg,
        limit if limit is not None else least,
        moved,
        _reason(told.ndcg, limit, shown if moved else ()),
        tuple(one.feature for one in shifts[:NAMED]) if moved else (),
        told.spearman,
        told.kendall,
    )


def _reason(agreed: float, limit: float | None, shown: Sequence[str]) -> str:
    missing = "no limit: too few days in the reference, or too few rows in the window"
    bound = missing if limit is None else f"limit {limit:.3f}"
    told = f"agreement with the reference (NDCG) {agreed:.3f}, {bound}"
    if not shown:
        return f"the features that the score is associated with: {told}"
    changed = ", ".join(shown)
    return f"the features that the score is associated with have changed: {told}; {changed}"


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
    reach = float(np.mean(apart)) * float(scipy.special.fdtri(2, 2 * len(apart), 1 - LEVEL))
    return min(least, 1 - max(reach, *apart) * max(1.0, usual / rows))


def _rows(found: Sums) -> Floats:
    """Rows of each day, from the bins of one feature, which hold every row."""
    first = next(iter(found.ruler.features.values()))
    rows: Floats = found.counts[:, : first.size + 1].sum(axis=1)
    return rows

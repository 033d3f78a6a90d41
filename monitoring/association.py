"""Association of each feature with the score: what a model leans on, told without the model.

A feature's association is the share of the scores' variance that lies between the feature's bins,
missing values being a bin of their own: the correlation ratio, less what chance would give it
(Kelley 1935, PNAS 21, 554). It needs neither labels nor the model and sees shapes of any kind. It
is no SHAP value and no permutation importance: a feature that only goes with an important one is
associated, too, and one that varies less explains less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import fdtri

from monitoring.attribution import agreement, ndcg
from monitoring.drift.ruler import Ruler
from monitoring.score_sums import Sums, summed_like

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

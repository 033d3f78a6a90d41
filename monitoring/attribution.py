"""Attribution drift: whether features have the same order of importance as before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shift:
    """One feature whose rank (1 is the most important) changed."""

    feature: str
    before: int
    after: int


@dataclass(frozen=True)
class Agreement:
    """Agreement of two rankings of features; 1 is the same order.

    `ndcg` weighs features by their importance before, so that changes among unimportant ones hardly
    count; `spearman` and `kendall` weigh all features alike and are None where one side gives all
    features the same importance, or there is only one.
    """

    ndcg: float
    spearman: float | None
    kendall: float | None
    shifts: tuple[Shift, ...]


def agreement(before: Mapping[str, float], after: Mapping[str, float]) -> Agreement | None:
    """Compare absolute importances by feature; a feature that one side lacks counts as 0 there.

    NDCG with the importance before as the gain and log2 discounts (Järvelin & Kekäläinen 2002, ACM
    TOIS 20, 422), the metric of Azure Machine Learning's feature attribution drift ("Model
    monitoring with Azure Machine Learning", Microsoft Learn). Features that are equally important
    after share the discounts of their ranks (McSherry & Najork 2008, ECIR). None where there was
    no importance before.
    """
    names = sorted({*before, *after})
    was = np.array([abs(before.get(name, 0.0)) for name in names])
    now = np.array([abs(after.get(name, 0.0)) for name in names])
    if not names or not was.sum() > 0:
        return None
    # Deferred: scipy.stats costs a second of the import of the entry points.
    from scipy.stats import kendalltau, spearmanr

    varied = len(names) > 1 and np.ptp(was) > 0 and np.ptp(now) > 0
    return Agreement(
        ndcg(was, now),
        float(spearmanr(was, now).statistic) if varied else None,
        float(kendalltau(was, now).statistic) if varied else None,
        _shifts(names, was, now),
    )


def ndcg(was: Floats, now: Floats) -> float:
    """NDCG of the order after for the importance before (> 0 somewhere), as `agreement` has it."""
    return _gain(was, now) / _gain(was, was)


def _gain(relevance: Floats, order: Floats) -> float:
    discounts = 1 / np.log2(np.arange(len(order)) + 2)
    _, code, count = np.unique(-order, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    shared = [discounts[end - n : end].mean() for end, n in zip(ends, count, strict=True)]
    return float(np.dot(relevance, np.array(shared)[code]))


def _shifts(names: list[str], was: Floats, now: Floats) -> tuple[Shift, ...]:
    """Features whose rank changed, in order of their importance before."""
    ranks = []
    for side in (was, now):
        order = sorted(range(len(names)), key=lambda i: (-side[i], names[i]))
        ranks.append({place: rank for rank, place in enumerate(order, 1)})
    moved = [i for i in range(len(names)) if ranks[0][i] != ranks[1][i]]
    moved.sort(key=lambda i: ranks[0][i])
    return tuple(Shift(names[i], ranks[0][i], ranks[1][i]) for i in moved)

"""A stuck feed: a day whose class always differs looks like a usual day.

A feed that repeats itself sends Friday's rows on Saturday. Compared with all days nothing deviates;
compared with days of its class it is drift, towards the days that it should differ from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitoring.drift.ruler import Ruler
from monitoring.drift.scoring import score
from monitoring.drift.significance import MIN_SLICES, benjamini_hochberg
from monitoring.drift.sketch import Sketch, merge
from monitoring.drift.verdict import Policy

LEVEL = 1e-3
"""Rate of false discoveries at which a window counts as different from its own class."""


def stuck(
    ruler: Ruler, window: Sketch, own: Sequence[Sketch], usual: Sequence[Sketch], policy: Policy
) -> tuple[tuple[str, ...], int]:
    """Features that look like usual days although the window's class always differs in them.

    Such a feature differs between `own` and `usual` significantly and by at least the policy's
    floor; the window differs from `own` likewise, and from `usual` by less than the floor.

    Parameters
    ----------
    own, usual
        Slices of the reference: days of the window's class, and the days that they differ from.

    Returns
    -------
    The names, and the number of features that always differ. Empty and 0 where either side has too
    few slices.
    """
    if min(len(own), len(usual)) < MIN_SLICES:
        return (), 0
    mine, theirs = merge(ruler, own), merge(ruler, usual)
    apart = score(ruler, _row(theirs), _row(mine), _rows(usual))
    differs = (benjamini_hochberg(apart.p) <= policy.fdr) & (apart.effect >= policy.floor)
    fresh = score(ruler, _row(mine), _row(window), _rows(own))
    unlike = benjamini_hochberg(np.where(differs, fresh.p, np.nan)) <= LEVEL
    alike = score(ruler, _row(theirs), _row(window)).effect < policy.floor
    found = (differs & unlike & (fresh.effect >= policy.floor) & alike)[0]
    names = tuple(name for name, one in zip(ruler.features, found, strict=True) if one)
    return names, int(differs.sum())


def _row(one: Sketch) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return one.counts[None]


def _rows(slices: Sequence[Sketch]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.stack([one.counts for one in slices])

"""Learnt thresholds: a robust high quantile of earlier effects, at least the policy's threshold.

An effect grows with the square of a shift, so its root is symmetric around a usual shift and has no
long tail. A number of interquartile ranges is added to the median root; drift in less than a
quarter of the windows changes neither much. With few windows both are uncertain, so the number is
larger; it was found by simulation, see the tests.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from monitoring.drift.ruler import Ruler
from monitoring.drift.scoring import score
from monitoring.drift.sketch import Sketch
from monitoring.drift.verdict import Policy

MIN_WINDOWS = 8
RANGES, FEW = 2.0, 15.0
"""Interquartile ranges above the median for many windows, and the addition for few."""


def learnt(history: Iterable[float | None], floor: float) -> float:
    """Return the effect that a window like those of `history` exceeds once in a hundred times.

    The rate is at most that where effects are due to sampling, with or without a constant shift;
    it is up to 2.7 times that where days differ in location around no shift (chi-square of one
    degree of freedom).

    Parameters
    ----------
    history
        Effects (psi less its sampling floor) of earlier windows of one feature and one class of
        days; those without a value are left out. Fewer than 8 leave the floor.
    floor
        The policy's own threshold, which is only ever raised.

    >>> learnt([0.01, 0.02, 0.01, 0.03, 0.02, 0.01, 0.02, 0.02], floor=0.1)
    0.1
    >>> round(learnt([0.04, 0.05, 0.04, 0.07, 0.05, 0.04, 0.06, 0.06], floor=0.1), 2)
    0.16
    """
    known = np.array([one for one in history if one is not None and math.isfinite(one)])
    if len(known) < MIN_WINDOWS:
        return floor
    # Less its sampling floor an effect may be negative.
    least = min(float(known.min()), 0.0)
    lower, middle, upper = np.quantile(np.sqrt(known - least), (0.25, 0.5, 0.75))
    high = float(middle + (RANGES + FEW / len(known)) * (upper - lower))
    return max(floor, high**2 + least)


def raised(ruler: Ruler, usual: Sketch, days: Sequence[Sketch], policy: Policy) -> dict[str, float]:
    """Thresholds of the features whose effect on such days is usually near or over the policy's.

    Parameters
    ----------
    usual
        The reference of the windows.
    days
        Earlier windows of one class of days; fewer than 8 raise nothing. They are used singly,
        although thresholds apply to several merged, whose effect is hardly larger.

    Returns
    -------
    Thresholds by feature, as a psi, where they are above the policy's.
    """
    if len(days) < MIN_WINDOWS:
        return {}
    counts = np.stack([one.counts for one in days])
    effects = score(ruler, np.broadcast_to(usual.counts, counts.shape), counts).effect
    floors = {name: policy.threshold_of(name) for name in ruler.features}
    found = {
        name: learnt(column.tolist(), floors[name])
        for name, column in zip(ruler.features, effects.T, strict=True)
    }
    return {name: value for name, value in found.items() if value > floors[name]}

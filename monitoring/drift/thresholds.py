"""Thresholds learnt from what has been usual: a robust high quantile of earlier effects, floored.

Effects of windows without drift pile up near zero and reach far to the right. Their upper half is
taken to fall off exponentially beyond the median, at the pace that the upper quartile shows: drift
that struck less than a quarter of the windows moves neither far. Few windows know that pace badly,
so the next one's excess is Lomax rather than exponential: the mixture over a gamma-distributed
pace.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from monitoring.drift.binning import Ruler
from monitoring.drift.scoring import score
from monitoring.drift.sketch import Sketch
from monitoring.drift.verdict import Policy

MIN_WINDOWS = 8
RATE = 0.01


def learnt(history: Iterable[float | None], floor: float, rate: float = RATE) -> float:
    """Return the effect that a window like those of `history` exceeds about that often.

    At most that often where the tail is no heavier than exponential; chi-square laws of one degree
    of freedom, as of days that differ in location, exceed it up to 2.5 times as often.

    Parameters
    ----------
    history
        Effects (psi less its sampling floor) of earlier windows of one feature and one class of
        days; those without a value are left out. Fewer than 8 leave the floor.
    floor
        The policy's own threshold: what was learnt only ever raises it.
    rate
        Share of windows without drift, below one half, that may lie over the threshold.

    >>> learnt([0.01, 0.02, 0.01, 0.03, 0.02, 0.01, 0.02, 0.02], floor=0.1)
    0.1
    >>> round(learnt([0.04, 0.05, 0.04, 0.07, 0.05, 0.04, 0.06, 0.06], floor=0.1), 2)
    0.23
    """
    known = np.array([one for one in history if one is not None and math.isfinite(one)])
    if len(known) < MIN_WINDOWS:
        return floor
    middle, upper = np.quantile(known, (0.5, 0.75))
    pace = (upper - middle) / math.log(2)
    # A quarter of the windows lie between the two quantiles that the pace was learnt from.
    shape = len(known) / 4
    excess = pace * shape * ((0.5 / rate) ** (1 / shape) - 1)
    return max(floor, float(middle + excess))


def raised(ruler: Ruler, usual: Sketch, days: Sequence[Sketch], policy: Policy) -> dict[str, float]:
    """Thresholds of the features whose effect on such days is usually near the policy's, or over.

    Parameters
    ----------
    usual
        What windows are held against.
    days
        Earlier windows of one class of days; fewer than 8 raise nothing. Each stands alone, though
        thresholds are for several merged: their effect is hardly larger.

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

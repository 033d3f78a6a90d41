"""Slow drift, too small for any single window: evidence accumulated over trailing windows.

For every start among the last windows, a mixture likelihood ratio compares a shift of about tau
standard deviations with none; the ratios of all starts are summed (an e-detector: Shin, Ramdas and
Rinaldo 2023, New England Journal of Statistics in Data Science). With independent windows and a
known law, evidence reaches 1e5 less than once in 1e5 windows. The reference is estimated: its error
is common to all windows and part of the variance here, and its false alarm rate is measured, not
proved.

Slices of the reference, in the order of time, give the variance between windows and how long a
deviation lasts. The window with the strongest evidence is always left out, so that one bad day is
never a slow drift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from monitoring.drift import design_effects
from monitoring.drift.binning import Scale
from monitoring.drift.cells import EXPECTED, adjacent_cells, pool, scarce_cells
from monitoring.drift.divergence import Floats
from monitoring.drift.exact import SMALLEST
from monitoring.drift.parts import normal_scores
from monitoring.drift.ruler import Ruler
from monitoring.drift.scoring import gathered, pooled
from monitoring.drift.significance import MIN_SLICES
from monitoring.drift.sketch import Sketch

TAU = 0.1
WINDOWS = 32
#: Rows of the reference that a cell of numeric bins needs for its score to be known well.
SCORED = 20.0
LARGEST = 700.0


@dataclass(frozen=True)
class Held:
    """A window, and the reference that it is compared with."""

    window: Sketch
    reference: Sketch


@dataclass(frozen=True, eq=False)
class _Run:
    """Counts of one kind of features by window, newest first, and the reference of each window.

    references (references, features, bins), windows (windows, features, bins), slices alike.
    """

    references: Floats
    windows: Floats
    own: npt.NDArray[np.bool_]  # (references, windows)
    slices: Floats | None


def evidence(ruler: Ruler, held: Sequence[Held], slices: Sequence[Sketch] = ()) -> Floats:
    """Evidence of drift per feature, shape (features,); 0 with fewer than two windows.

    Parameters
    ----------
    held
        Windows counted with `ruler`, oldest first, of which the last 32 are used; the caller leaves
        out windows whose rows are known to be special.
    slices
        Parts of the reference as long as a window, for the design effects of rows that are not
        independent; fewer than 8 are not used.
    """
    found = np.zeros(len(ruler.features))
    recent = held[-WINDOWS:][::-1]
    if len(recent) < 2:
        return found
    references = list({id(one.reference): one.reference for one in recent}.values())
    own = np.array([[one.reference is other for one in recent] for other in references], np.bool_)
    usable = slices if len(slices) >= MIN_SLICES else ()
    for block in ruler.blocks:
        nominal = block.scale is Scale.NOMINAL
        # A feature of few values counts as ordered here: its slow drift is in location and scale.
        cells = block.tested if nominal else None
        sides = [[one.counts for one in references], [one.window.counts for one in recent]]
        a, c = (pooled(gathered(np.stack(side), block.places), cells) for side in sides)
        parts = [one.counts for one in usable]
        halves = pooled(gathered(np.stack(parts), block.places), cells) if parts else None
        found[block.features] = (_categorical if nominal else _numeric)(_Run(a, c, own, halves))
    return found


def _numeric(run: _Run) -> Floats:
    """Mean evidence of location and scale, on the normal scores of the reference's bins."""
    whole = run.references.sum(0)
    cells = adjacent_cells(whole * (EXPECTED / SCORED))
    w = pool(whole, cells) / np.maximum(whole.sum(-1, keepdims=True), 1)
    scores = np.stack(normal_scores(w))
    m = np.maximum(run.references.sum(-1), 1)
    spots = pool(run.references, cells)[:, None] * scores / m[:, None, :, None]
    mean = spots.sum(-1)
    variance = (spots * scores).sum(-1) - mean**2
    n = run.windows.sum(-1)
    sums = (pool(run.windows, cells)[:, None] * scores).sum(-1)
    x = sums - n[:, None] * np.einsum("rk,rpf->kpf", run.own, mean)
    x_less, n_less = _spared(x, np.broadcast_to(n[:, None], x.shape))
    mix = _mix(run.own, n)
    v = (mix[:, :, None] * variance[:, None]).sum(0) / n_less
    v = v + (mix[:, :, None] ** 2 * variance[:, None] / m[:, None, None]).sum(0)
    factor, freedom = design_effects.of_scores(run.slices, cells, scores)
    v = np.maximum(v * factor, SMALLEST)
    known = (scores != 0).any(-1)
    terms = np.where(known, _ratio(_normal((x_less / n_less) ** 2 / v, freedom), v), 0.0)
    parts = np.maximum(known.sum(0), 1)
    return np.asarray(terms[1:].sum((0, 1)) / parts, np.float64)


def _categorical(run: _Run) -> Floats:
    """Mean evidence of the levels' shares, each by the binomial's large deviations.

    The tail of a binomial is at most exp(-deviance) (Chernoff). That p-value replaces the normal
    law's, whose tail is too thin for rare levels.
    """
    whole, every = run.references.sum(0), run.windows.sum(0)
    factor, _ = design_effects.of_features(run.slices, whole, every)
    cells = scarce_cells(whole, every, factor)
    used = (pool(whole, cells) + pool(every, cells)) > 0
    feature, _ = np.nonzero(used)
    n, m = run.windows.sum(-1)[:, feature], np.maximum(run.references.sum(-1), 1)[:, feature]
    shares = pool(run.references, cells)[:, used] / m
    x = pool(run.windows, cells)[:, used] - n * np.einsum("rk,ru->ku", run.own, shares)
    x_less, n_less = _spared(x, n)
    mix = _mix(run.own, n)
    expected = (mix * shares[:, None]).sum(0)
    size = 1 / np.maximum((mix**2 / m[:, None]).sum(0), SMALLEST)
    factor, freedom = design_effects.of_levels(run.slices, cells, used, factor[feature])
    deviance = _deviance(n_less * expected + x_less, expected * size, n_less, size) / factor
    v = (1 / n_less + 1 / size) * factor
    square = scipy.special.ndtri(np.clip(2 * np.exp(-deviance), SMALLEST, 1.0) / 2) ** 2
    terms = _ratio(_normal(square, freedom), v)[1:].sum(0)
    features = used.shape[0]
    summed = np.bincount(feature, terms, features)
    mean: Floats = summed / np.maximum(np.bincount(feature, minlength=features), 1)
    return mean


def _spared(x: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Sums over trailing windows (first axis, newest first) without the most extreme one.

    Returns the sums of `x`, never across zero, and of `n`, at least a tiny number.
    """
    top, low = np.full(x.shape[1:], -np.inf), np.full(x.shape[1:], np.inf)
    n_top, n_low = np.zeros_like(top), np.zeros_like(low)
    x_sum, n_sum = np.cumsum(x, 0), np.cumsum(n, 0)
    x_less, n_less = np.empty_like(x), np.empty_like(x)
    for k in range(len(x)):
        n_top, n_low = np.where(x[k] > top, n[k], n_top), np.where(x[k] < low, n[k], n_low)
        top, low = np.maximum(top, x[k]), np.minimum(low, x[k])
        rising = x_sum[k] >= 0
        x_less[k] = np.where(rising, np.maximum(x_sum[k] - top, 0), np.minimum(x_sum[k] - low, 0))
        n_less[k] = n_sum[k] - np.where(rising, n_top, n_low)
    return x_less, np.maximum(n_less, 1e-6)


def _mix(own: npt.NDArray[np.bool_], n: Floats) -> Floats:
    """Share of each reference in the rows of the trailing windows: (references, windows, …)."""
    rows = np.cumsum(own[:, :, None] * n, 1)
    mix: Floats = rows / np.maximum(rows.sum(0), 1)
    return mix


def _ratio(square: Floats, v: Floats) -> Floats:
    """Likelihood of a mean with variance v + tau² over that with variance v; square: mean² / v."""
    left = v / (v + TAU**2)
    log = 0.5 * np.log(left) + 0.5 * square * (1 - left)
    ratio: Floats = np.exp(np.minimum(log, LARGEST))
    return ratio


def _normal(square: Floats, freedom: Floats | None) -> Floats:
    """Map squares with a variance estimated with `freedom` to the chi-square law's tail."""
    if freedom is None:
        return square
    p = np.clip(scipy.special.fdtrc(1, freedom, square), SMALLEST, 1.0)
    normal: Floats = scipy.special.ndtri(p / 2) ** 2
    return normal


def _deviance(c: Floats, a: Floats, n: Floats, m: Floats) -> Floats:
    """Log likelihood ratio of c of c + a rows having the chance n / (n + m), or another."""
    c, a = np.maximum(c, 0), np.maximum(a, 0)
    t = np.maximum(c + a, SMALLEST)
    deviance: Floats = scipy.special.xlogy(c, c * (n + m) / (t * n)) + scipy.special.xlogy(
        a, a * (n + m) / (t * m)
    )
    return np.maximum(deviance, 0)

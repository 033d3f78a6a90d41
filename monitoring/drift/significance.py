"""Is a difference between two histograms more than sampling, over all features of a model?

A numeric feature is tested by three orthogonal parts of its counts, location, scale and rest, on
the normal scores of the bins; a categorical one by a chi-square on cells and by its largest cell.
The parts join by the Cauchy combination (Liu and Xie 2020) and features by Benjamini and Hochberg.

Rows that are not independent (users, days, weather) make counts vary more than sampling does. With
slices of the reference each part gets its own design effect, the slices' variance over that of
independent rows, shared across features by empirical Bayes (Smyth 2004); F laws replace chi-square.

Arrays have shape (..., features, bins), slices (slices, ..., features, bins); leading axes are
models. Padding bins are zero. A p-value that does not exist is NaN.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincc, chdtrc, erfc, fdtrc, ndtri

from monitoring.drift.cells import ordered, pool, scarce_cells, unordered
from monitoring.drift.divergence import Floats
from monitoring.drift.spread import (
    Spread,
    along_spread,
    cell_spread,
    clumping,
    contrast,
    deviations,
    inverse,
    moderate,
    share_spread,
)

Flags = npt.NDArray[np.bool_]
Scores = tuple[Floats, Floats, Floats]  # shares of cells, location score, scale score

MIN_SLICES = 8
SMALLEST = 1e-300


def numeric_p(reference: Floats, current: Floats, slices: Floats | None = None) -> Floats:
    """p-value per numeric feature."""
    cells = ordered(reference, current)
    a, c = pool(reference, cells), pool(current, cells)
    w, d, iv = contrast(a, c)
    h1, h2 = normal_scores(w)
    used = (w > 0).sum(-1)
    left = np.maximum(used - 3, 0)
    halves = None if slices is None else pool(slices, cells)
    if halves is None:
        parts = _chi_square_parts(_split(d, (w, h1, h2)) / iv, left)
    else:
        parts = _f_parts(d, iv, halves, (w, h1, h2), left)
    parts[2, used < 4] = np.nan
    combined = cauchy(parts, (0.4, 0.25, 0.1, 0.25))
    p = np.where(used > 2, combined, np.nan)
    pairs = used == 2
    return np.where(pairs, _pair_p(a, c, halves, pairs), p) if pairs.any() else p


def categorical_p(reference: Floats, current: Floats, slices: Floats | None = None) -> Floats:
    """p-value per categorical feature; the first bin is `rest`.

    NaN where a side has no values, or one level holds all of both.
    """
    factor = 1.0 if slices is None else clumping(reference, current, slices)
    cells = unordered(reference, current, factor=factor)
    a, c = pool(reference, cells), pool(current, cells)
    w, d, iv = contrast(a, c)
    left = (w > 0).sum(-1) - 1
    square = (d * d * inverse(w)).sum(-1) / iv
    if slices is None:
        whole, spread = chdtrc(np.maximum(left, 1), square)[None], None
    else:
        pooled = pool(slices, cells)
        own = cell_spread(pooled, w, left)
        spread = moderate(own, len(slices) - 1)
        whole = _whole_p(square, left, (own, along_spread(pooled, w, d)), len(slices))
    whole = np.where(left > 0, whole, np.nan)
    scarce = scarce_cells(reference, current, factor)
    a, c = pool(reference, scarce), pool(current, scarce)
    parts = None if slices is None else pool(slices, scarce)
    cell = largest_cell_p(a, c, parts, spread)
    p = cauchy(np.stack([*whole, cell]), (0.5 / len(whole),) * len(whole) + (0.5,))
    return np.where(_comparable(reference, current), p, np.nan)


def missing_p(reference: Floats, current: Floats, slices: Floats | None = None) -> Floats:
    """p-value of a change in the share of missing values; bins are (missing, present).

    NaN where neither side misses anything, both miss everything, or a side has no rows.
    """
    known = _comparable(reference, current)
    if not known.any():
        return np.full(known.shape, np.nan)
    return np.where(known, _pair_p(reference, current, slices, known), np.nan)


def cauchy(p: Floats, weights: tuple[float, ...]) -> Floats:
    """Combine p-values along the first axis; absent ones (NaN) give up their weight."""
    shape = (-1,) + (1,) * (p.ndim - 1)
    weight = np.where(np.isnan(p), 0.0, np.reshape(weights, shape))
    with np.errstate(invalid="ignore", divide="ignore"):
        terms = 1 / np.tan(np.pi * np.clip(p, SMALLEST, 0.99))
        total = np.where(weight > 0, weight * terms, 0.0).sum(0) / weight.sum(0)
        combined: Floats = np.arctan2(1.0, total) / np.pi
    return combined


def benjamini_hochberg(p: Floats) -> Floats:
    """q-values along the last axis (the features of one model); NaN stays out of the family."""
    order = np.argsort(p, axis=-1)  # NaN last
    ranked = np.take_along_axis(p, order, -1)
    family = (~np.isnan(p)).sum(-1, keepdims=True)
    q = ranked * family / np.arange(1, p.shape[-1] + 1)
    q = np.fmin.accumulate(q[..., ::-1], axis=-1)[..., ::-1]
    answer = np.empty_like(p)
    np.put_along_axis(answer, order, np.where(np.isnan(ranked), np.nan, np.minimum(q, 1.0)), -1)
    return answer


def normal_scores(w: Floats) -> tuple[Floats, Floats]:
    """Location and scale contrasts of cells with shares `w`, orthonormal to 1 and each other.

    They are the mean of z and of z² of a standard normal cut at the same shares.
    """
    upper = np.cumsum(w, -1)
    inner = (upper > 0) & (upper < 1 - 1e-12)
    x = np.where(inner, ndtri(np.where(inner, upper, 0.5)), 0.0)
    f = np.where(inner, np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi), 0.0)
    per_cell = inverse(w)
    h1 = _normed((_lagged(f) - f) * per_cell, w)
    h2 = np.where(w > 0, (_lagged(x * f) - x * f) * per_cell, 0.0)
    h2 = h2 - h1 * (w * h1 * h2).sum(-1, keepdims=True)
    return h1, _normed(h2, w)


def largest_cell_p(
    reference: Floats, current: Floats, slices: Floats | None, spread: Spread | None
) -> Floats:
    """Exact binomial test of the cell that stands out most, times the number of cells less one."""
    m, n = reference.sum(-1), current.sum(-1)
    both = reference + current
    due = both * (n / np.maximum(m + n, 1))[..., None]
    j = np.abs(np.sqrt(current + 0.375) - np.sqrt(due + 0.375)).argmax(-1)[..., None]
    c, t = np.take_along_axis(current, j, -1)[..., 0], np.take_along_axis(both, j, -1)[..., 0]
    q = n / np.maximum(m + n, 1)
    if slices is None or spread is None:
        p = _binomial_p(c, t, q)
    else:
        one = np.take_along_axis(slices, j[None], -1)[..., 0]
        own = share_spread(one, slices.sum(-1))
        factor = np.fmax(np.fmax(own, spread.factor), 1.0)
        p = _binomial_p(c / factor, t / factor, q, len(slices) - 1)
    bounded: Floats = np.minimum(1.0, p * np.maximum((both > 0).sum(-1) - 1, 1))
    return bounded


def _comparable(reference: Floats, current: Floats) -> Flags:
    """Whether both sides have rows, and together more than one bin."""
    rows = np.minimum(reference.sum(-1), current.sum(-1)) > 0
    several: Flags = rows & (((reference + current) > 0).sum(-1) > 1)
    return several


def _pair_p(a: Floats, c: Floats, slices: Floats | None, known: Flags) -> Floats:
    """Exact test of a share: two cells, of which the first is counted."""
    m, n = a.sum(-1), c.sum(-1)
    q = n / np.maximum(m + n, 1)
    if slices is None:
        return _binomial_p(c[..., 0], a[..., 0] + c[..., 0], q)
    own = np.where(known, share_spread(slices[..., 0], slices.sum(-1)), np.nan)
    spread = moderate(own, len(slices) - 1)
    factor = np.where(np.isnan(own), 1.0, np.maximum(spread.factor, 1.0))
    successes = c[..., 0] / factor
    return _binomial_p(successes, (a[..., 0] + c[..., 0]) / factor, q, spread.freedom)


def _binomial_p(c: Floats, t: Floats, q: Floats, freedom: float | Floats | None = None) -> Floats:
    """Two-sided p of c of t, each with chance q; t's law instead of the normal with `freedom`."""
    upper = np.where(c > 0, betainc(np.maximum(c, 1e-9), t - c + 1, q), 1.0)
    lower = np.where(t > c, betaincc(c + 1, np.maximum(t - c, 1e-9), q), 1.0)
    p = np.clip(2 * np.minimum(upper, lower), SMALLEST, 1.0)
    if freedom is not None:
        p = fdtrc(1, freedom, ndtri(p / 2) ** 2)
    return np.asarray(p, np.float64)


def _unshifted(d: Floats, w: Floats, h1: Floats) -> Floats:
    """Take out of the shares' deviations `d` what a pure shift of location explains.

    A shift moves the scale score and the rest, too, by its square. Where days differ in location
    that is most of their variance, and far from normal. The shift is modelled by tilting `w` along
    the location score until its mean is that of `d`.
    """
    target = (d * h1).sum(-1, keepdims=True)
    tilt = np.zeros_like(target)
    for _ in range(4):
        weights = w * np.exp(np.clip(tilt * h1, -30, 30))
        weights = weights / np.maximum(weights.sum(-1, keepdims=True), SMALLEST)
        mean = (weights * h1).sum(-1, keepdims=True)
        slope = (weights * h1 * h1).sum(-1, keepdims=True) - mean * mean
        tilt = np.clip(tilt + (target - mean) / np.maximum(slope, 1e-3), -5, 5)
    unshifted: Floats = d - (weights - w)
    return unshifted


def _split(d: Floats, scores: Scores) -> Floats:
    """Squares of the location and scale part of deviations `d`, and the rest's; first axis: 3."""
    w, h1, h2 = scores
    location, scale = (d * h1).sum(-1) ** 2, (d * h2).sum(-1) ** 2
    rest = np.maximum((d * d * inverse(w)).sum(-1) - location - scale, 0)
    return np.stack([location, scale, rest])


def _chi_square_parts(squares: Floats, left: Floats) -> Floats:
    location, scale, rest = squares
    # chi-square laws of one and two degrees of freedom have closed forms, many times cheaper.
    one, other = erfc(np.sqrt(location / 2)), erfc(np.sqrt(scale / 2))
    both = np.exp(-(location + scale) / 2)
    return np.stack([one, other, chdtrc(np.maximum(left, 1), rest), both])


def _f_parts(d: Floats, iv: Floats, slices: Floats, scores: Scores, left: Floats) -> Floats:
    w, h1, _ = scores
    rows, apart = deviations(slices)
    remainder = _unshifted(apart, w, h1)
    # Slices are narrower than their mixture; a window is compared with a typical slice.
    share = rows / np.maximum(rows.sum(0), 1)
    typical = (share[..., None] * remainder).sum(0)
    squares = np.stack([_split(apart, scores)[0], *_split(remainder - typical, scores)[1:]])
    location_v, scale_v, rest_v = (rows * squares).sum(1) / (len(slices) - 1)
    known = (w > 0).sum(-1) > 2
    at = moderate(np.where(known, location_v, np.nan), len(slices) - 1)
    wide = moderate(np.where(known, scale_v, np.nan), len(slices) - 1)
    rest_spread = np.where(left > 0, rest_v / np.maximum(left, 1), np.nan)
    location = _split(d, scores)[0] / iv / at.factor
    scale, rest = _split(_unshifted(d, w, h1) - typical, scores)[1:] / iv
    scale = scale / wide.factor
    both = np.minimum(at.freedom, wide.freedom)
    return np.stack(
        [
            fdtrc(1, at.freedom, location),
            fdtrc(1, wide.freedom, scale),
            _many_p(rest, left, rest_spread, len(slices)),
            fdtrc(2, both, (location + scale) / 2),
        ]
    )


def _many_p(square: Floats, left: Floats, own: Floats, slices: int) -> Floats:
    """p of a chi-square of `left` degrees of freedom whose design effect `own` slices gave.

    Directions need not share the excess alike. All of it in one direction is the worst case; by
    Satterthwaite it has fewer degrees of freedom, f V² f / (f - 1 + (1 + f(V - 1))²).
    """
    f = np.maximum(left, 1.0)
    v = np.fmax(own, 1.0)
    fewer = (f * v) ** 2 / (f - 1 + (1 + f * (v - 1)) ** 2)
    spread = moderate(own, (slices - 1) * fewer)
    p: Floats = fdtrc(fewer, spread.freedom, square / f / spread.factor)
    return p


def _whole_p(square: Floats, left: Floats, spread: tuple[Floats, Floats], slices: int) -> Floats:
    """Two p-values of a chi-square over unordered cells; first axis: 2.

    Levels that move together put all their excess into one direction, and its mean over the cells,
    the first of `spread`, is a poor guess of that: then what is beyond a chi-square's mean has to
    be rare for this one direction, too. The second p-value knows no such case. Given its direction
    u, a normal deviation of covariance S has a square of chi-square over u'S⁻¹u, and that is no
    less than 1/u'Su, of which the slices' variance along u, the second of `spread`, is an estimate.
    """
    own, along = spread
    f = np.maximum(left, 1.0)
    alone = np.fmax(1 + f * (own - 1), 1.0)
    single = fdtrc(1, slices - 1, np.maximum(square - (f - 1), 0) / alone)
    mean = np.maximum(_many_p(square, left, own, slices), single)
    return np.stack([mean, fdtrc(f, slices - 1, square / f / np.maximum(along, 1.0))])


def _lagged(values: Floats) -> Floats:
    shifted = np.zeros_like(values)
    shifted[..., 1:] = values[..., :-1]
    return shifted


def _normed(h: Floats, w: Floats) -> Floats:
    square = (w * h * h).sum(-1, keepdims=True)
    return np.where(square > 1e-12, h / np.sqrt(np.maximum(square, 1e-12)), 0.0)

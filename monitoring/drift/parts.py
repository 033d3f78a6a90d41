"""Parts of a difference between the cells of ordered features, and the laws of each.

Location, scale and rest are orthogonal, and each has a design effect of its own: a common one would
flag most windows where rows are clustered or days differ slightly.
"""

from __future__ import annotations

import numpy as np
import scipy

from monitoring.drift.divergence import Floats
from monitoring.drift.exact import SMALLEST
from monitoring.drift.spread import (
    Spread,
    cell_spread,
    contrast,
    deviations,
    inverse,
    moderate,
)

Scores = tuple[Floats, Floats, Floats]  # shares of cells, location score, scale score


def ordered_parts(a: Floats, c: Floats, slices: Floats | None) -> tuple[Floats, Spread | None]:
    """p-values of location, scale, rest, and of location and scale together; first axis: 4.

    a, c: counts of both sides in cells with large enough expected counts. NaN with fewer than three
    cells; the rest is NaN with fewer than four. With slices, the cells' design effect is returned,
    too.
    """
    w, d, iv = contrast(a, c)
    h1, h2 = normal_scores(w)
    used = (w > 0).sum(-1)
    left = np.maximum(used - 3, 0)
    spread = None
    if slices is None:
        parts = _chi_square_parts(_split(d, (w, h1, h2)) / iv, left)
    else:
        parts = _f_parts(d, iv, slices, (w, h1, h2), left)
        spread = moderate(cell_spread(slices, w, used - 1), len(slices) - 1)
    parts[2, used < 4] = np.nan
    parts[:, used < 3] = np.nan
    return parts, spread


def normal_scores(w: Floats) -> tuple[Floats, Floats]:
    """Location and scale contrasts of cells with shares `w`, orthonormal to 1 and each other.

    They are the mean of z and of z² of a standard normal cut at the same shares.
    """
    upper = np.cumsum(w, -1)
    inner = (upper > 0) & (upper < 1 - 1e-12)
    x = np.where(inner, scipy.special.ndtri(np.where(inner, upper, 0.5)), 0.0)
    f = np.where(inner, np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi), 0.0)
    per_cell = inverse(w)
    h1 = _normed((_lagged(f) - f) * per_cell, w)
    h2 = np.where(w > 0, (_lagged(x * f) - x * f) * per_cell, 0.0)
    h2 = h2 - h1 * (w * h1 * h2).sum(-1, keepdims=True)
    return h1, _normed(h2, w)


def _unshifted(d: Floats, w: Floats, h1: Floats) -> Floats:
    """Remove from the shares' deviations `d` the part that a pure shift of location explains.

    A shift changes the scale score and the rest, too, by its square. Where days differ in location
    that is most of the variance of both, and far from normal. The shift is modelled by tilting `w`
    along the location score until its mean is that of `d`.
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
    # Chi-square laws of one and two degrees of freedom have closed forms, which are much cheaper.
    one, other = scipy.special.erfc(np.sqrt(location / 2)), scipy.special.erfc(np.sqrt(scale / 2))
    both = np.exp(-(location + scale) / 2)
    return np.stack([one, other, scipy.special.chdtrc(np.maximum(left, 1), rest), both])


def _f_parts(d: Floats, iv: Floats, slices: Floats, scores: Scores, left: Floats) -> Floats:
    w, h1, _ = scores
    rows, apart = deviations(slices)
    remainder = _unshifted(apart, w, h1)
    # A slice varies less than the mixture of slices; a window is compared with a typical slice.
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
            scipy.special.fdtrc(1, at.freedom, location),
            scipy.special.fdtrc(1, wide.freedom, scale),
            _many_p(rest, left, rest_spread, len(slices)),
            scipy.special.fdtrc(2, both, (location + scale) / 2),
        ]
    )


def _many_p(square: Floats, left: Floats, own: Floats, slices: int) -> Floats:
    """p of a chi-square of `left` degrees of freedom with the design effect `own` from slices.

    The excess need not be equal in all directions. The worst case has all of it in one; by
    Satterthwaite that has fewer degrees of freedom, f V² f / (f - 1 + (1 + f(V - 1))²).
    """
    f = np.maximum(left, 1.0)
    v = np.fmax(own, 1.0)
    fewer = (f * v) ** 2 / (f - 1 + (1 + f * (v - 1)) ** 2)
    spread = moderate(own, (slices - 1) * fewer)
    p: Floats = scipy.special.fdtrc(fewer, spread.freedom, square / f / spread.factor)
    return p


def whole_p(square: Floats, left: Floats, spread: tuple[Floats, Floats], slices: int) -> Floats:
    """Two p-values of a chi-square over unordered cells; first axis: 2.

    Levels that move together have all their excess variance in one direction, which the mean over
    the cells, the first of `spread`, underestimates: the first p-value requires that the part
    beyond a chi-square's mean is rare for this direction, too. The second does not. Given its
    direction u, a normal deviation of covariance S has a square distributed as chi-square over
    u'S⁻¹u, which is at least 1/u'Su; the second of `spread`, the slices' variance along u,
    estimates that.
    """
    own, along = spread
    f = np.maximum(left, 1.0)
    alone = np.fmax(1 + f * (own - 1), 1.0)
    single = scipy.special.fdtrc(1, slices - 1, np.maximum(square - (f - 1), 0) / alone)
    mean = np.maximum(_many_p(square, left, own, slices), single)
    return np.stack([mean, scipy.special.fdtrc(f, slices - 1, square / f / np.maximum(along, 1.0))])


def _lagged(values: Floats) -> Floats:
    shifted = np.zeros_like(values)
    shifted[..., 1:] = values[..., :-1]
    return shifted


def _normed(h: Floats, w: Floats) -> Floats:
    square = (w * h * h).sum(-1, keepdims=True)
    return np.where(square > 1e-12, h / np.sqrt(np.maximum(square, 1e-12)), 0.0)

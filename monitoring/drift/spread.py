"""Design effects: the variance of counts over slices of a reference, over that of independent rows.

Slices have shape (slices, ..., features, bins). Estimates from few slices are shared across the
features of a model by empirical Bayes (Smyth 2004, "Linear models and empirical Bayes methods").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from monitoring.drift.cells import pool, unordered
from monitoring.drift.divergence import Floats


@dataclass(frozen=True, eq=False)
class Spread:
    """A design effect per feature and the degrees of freedom it was estimated with."""

    factor: Floats
    freedom: Floats


def moderate(estimate: Floats, freedom: float | Floats) -> Spread:
    """Shrink variances towards their common value along the last axis (features).

    The weight of the common value depends on how much the estimates differ beyond their sampling
    error; the result never has more degrees of freedom than all features together.
    """
    v = np.where(np.isnan(estimate), np.nan, np.broadcast_to(freedom, estimate.shape))
    known = ~np.isnan(v) & (v > 0)
    v = np.where(known, v, 1.0)
    value = np.where(known, np.maximum(estimate, 1e-6), 1.0)
    number = known.sum(-1, keepdims=True)
    e = np.where(known, np.log(value) - scipy.special.digamma(v / 2) + np.log(v / 2), 0.0)
    mean = e.sum(-1, keepdims=True) / np.maximum(number, 1)
    excess = np.where(known, (e - mean) ** 2, 0.0).sum(-1, keepdims=True)
    noise = np.where(known, _trigamma(v / 2), 0.0).sum(-1, keepdims=True)
    beyond = excess / np.maximum(number - 1, 1) - noise / np.maximum(number, 1)
    d0 = 2 * _inverse_trigamma(np.maximum(beyond, 2e-4))
    d0 = np.where(number > 1, d0, 0.0)
    half = np.maximum(d0, 1e-9) / 2
    s0 = (
        np.exp(mean + scipy.special.digamma(half) - np.log(half))
        if np.any(d0 > 0)
        else np.ones_like(d0)
    )
    total = np.where(known, v, 0.0).sum(-1, keepdims=True)
    factor = (np.where(d0 > 0, d0 * s0, 0.0) + v * value) / (d0 + v)
    return Spread(factor, np.minimum(d0 + v, np.maximum(total, 1.0)))


def share_spread(hits: Floats, rows: Floats) -> Floats:
    """Variance of a share over slices (first axis) relative to independent rows."""
    total = np.maximum(rows.sum(0), 1)
    share = hits.sum(0) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        d = np.where(rows > 0, hits / np.maximum(rows, 1), share) - share
        ratio = (rows * d * d).sum(0) / (len(hits) - 1) / (share * (1 - share))
    return np.where((share > 0) & (share < 1), ratio, np.nan)


def deviations(slices: Floats) -> tuple[Floats, Floats]:
    """Rows per slice, and the deviations of each slice's shares from those of all slices."""
    rows = slices.sum(-1)
    overall = slices.sum(0) / np.maximum(rows.sum(0), 1)[..., None]
    shares = slices / np.maximum(rows, 1)[..., None]
    return rows, np.where(rows[..., None] > 0, shares - overall, 0.0)


def cell_spread(slices: Floats, w: Floats, left: Floats) -> Floats:
    """Mean variance of the cells' shares over slices relative to independent rows."""
    rows, d = deviations(slices)
    total = (rows * (d * d * inverse(w)).sum(-1)).sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(left > 0, total / (len(slices) - 1) / left, np.nan)


def along_spread(slices: Floats, w: Floats, d: Floats) -> Floats:
    """Variance of the slices' shares in the direction of `d`, relative to independent rows."""
    rows, apart = deviations(slices)
    length = np.sqrt((d * d * inverse(w)).sum(-1))
    u = d * inverse(w) / np.maximum(length, 1e-300)[..., None]
    square: Floats = (rows * (apart * u).sum(-1) ** 2).sum(0) / (len(slices) - 1)
    return square


def clumping(reference: Floats, current: Floats, slices: Floats) -> Floats:
    """Design effect, at least 1, by which scarce levels are found."""
    cells = unordered(reference, current)
    w = contrast(pool(reference, cells), pool(current, cells))[0]
    left = (w > 0).sum(-1) - 1
    factor: Floats = np.fmax(cell_spread(pool(slices, cells), w, left), 1.0)
    return factor


def _inverse_trigamma(y: Floats) -> Floats:
    """Newton's method on 1/trigamma, convex and nearly linear (limma's trigammaInverse)."""
    x = 0.5 + 1 / y
    for _ in range(6):
        value = _trigamma(x)
        x = x - value * (1 - value / y) / (2 * scipy.special.zeta(3, x))
    return x


def _trigamma(x: Floats) -> Floats:
    # scipy's polygamma calls the Hurwitz zeta function; a direct call takes a fifth of the time.
    value: Floats = scipy.special.zeta(2, x)
    return value


def contrast(a: Floats, c: Floats) -> tuple[Floats, Floats, Floats]:
    """Shares of both sides together, their difference, and 1/n + 1/m."""
    m = np.maximum(a.sum(-1, keepdims=True), 1)
    n = np.maximum(c.sum(-1, keepdims=True), 1)
    return (a + c) / (m + n), c / n - a / m, (1 / n + 1 / m)[..., 0]


def inverse(w: Floats) -> Floats:
    """1/w, and 0 for cells that are not used."""
    return np.where(w > 0, 1 / np.where(w > 0, w, 1.0), 0.0)

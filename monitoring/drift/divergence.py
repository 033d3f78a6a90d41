"""Divergences of two histograms: psi, kl and js, for any number of features at once.

All functions take counts of shape (..., bins) for the reference and the current window and return
shape (...). Bins empty on both sides are left out first, so rows may be padded with zeros. The
divergence of a side without rows is NaN.

p and q are the shares with half a count added to each of the B bins that are left (Jeffreys'
prior): p_i = (c_i + 1/2) / (m + B/2). The shares stay finite and comparable whatever the sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
BLOCK_CELLS = 49_152


@dataclass(frozen=True, eq=False)
class Divergences:
    """The three divergences, each of shape (...)."""

    psi: Floats
    kl: Floats
    js: Floats


def divergences(reference: npt.ArrayLike, current: npt.ArrayLike) -> Divergences:
    """Compute psi, kl and js in one pass, in blocks that stay in the cache."""
    return Divergences(*_by_blocks(reference, current, _all))


def psi(reference: npt.ArrayLike, current: npt.ArrayLike) -> Floats:
    """Population stability index: sum of (q - p) ln(q / p), in nats.

    >>> float(psi([50, 50], [50, 50]))
    0.0
    """
    return _by_blocks(reference, current, _psi)[0]


def kl(reference: npt.ArrayLike, current: npt.ArrayLike) -> Floats:
    """Kullback–Leibler divergence of the current window from the reference: sum of p ln(p / q)."""
    return divergences(reference, current).kl


def js(reference: npt.ArrayLike, current: npt.ArrayLike) -> Floats:
    """Jensen–Shannon distance, base 2, of the unsmoothed shares: 0 (same) … 1 (disjoint).

    >>> float(js([10, 0], [0, 10]))
    1.0
    """
    return divergences(reference, current).js


def _by_blocks(
    reference: npt.ArrayLike,
    current: npt.ArrayLike,
    measure: Callable[[Floats, Floats], tuple[Floats, ...]],
) -> list[Floats]:
    a, c = np.broadcast_arrays(np.asarray(reference), np.asarray(current))
    shape, bins = a.shape[:-1], a.shape[-1]
    a, c = a.reshape(-1, bins), c.reshape(-1, bins)
    step = max(1, BLOCK_CELLS // max(bins, 1))
    found = [
        measure(_columns(a[start : start + step]), _columns(c[start : start + step]))
        for start in range(0, max(len(a), 1), step)
    ]
    return [np.concatenate(parts).reshape(shape) for parts in zip(*found, strict=True)]


def _columns(counts: npt.NDArray[np.generic]) -> Floats:
    return np.ascontiguousarray(counts.T, dtype=np.float64)


def _all(a: Floats, c: Floats) -> tuple[Floats, ...]:
    rows = a.sum(0), c.sum(0)
    p, q, ratio, empty = _smoothed(a, c, rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        js = _distance(a / rows[0], c / rows[1], empty)
    return _valued(rows, ((q - p) * ratio).sum(0), -(p * ratio).sum(0), js)


def _psi(a: Floats, c: Floats) -> tuple[Floats, ...]:
    rows = a.sum(0), c.sum(0)
    p, q, ratio, _ = _smoothed(a, c, rows)
    return _valued(rows, ((q - p) * ratio).sum(0))


def _smoothed(
    a: Floats, c: Floats, rows: tuple[Floats, Floats]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return shares of both sides, the logarithm of their ratio, and 1 where both are empty."""
    # Bins run along the first axis here: sums and broadcasts then work on long rows. Adding one
    # where a bin is empty on both sides makes its ratio 1 without a slower masked division.
    empty = ((a + c) == 0).astype(np.float64)
    half = 0.5 - 0.5 * empty
    extra = half.sum(0)
    m, n = rows
    with np.errstate(divide="ignore", invalid="ignore"):
        p, q = (a + half) / (m + extra), (c + half) / (n + extra)
        return p, q, np.log((q + empty) / (p + empty)), empty


def _valued(rows: tuple[Floats, Floats], *answers: Floats) -> tuple[Floats, ...]:
    m, n = rows
    for answer in answers:
        answer[(m == 0) | (n == 0)] = np.nan
    return answers


def _distance(p: Floats, q: Floats, empty: Floats) -> Floats:
    # With d = (p - q) / (p + q), p log(p / mid) + q log(q / mid) is
    # mid * (log(1 - d^2) + d log(p / q)): no cancellation when the two sides nearly agree.
    total = p + q
    d = (p - q) / (total + empty)
    terms = np.log1p(-d * d) + d * np.log((p + empty) / (q + empty))
    terms = np.where(np.abs(d) < 1, terms, 2 * np.log(2))
    squared = (total * terms).sum(0) / (4 * np.log(2))
    distance: Floats = np.sqrt(np.clip(squared, 0.0, 1.0))
    return distance

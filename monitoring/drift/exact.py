"""Exact tests of shares: of one cell, and of the most deviating cell among many."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy

from monitoring.drift.divergence import Floats
from monitoring.drift.spread import Spread, share_spread

Flags = npt.NDArray[np.bool_]

SMALLEST = 1e-300


def share_p(
    reference: tuple[Floats, Floats],
    current: tuple[Floats, Floats],
    factor: Floats | float = 1.0,
    freedom: float | Floats | None = None,
) -> Floats:
    """Two-sided p-value of Fisher's exact test: a of m reference rows against c of n current ones.

    It is the smaller tail of the hypergeometric law plus the largest part of the other tail that is
    no more probable (Blaker 2000, Canadian Journal of Statistics 28, 783). Exchanging the sides, or
    hits and misses, does not change it. The tail is Peizer's normal approximation, within a few
    percent also far out in the tail (Ling and Pratt 1984, JASA 79, 49-60).

    Parameters
    ----------
    reference, current
        Hits and rows of each side, of any shape.
    factor
        Design effect, at least 1: the number of rows that are worth one independent row.
    freedom
        Degrees of freedom that `factor` was estimated with; None where it is known.
    """
    (a, m), (c, n) = reference, current
    more = c * m > a * n
    # The tail starts at the hits if they are too few, else at the misses, and goes to their end.
    x, rest = np.where(more, n - c, c) / factor, np.where(more, c, n - c) / factor
    y, other = np.where(more, m - a, a) / factor, np.where(more, a, m - a) / factor
    inside = (y > 0.5) & (rest > 0.5)
    y, rest = (np.where(inside, cell, 1.0) - 0.5 for cell in (y, rest))
    table = (x + 0.5, y, rest, other + 0.5)
    z = np.where(inside, np.minimum(_peizer(*table), 0.0), 0.0)
    tail = scipy.special.ndtr(z) if freedom is None else scipy.special.fdtrc(1, freedom, z * z) / 2
    p = tail + _other(tail, *table)
    return np.where(inside, np.clip(p, SMALLEST, 1.0), 1.0)


def largest_cell_p(
    reference: Floats,
    current: Floats,
    slices: Floats | None,
    spread: Spread | None,
    among: Flags | None = None,
) -> Floats:
    """Smallest p-value of all cells, times the number of cells less one.

    among: the only cells to test, (features, bins); the factor is then their number.
    """
    m, n = reference.sum(-1), current.sum(-1)
    both = reference + current
    share = both / np.maximum(m + n, 1)[..., None]
    apart = sum(
        (np.sqrt(side + 0.375) - np.sqrt(share * rows[..., None] + 0.375)) ** 2
        for side, rows in ((reference, m), (current, n))
    )
    apart = apart / np.maximum(1 - share, 1e-9)
    if among is not None:
        apart = np.where(among, apart, -1.0)
    j = apart.argmax(-1)[..., None]
    a, c = (np.take_along_axis(side, j, -1)[..., 0] for side in (reference, current))
    if slices is None or spread is None:
        p = share_p((a, m), (c, n))
    else:
        one = np.take_along_axis(slices, j[None], -1)[..., 0]
        own = share_spread(one, slices.sum(-1))
        factor = np.fmax(np.fmax(own, spread.factor), 1.0)
        p = share_p((a, m), (c, n), factor, len(slices) - 1)
    tested = (both > 0).sum(-1) - 1 if among is None else among.sum(-1)
    bounded: Floats = np.minimum(1.0, p * np.maximum(tested, 1))
    return bounded


def coverage_p(
    reference: Floats, current: Floats, factor: Floats | float, freedom: float | None
) -> Floats:
    """Exact test of more rows in the first bin than unseen levels of the reference explain.

    The first bin holds levels without rows in the reference. By Good and Turing their share is
    about that of the levels seen once (Good 1953, Biometrika 40, 237); here it is larger by two
    standard deviations and a row. NaN where the bin holds no more rows than that.
    """
    m, n = reference.sum(-1), current.sum(-1)
    once, twice = ((reference == rows).sum(-1) for rows in (1, 2))
    most = np.minimum(once + 1 + 2 * np.sqrt(once + 2 * twice + 1), m)
    new = current[..., 0]
    beyond = (reference[..., 0] == 0) & (new * m > most * n)
    return np.where(beyond, share_p((most, m), (new, n), factor, freedom), np.nan)


def _peizer(x: Floats, y: Floats, rest: Floats, other: Floats) -> Floats:
    """Normal deviate of the tail at or below x of a 2 x 2 table, cells corrected by half a row."""
    hits, misses, rows, held = x + y, rest + other, x + rest, y + other
    every = hits + misses
    deviance = sum(
        scipy.special.xlogy(cell, cell * every / (across * down))
        for cell, across, down in (
            (x, hits, rows),
            (y, hits, held),
            (rest, misses, rows),
            (other, misses, held),
        )
    )
    first, last = _raised(x, hits, rows), _raised(other, misses, held)
    second, third = _raised(y, hits, held), _raised(rest, misses, rows)
    plain = x * other - y * rest
    root = np.sqrt(2 * np.maximum(deviance, 0)) / np.maximum(np.abs(plain), SMALLEST)
    # Numerator and denominator are 0 for a table as expected; their ratio has a limit.
    limit = np.sqrt(every / (hits * misses * rows * held))
    root = np.where(np.abs(plain) < 1e-6 * hits * misses, limit, root)
    margins = (1 + 1 / (6 * hits)) * (1 + 1 / (6 * misses)) * (1 + 1 / (6 * rows))
    margins = margins * (1 + 1 / (6 * held))
    z: Floats = (first * last - second * third) * root
    return z * np.sqrt((1 - 1 / (6 * every)) / margins)


def _raised(cell: Floats, across: Floats, down: Floats) -> Floats:
    raised: Floats = cell + 1 / 6 + 0.02 / (cell + 0.5) + 0.01 / (across + 1) + 0.01 / (down + 1)
    return raised


def _other(tail: Floats, x: Floats, y: Floats, rest: Floats, other: Floats) -> Floats:
    """The part of the other tail that is no more probable than `tail`.

    It is approximated by `tail` itself where the last two outcomes together are no more probable,
    by the last outcome where only that one is, else by nothing. In the last outcome all hits of
    both sides, or all rows of one side, are in the first cell.
    """
    hits, rows, every = x + y, x + rest, x + y + rest + other
    least, most = np.minimum(hits, rows), np.maximum(hits, rows)
    log = scipy.special.gammaln(most + 1) - scipy.special.gammaln(most - least + 1)
    log = log - scipy.special.gammaln(every + 1) + scipy.special.gammaln(every - least + 1)
    end = np.exp(np.minimum(log, 0))
    two = end * (1 + least * (every - most) / (most - least + 1))
    return np.where(two <= tail, tail, np.where(end <= tail, end, 0.0))

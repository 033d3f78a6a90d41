"""The edges of a numeric feature: deciles, atoms and tails of its reference.

An atom, a value with a large share of the reference, has a bin of its own. Otherwise its neighbours
would hide a change of its share, completely so for the smallest value.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DECILES = tuple(tenth / 10 for tenth in range(1, 10))
#: Share of the reference beyond which, at either end, a numeric feature has a bin of its own.
TAIL = 0.001
#: Share of the reference from which on a value is an atom.
ATOM = 0.035
#: Rows that an atom, or a level tested on its own, needs; rarer values reach the share by chance.
SURE = 30
#: A feature of no more values than this has a bin for each, if they have so many rows on average.
FEW, LEAST = 30, 10
#: A feature of no more values than this has them with fewer rows, too, if at most this share of its
#: rows holds a value that was seen once.
FEWER, ONCE = 20, 0.02


@dataclass(frozen=True)
class Edges:
    """Rising inner edges, the atoms whose bins they bound, and the nature of the outer bins.

    tails: whether the first and the last bin are slices of the decile beside them. few: whether
    every value of the reference is an atom.
    """

    edges: tuple[float, ...]
    atoms: tuple[float, ...] = ()
    tails: tuple[bool, bool] = (False, False)
    few: bool = False


def edges_of(values: Floats) -> Edges:
    """Edges for finite rising `values`: unique(np.quantile(values, .1 … .9, "linear")).

    Beside them stand edges around every atom, and edges in front of either tail unless an atom is
    there. An edge is left out where two neighbours are so far apart that their distance overflows.
    """
    if not len(values):
        return Edges(())
    atoms, few = _atoms(values)
    if not few:
        atoms = _apart(np.unique([*atoms, *_tied_ends(values)]))
    around = np.concatenate([before(atoms), after(atoms)])
    if few:
        return Edges(_tuple(np.unique(around)), _tuple(atoms), few=True)
    inner = quantiles(values, DECILES)
    inner = inner[np.isfinite(inner)]
    within = np.searchsorted(before(atoms), inner) > np.searchsorted(after(atoms), inner)
    edges = np.unique(np.concatenate([inner[~within], around]))
    if not len(edges):
        return Edges(())
    low, high = quantiles(values, (TAIL, 1 - TAIL))
    tails = bool(low < edges[0]), bool(edges[-1] < high < math.inf)
    return Edges(
        _tuple([*[low] * tails[0], *edges, *[high] * tails[1]]), _tuple(atoms), tails=tails
    )


def before(values: Floats) -> Floats:
    """Lower edge of an atom's bin, which is open.

    The bin of a fraction is as wide as rounding to single precision, so that a column may change
    between float32 and float64.
    """
    fraction = values != np.rint(values)
    return np.where(fraction, values - fraction * _width(values), previous(values))


def after(values: Floats) -> Floats:
    """Upper edge of an atom's bin, which is closed."""
    fraction = values != np.rint(values)
    upper: Floats = values + fraction * _width(values)
    return upper


def previous(values: npt.ArrayLike) -> Floats:
    """Next smaller numbers, where the bin below a value ends: bins are closed above.

    Log services may not support denormal numbers, so the one below 0 is the first normal one.
    """
    with np.errstate(over="ignore"):
        smaller = np.where(np.equal(values, 0), -sys.float_info.min, np.nextafter(values, -np.inf))
    lowest: Floats = np.maximum(smaller, np.finfo(np.float64).min)
    return lowest


def quantiles(values: Floats, shares: tuple[float, ...]) -> Floats:
    """Quantiles of rising `values`, bit for bit those of np.quantile's linear method.

    np.quantile would partition values that are sorted already. Like it, this interpolates from the
    nearer neighbour.
    """
    place = np.asarray(shares) * (len(values) - 1)
    below = np.floor(place).astype(np.intp)
    low, high = values[below], values[np.minimum(below + 1, len(values) - 1)]
    share = place - below
    with np.errstate(over="ignore", invalid="ignore"):
        step = high - low
        from_low, from_high = low + step * share, high - step * (1 - share)
    found: Floats = np.where(share < 0.5, from_low, from_high)
    return found


def _atoms(values: Floats) -> tuple[Floats, bool]:
    """Values with a large share of rising `values`, and whether there are no other values."""
    rows = len(values)
    distinct, counts = _first_values(values, max(FEW, FEWER))
    if counts.sum() == rows and few(counts, FEW):
        return _apart(distinct), True
    # A run of `enough` equal values covers at least one place that is a multiple of `enough`.
    enough = math.ceil(max(SURE, ATOM * rows))
    found = np.unique(values[::enough])
    counts = np.searchsorted(values, found, "right") - np.searchsorted(values, found, "left")
    return _apart(found[counts >= enough]), False


def _tied_ends(values: Floats) -> list[float]:
    """The smallest and the largest value, each if it is a decile as well.

    A sample may be too small for atoms; no row of the reference lies beyond either value, so the
    outer bins are exact.
    """
    low, high = quantiles(values, (DECILES[0], DECILES[-1]))
    return [end for end, decile in ((values[0], low), (values[-1], high)) if end == decile]


def few(counts: npt.NDArray[np.intp], most: int) -> bool:
    """Whether there are no more than `most` values, or levels, and hardly any unseen ones.

    counts: rows of each in the reference: ten on average; or fewer where at most 20 values have few
    rows of values seen once, whose share estimates that of unseen values (Good 1953, Biometrika 40,
    237).
    """
    rows = int(counts.sum())
    if len(counts) <= min(most, rows / LEAST):
        return True
    return len(counts) <= FEWER and int((counts == 1).sum()) <= ONCE * rows


def _first_values(values: Floats, most: int) -> tuple[Floats, npt.NDArray[np.intp]]:
    """The `most` smallest distinct values of rising `values`, and their rows."""
    places = [0]
    while places[-1] < len(values) and len(places) <= most:
        places.append(int(np.searchsorted(values, values[places[-1]], side="right")))
    # -0.0 is 0.0, and labels print it so.
    return values[places[:-1]] + 0.0, np.diff(places)


def _apart(atoms: Floats) -> Floats:
    """Drop atoms whose bin would overlap that of the atom before."""
    if len(atoms) < 2:
        return atoms + 0.0
    clear = before(atoms[1:]) >= after(atoms[:-1])
    kept: Floats = atoms[np.concatenate([[True], clear])] + 0.0
    return kept


def _width(values: Floats) -> Floats:
    """Slightly more than the largest change of a number by rounding to single precision."""
    width: Floats = np.maximum(1.1 * 2.0**-24 * np.abs(values), sys.float_info.min)
    return width


def _tuple(values: npt.ArrayLike) -> tuple[float, ...]:
    return tuple(np.asarray(values, np.float64).tolist())

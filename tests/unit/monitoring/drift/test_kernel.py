"""The counting kernel: exact in every type, across its chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitoring.drift.binning import NumericBins
from monitoring.drift.kernel import CHUNK, count_numbers


def brute(values: list[Any], edges: list[Any]) -> list[int]:
    """One value after another: (e[i-1], e[i]]; NaN and ±inf in none."""
    counts = [0] * (len(edges) + 1)
    for value in values:
        if np.isfinite(value):
            counts[sum(value > edge for edge in edges)] += 1
    return counts


edge_lists = st.lists(st.floats(-5, 5), max_size=9, unique=True).map(sorted)


@given(st.lists(st.floats(width=32) | st.just(np.nan), max_size=50), edge_lists)
def test_float32_is_compared_exactly(values: list[Any], edges: list[Any]) -> None:
    found = count_numbers(np.array(values, np.float32), NumericBins(tuple(edges)))
    exact = [float(np.float32(value)) for value in values]
    assert found.tolist() == brute(exact, edges)


@given(st.lists(st.integers(-128, 127), max_size=50), st.lists(st.floats(-300, 300), max_size=9))
def test_narrow_integers_are_compared_exactly(values: list[Any], edges: list[Any]) -> None:
    edges = sorted(set(edges))
    for dtype in (np.int8, np.int16, np.int64):
        found = count_numbers(np.array(values, dtype), NumericBins(tuple(edges)))
        assert found.tolist() == brute(values, edges)


def test_counting_across_chunks() -> None:
    values = np.arange(2 * CHUNK + 17, dtype=np.float64)
    assert count_numbers(values, NumericBins((9.0,))).tolist() == [10, 2 * CHUNK + 7]
    values[CHUNK + 1 : CHUNK + 4] = np.nan, np.inf, -np.inf
    assert count_numbers(values, NumericBins((9.0,))).tolist() == [10, 2 * CHUNK + 4]

"""Intervals of effects: how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.interval import intervals
from monitoring.drift.ruler import Ruler
from monitoring.drift.scoring import score

LEVELS = ("a", "b", "c", "d", "e")
RULER = Ruler({"x": NumericBins(tuple(map(float, range(9)))), "kind": CategoricalBins(LEVELS)})
PLAIN, MOVED = np.array([0.4, 0.3, 0.15, 0.1, 0.05]), np.array([0.35, 0.25, 0.15, 0.15, 0.1])


def drawn(
    rng: np.random.Generator, rows: int, laws: tuple[np.ndarray, ...], windows: int
) -> np.ndarray:
    none = np.zeros((windows, 1), np.int64)
    x, kind = (rng.multinomial(rows, law, windows) for law in laws)
    return np.concatenate([x, none, kind, none, none], 1)


def psi(p: np.ndarray, q: np.ndarray) -> float:
    return float(((q - p) * np.log(q / p)).sum())


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.25, 0.5, 1.0])
@pytest.mark.parametrize(("m", "n"), [(10_000, 1_000), (1_000, 10_000), (10_000, 200)])
def test_they_hold_the_truth_in_95_of_100(m: int, n: int, shift: float) -> None:
    rng = np.random.default_rng(n)
    p = np.full(10, 0.1)
    q = np.diff(norm.cdf(norm.ppf(np.arange(1, 10) / 10) - shift), prepend=0, append=1)
    there = (q, MOVED if shift else PLAIN)
    a, c = drawn(rng, m, (p, PLAIN), 2_000), drawn(rng, n, there, 2_000)
    low, high = intervals(RULER, a, c)
    for place, true in enumerate((psi(p, q), psi(PLAIN, there[1]))):
        held = int(((low[:, place] <= true) & (true <= high[:, place])).sum())
        # Two points of slack: the law is an approximation.
        assert held >= binom.ppf(1e-6, 2_000, 0.93)
        assert held <= binom.ppf(1 - 1e-6, 2_000, 0.97)


def test_the_effect_lies_within_and_more_rows_tell_it_better() -> None:
    rng = np.random.default_rng(1)
    laws = (np.full(10, 0.1), PLAIN), (np.arange(1, 11) / 55, MOVED)
    widths = []
    for rows in (300, 3_000, 30_000):
        a, c = (drawn(rng, rows, law, 5) for law in laws)
        low, high = intervals(RULER, a, c)
        effect = score(RULER, a, c).effect
        assert ((low <= effect) & (effect <= high)).all()
        widths.append((high - low).max())
    assert widths == sorted(widths, reverse=True)


def test_without_rows_there_is_none() -> None:
    a = drawn(np.random.default_rng(2), 100, (np.full(10, 0.1), PLAIN), 1)
    assert np.isnan(intervals(RULER, a, 0 * a)).all()
    assert np.isnan(intervals(RULER, 0 * a, a)).all()
    assert np.isnan(intervals(RULER, 0 * a, 0 * a)).all()


def test_one_value_alone_has_no_width() -> None:
    counts = np.zeros((1, RULER.width), np.int64)
    counts[0, [3, 12]] = 500
    assert intervals(RULER, counts, 2 * counts).tolist() == [[[0.0, 0.0]], [[0.0, 0.0]]]


def test_new_levels_and_gone_ones_stay_finite() -> None:
    before, after = np.zeros((2, 1, RULER.width), np.int64)
    before[0, [0, 11]], after[0, [9, 16]] = 1_000, 1_000
    low, high = intervals(RULER, before, after)
    assert np.isfinite(high).all()
    assert (low > 1).all()

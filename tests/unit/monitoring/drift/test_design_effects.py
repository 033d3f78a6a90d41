"""Design effects of sums over many windows: from independent days, and from days that last."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.drift import design_effects

DAYS, ROWS = 400, 2_000


def slices(lasting: float, spread: float, seed: int = 1) -> np.ndarray:
    """Counts of one feature of two levels, shape (days, 1, 2).

    The first level's share is 0.5 and what an autoregression of the first order adds to it: its
    correlation from day to day is `lasting`, its standard deviation `spread`.
    """
    rng = np.random.default_rng(seed)
    apart = np.zeros(DAYS)
    for day in range(1, DAYS):
        noise = rng.normal(0, spread * np.sqrt(1 - lasting**2))
        apart[day] = lasting * apart[day - 1] + noise
    hits = rng.binomial(ROWS, np.clip(0.5 + apart, 0, 1))
    return np.stack([hits, ROWS - hits], -1)[:, None, :].astype(float)


def level_effect(counts: np.ndarray) -> float:
    cells, used = np.array([[0, 1]]), np.array([[True, True]])
    factor, freedom = design_effects.of_levels(counts, cells, used, np.ones(2))
    assert freedom is not None
    assert (freedom >= 1).all()
    return float(factor[0])


def test_without_slices_rows_count_as_independent() -> None:
    cells, used = np.array([[0, 1]]), np.array([[True, True]])
    scores, freedom = design_effects.of_scores(None, cells, np.ones((2, 1, 2)))
    assert (scores.tolist(), freedom) == ([[1.0], [1.0]], None)
    features, freedom = design_effects.of_features(None, np.ones((1, 2)), np.ones((1, 2)))
    assert (features.tolist(), freedom) == ([1.0], None)
    least = np.array([1.5, 2.0])
    assert design_effects.of_levels(None, cells, used, least) == (least, None)


def test_days_like_independent_rows_have_an_effect_near_one() -> None:
    assert 1.0 <= level_effect(slices(0.0, 0.0)) < 1.3


def test_days_that_differ_widen_by_their_variance_over_the_binomials() -> None:
    """Variance 0.02² between days, 0.25 / 2000 within: 1 + 0.0004 / 0.000125 = 4.2."""
    counts = slices(0.0, 0.02)
    assert level_effect(counts) == pytest.approx(4.2, rel=0.25)
    total = counts.sum(0)
    features, _ = design_effects.of_features(counts, total, total)
    assert float(features[0]) == pytest.approx(4.2, rel=0.25)


def test_days_that_last_widen_once_more_by_their_correlation() -> None:
    """Sampling dilutes r = 0.6 to 0.6 · 0.05² / (0.05² + 0.25 / 2000) = 0.571: a factor of 3.7."""
    effects = [
        np.median([level_effect(slices(lasting, 0.05, seed)) for seed in range(1, 22)])
        for lasting in (0.0, 0.6)
    ]
    assert effects[1] / effects[0] == pytest.approx(3.7, rel=0.2)

"""Design effects and how they are shared across features."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import polygamma

from monitoring.drift.spread import (
    _inverse_trigamma,
    along_spread,
    cell_spread,
    moderate,
    share_spread,
)


def test_moderation_pools_equal_variances_and_respects_different_ones() -> None:
    rng = np.random.default_rng(3)
    alike = moderate(3 * rng.chisquare(10, 200) / 10, 10)
    assert alike.factor == pytest.approx(np.full(200, 3.0), rel=0.15)
    assert (alike.freedom > 100).all()
    truth = np.exp(2 * rng.normal(size=200))
    apart = moderate(truth * rng.chisquare(10, 200) / 10, 10)
    assert (apart.freedom < 15).all()


def test_moderating_one_feature_claims_no_more_than_it_has() -> None:
    alone = moderate(np.array([2.5]), 19)
    assert alone.factor[0] == pytest.approx(2.5)
    assert alone.freedom[0] == 19


def test_the_inverse_of_trigamma() -> None:
    y = np.geomspace(2e-4, 200, 30)
    assert polygamma(1, _inverse_trigamma(y)) == pytest.approx(y, rel=1e-6)


def test_independent_rows_have_a_design_effect_of_one_and_clumps_their_size() -> None:
    rng = np.random.default_rng(8)
    w = np.full(5, 0.2)
    slices = rng.multinomial(200, w, size=(400, 1)).astype(float)
    left = np.array([4])
    assert cell_spread(slices, w, left)[0] == pytest.approx(1, abs=0.2)
    assert cell_spread(7 * slices, w, left)[0] == pytest.approx(7, rel=0.2)
    assert share_spread(slices[..., 0], slices.sum(-1))[0] == pytest.approx(1, abs=0.3)


def test_the_variance_along_a_direction_is_that_of_the_slices_there() -> None:
    """Levels 0 and 1 trade a tenth of their rows from slice to slice; 2 and 3 do not."""
    rng = np.random.default_rng(9)
    traded = rng.choice([-40, 40], 400)
    law = np.full((400, 4), 200) + np.stack([traded, -traded, 0 * traded, 0 * traded], -1)
    slices = np.stack([rng.multinomial(800, row / 800) for row in law])[:, None].astype(float)
    w = np.full((1, 4), 0.25)
    along = along_spread(slices, w, np.array([[0.1, -0.1, 0.0, 0.0]]))
    across = along_spread(slices, w, np.array([[0.0, 0.0, 0.1, -0.1]]))
    assert along[0] == pytest.approx(0.96 + 2 * 40**2 / 200, rel=0.1)
    assert across[0] == pytest.approx(1, rel=0.2)

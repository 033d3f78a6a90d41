"""Intervals that count days, of labels of any size."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.clustered import Baseline, Interval, clustered, drop

DAY = np.repeat(np.arange("2013-07-01", "2013-07-06", dtype="datetime64[D]"), 40)


def test_r_squared_and_bias_of_large_labels_are_exact() -> None:
    rng = np.random.default_rng(1)
    label = 1e6 + rng.normal(0, 3, len(DAY))
    score = label + rng.normal(1, 1, len(DAY))
    gap, skilled = clustered(label, score, DAY, 0.99)
    assert gap is not None
    assert skilled is not None
    assert gap.value == pytest.approx(np.mean(score - label))
    assert skilled.value == pytest.approx(1 - np.mean((score - label) ** 2) / np.var(label))
    left = [
        1 - np.mean((score - label)[d != DAY] ** 2) / np.var(label[d != DAY])
        for d in np.unique(DAY)
    ]
    error = np.sqrt(4 / 5 * np.sum((left - np.mean(left)) ** 2))
    assert skilled.error == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("value", [0.0, 1.0, 1e9 + 0.1])
def test_labels_that_are_all_alike_have_no_skill(value: float) -> None:
    gap, skilled = clustered(np.full(len(DAY), value), np.arange(len(DAY), dtype=float), DAY, 0.99)
    assert gap is not None
    assert skilled is None


def test_another_level_moves_the_ends_only() -> None:
    gap, _ = clustered(np.zeros(len(DAY)), np.sin(np.arange(len(DAY))), DAY, 0.9)
    assert isinstance(gap, Interval)
    wide = gap.at(0.999)
    assert (wide.value, wide.error, wide.days) == (gap.value, gap.error, gap.days)
    assert wide.high - wide.value > 3 * (gap.high - gap.value)
    assert gap.at(0.9) == gap


def test_a_loss_counts_the_noise_of_both_sides_and_the_fewer_days() -> None:
    now = Interval(0.2, 0.03, 7, 0.1, 0.3)
    lost = drop(now, Baseline(0.5, 0.04, 60), 0.95)
    assert (lost.value, lost.error, lost.days) == (pytest.approx(0.3), pytest.approx(0.05), 7)

"""Metrics without labels: as they come out where the probabilities are right."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from monitoring import metrics
from monitoring.estimate import Calibration, calibrate, estimate

PLAIN = Calibration(np.array([0.0, 1.0]), np.array([0.0, 1.0]))


def test_every_labelling_weighed_by_its_probability_gives_the_same() -> None:
    score = np.array([0.1, 0.3, 0.3, 0.6, 0.9])
    accuracy = brier = right = pairs = 0.0
    for labels in itertools.product((0.0, 1.0), repeat=len(score)):
        label = np.array(labels)
        weight = float(np.prod(np.where(label == 1, score, 1 - score)))
        accuracy += weight * (metrics.accuracy(label, score) or 0)
        brier += weight * (metrics.brier(label, score) or 0)
        count = label.sum() * (1 - label).sum()
        if count:
            right += weight * count * (metrics.auc(label, score) or 0)
            pairs += weight * count
    found = estimate(score, PLAIN, 0.95)
    assert found["accuracy"].value == pytest.approx(accuracy)
    assert found["brier"].value == pytest.approx(brier)
    assert found["auc"].value == pytest.approx(right / pairs)


def test_labels_drawn_from_the_probabilities_fall_into_the_interval() -> None:
    chance = np.random.default_rng(7)
    inside = dict.fromkeys(("accuracy", "brier", "auc"), 0)
    for _ in range(200):
        score = chance.beta(2, 3, 500)
        label = (chance.random(500) < score).astype(float)
        measured = metrics.measures(label, score)
        for name, one in estimate(score, PLAIN, 0.95).items():
            value = measured[name]
            assert value is not None
            inside[name] += one.low <= value <= one.high
    # Two in twenty million binomials of 200 at 0.95 are below 173.
    assert all(count >= 173 for count in inside.values()), inside
    assert all(count < 200 for count in inside.values()), inside


def test_moved_inputs_are_seen_before_their_labels_come() -> None:
    chance = np.random.default_rng(8)
    easy, hard = chance.beta(0.5, 0.5, 4000), chance.beta(6, 6, 4000)
    assert estimate(easy, PLAIN, 0.99)["auc"].low > estimate(hard, PLAIN, 0.99)["auc"].high


def test_scores_that_promise_too_much_are_calibrated_first() -> None:
    chance = np.random.default_rng(9)

    def draw(rows: int) -> tuple[np.ndarray, np.ndarray]:
        truth = chance.beta(3, 3, rows)
        bold = truth**3 / (truth**3 + (1 - truth) ** 3)
        return (chance.random(rows) < truth).astype(float), bold

    calibration = calibrate(*draw(20_000))
    assert calibration is not None
    label, score = draw(20_000)
    found, naive = estimate(score, calibration, 0.99), estimate(score, PLAIN, 0.99)
    measured = metrics.measures(label, score)
    for name in ("accuracy", "brier", "auc"):
        value = measured[name]
        assert value is not None
        assert found[name].value == pytest.approx(value, abs=0.01)
        assert abs(naive[name].value - value) > 0.05


def test_calibration_is_isotonic_as_scikit_learn_has_it() -> None:
    isotonic = pytest.importorskip("sklearn.isotonic")
    chance = np.random.default_rng(10)
    score = np.round(chance.random(3000), 2)
    label = (chance.random(3000) < score**2).astype(float)
    found = calibrate(label, score)
    assert found is not None
    fit = isotonic.IsotonicRegression(out_of_bounds="clip").fit(score, label)
    grid = np.linspace(0, 1, 57)
    np.testing.assert_allclose(found(grid), fit.predict(grid), atol=1e-9)


@pytest.mark.parametrize(
    ("label", "score"),
    [
        (np.tile([0.0, 1.0], 50), np.tile([0.2, 0.8], 50)),
        (np.zeros(400), np.full(400, 0.2)),
        (np.tile([0.0, 1.0], 200), np.tile([0.2, 7.5], 200)),
        (np.full(400, np.nan), np.full(400, 0.5)),
    ],
    ids=["few", "one label", "no probabilities", "no labels"],
)
def test_without_what_it_needs_there_is_no_calibration(
    label: np.ndarray, score: np.ndarray
) -> None:
    assert calibrate(label, score) is None


def test_nothing_to_estimate() -> None:
    assert estimate(np.array([np.nan]), PLAIN, 0.95) == {}
    assert estimate(np.array([2.0, 0.3]), PLAIN, 0.95) == {}
    assert set(estimate(np.array([0.0, 0.0]), PLAIN, 0.95)) == {"accuracy", "brier"}


def test_a_regression_has_no_estimate_even_where_its_scores_look_like_chances() -> None:
    rng = np.random.default_rng(9)
    score = rng.random(500)
    assert calibrate(score + rng.normal(0, 0.1, 500), score) is None

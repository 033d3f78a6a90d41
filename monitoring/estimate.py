"""Estimated performance while labels are missing; never a measurement.

With a known probability of label 1 for each score, the expected value of a metric follows: every
row counts as both labels, by their probabilities. This is confidence-based estimation (Białek et
al. 2024, arXiv 2401.08348; for accuracy, Chow 1970, IEEE Trans. Inf. Theory 16, 41). It shows the
effect of moved inputs on a model, but not a changed relation of inputs and labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Labelled rows that a calibration needs.
MIN_LABELS = 200


@dataclass(frozen=True)
class Estimate:
    """An estimated metric, and the interval of its measurement if the calibration still holds."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Calibration:
    """Probability of label 1 by score: steps, straight lines between them."""

    scores: Floats
    chances: Floats

    def __call__(self, score: Floats) -> Floats:
        """Probability of label 1 for each score."""
        chances: Floats = np.interp(score, self.scores, self.chances)
        return chances


def calibrate(label: Floats, score: Floats) -> Calibration | None:
    """Fit the probability of label 1 by score: isotonic regression (Zadrozny & Elkan 2002).

    None where the scores are no probabilities or the labels not 0 and 1 (a regression), with fewer
    than 200 labelled rows, or one label.
    """
    known = ~np.isnan(label) & ~np.isnan(score)
    label, score = label[known], score[known]
    if len(label) < MIN_LABELS or not _probabilities(score) or label.min() == label.max():
        return None
    if not np.isin(label, (0, 1)).all():
        return None
    scores, code, count = np.unique(score, return_inverse=True, return_counts=True)
    means = np.bincount(code, label) / count
    fit = scipy.optimize.isotonic_regression(means, weights=count.astype(np.float64))
    return Calibration(scores, np.asarray(fit.x, np.float64))


def estimate(score: Floats, calibration: Calibration, confidence: float) -> dict[str, Estimate]:
    """Estimate accuracy, Brier score and AUC of unlabelled rows by name; empty without rows.

    The intervals assume independent rows; correlated rows vary more.
    """
    score = score[~np.isnan(score)]
    if not len(score) or not _probabilities(score):
        return {}
    chance = calibration(score)
    says = score >= 0.5
    right = np.where(says, chance, 1 - chance)
    brier = chance * (1 - score) ** 2 + (1 - chance) * score**2
    found = {
        "accuracy": _mean(right, np.where(says, 1.0, -1.0), chance, confidence),
        "brier": _mean(brier, 1 - 2 * score, chance, confidence),
    }
    area = _auc(score, chance, confidence)
    return found if area is None else {"auc": area, **found}


def _probabilities(score: Floats) -> bool:
    return bool(np.all((score >= 0) & (score <= 1)))


def _mean(expected: Floats, slope: Floats, chance: Floats, confidence: float) -> Estimate:
    """Mean of a metric over rows, with its interval.

    `slope` is the difference that label 1 makes to a row's value.
    """
    return _interval(float(expected.mean()), slope / len(slope), chance, confidence)


def _interval(value: float, slope: Floats, chance: Floats, confidence: float) -> Estimate:
    error = float(np.sqrt(np.sum(chance * (1 - chance) * slope**2)))
    reach = float(scipy.special.ndtri((1 + confidence) / 2)) * error
    return Estimate(value, max(value - reach, 0.0), min(value + reach, 1.0))


def _auc(score: Floats, chance: Floats, confidence: float) -> Estimate | None:
    """Expected number of correctly ordered pairs over expected pairs; error by the delta method."""
    _, code = np.unique(score, return_inverse=True)
    above, below = np.bincount(code, chance), np.bincount(code, 1 - chance)
    positives, negatives = float(above.sum()), float(below.sum())
    # A row forms no pair with itself.
    pairs = positives * negatives - float(np.sum(chance * (1 - chance)))
    if pairs <= 0:
        return None
    beaten = (np.cumsum(below) - below / 2)[code] - (1 - chance) / 2
    losing = (positives - np.cumsum(above) + above / 2)[code] - chance / 2
    value = float(np.sum(chance * beaten)) / pairs
    slope = (beaten - losing - value * (negatives - positives)) / pairs
    return _interval(value, slope, chance, confidence)

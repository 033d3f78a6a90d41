"""Metrics of labelled predictions.

`label` and `score` are float64 arrays of one length, without NaN: for a binary classification 0 or
1 and the probability of 1 (0…1), for a regression any numbers. A metric without a value for its
rows is None.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CLIP = float(np.finfo(np.float64).eps)
"""Scores are kept this far from 0 and 1 in the log loss, as scikit-learn's does for doubles."""


class Task(StrEnum):
    """What a model predicts."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


def auc(label: Floats, score: Floats) -> float | None:
    """Area under the ROC curve by the Mann–Whitney statistic; ties count a half, exactly.

    None with fewer than one row of each label.

    >>> auc(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]))
    0.875
    """
    positives = int(np.count_nonzero(label == 1))
    negatives = len(label) - positives
    if not positives or not negatives:
        return None
    _, code, count = np.unique(score, return_inverse=True, return_counts=True)
    ranks = np.cumsum(count) - (count - 1) / 2
    total = float(ranks[code][label == 1].sum())
    return (total - positives * (positives + 1) / 2) / (positives * negatives)


def brier(label: Floats, score: Floats) -> float | None:
    """Mean squared difference of score and label; None without rows."""
    return float(np.mean((score - label) ** 2)) if len(label) else None


def log_loss(label: Floats, score: Floats) -> float | None:
    """Mean negative log-likelihood in nats; None without rows."""
    if not len(label):
        return None
    p = np.clip(score, CLIP, 1 - CLIP)
    return float(-np.mean(label * np.log(p) + (1 - label) * np.log1p(-p)))


def accuracy(label: Floats, score: Floats) -> float | None:
    """Share of rows where score ≥ ½ agrees with the label; None without rows."""
    return float(np.mean((score >= 0.5) == (label == 1))) if len(label) else None


def calibration_gap(label: Floats, score: Floats) -> float | None:
    """Mean score minus mean label, positive where scores are too high; None without rows."""
    return float(np.mean(score) - np.mean(label)) if len(label) else None


def skill(label: Floats, score: Floats) -> float | None:
    """Share of the labels' variance that the scores explain, 1 - mean (score - label)² / variance.

    The baseline is the mean label of these rows: for probabilities this is the Brier skill (Murphy
    1973, J. Appl. Meteor. 12, 595), for a regression R². None where all labels are equal.
    """
    if not len(label) or label.min() == label.max():
        return None
    return 1 - float(np.mean((score - label) ** 2)) / float(np.var(label))


def mean_error(label: Floats, score: Floats) -> float | None:
    """Mean absolute difference of score and label; None without rows."""
    return float(np.mean(np.abs(score - label))) if len(label) else None


def root_error(label: Floats, score: Floats) -> float | None:
    """Root of the mean squared difference of score and label; None without rows."""
    return float(np.sqrt(np.mean((score - label) ** 2))) if len(label) else None


def measures(
    label: Floats, score: Floats, task: Task = Task.CLASSIFICATION
) -> dict[str, float | None]:
    """Every metric of the task for these rows, by name."""
    if task is Task.REGRESSION:
        return {
            "mae": mean_error(label, score),
            "rmse": root_error(label, score),
            "mean_label": float(label.mean()) if len(label) else None,
            "bias": calibration_gap(label, score),
            "r2": skill(label, score),
        }
    return {
        "auc": auc(label, score),
        "brier": brier(label, score),
        "log_loss": log_loss(label, score),
        "accuracy": accuracy(label, score),
        "base_rate": float(label.mean()) if len(label) else None,
        "calibration_gap": calibration_gap(label, score),
        "skill": skill(label, score),
    }

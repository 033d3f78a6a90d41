"""Metrics against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as outside

from monitoring.metrics import (
    Task,
    accuracy,
    auc,
    brier,
    calibration_gap,
    log_loss,
    measures,
    skill,
)

Floats = NDArray[np.float64]
LABELLED = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])),
    min_size=1,
    max_size=30,
)


def arrays(rows: list[tuple[int, float]]) -> tuple[Floats, Floats]:
    return np.array([r[0] for r in rows], float), np.array([r[1] for r in rows], float)


@pytest.mark.usefixtures("heavy")
@given(LABELLED)
def test_metrics_agree_with_scikit_learn(rows: list[tuple[int, float]]) -> None:
    label, score = arrays(rows)
    assert brier(label, score) == pytest.approx(outside.brier_score_loss(label, score))
    assert log_loss(label, score) == pytest.approx(
        outside.log_loss(label, score, labels=[0, 1]), rel=1e-9
    )
    assert accuracy(label, score) == pytest.approx(outside.accuracy_score(label, score >= 0.5))
    if len(set(label)) == 2:
        assert auc(label, score) == pytest.approx(outside.roc_auc_score(label, score), abs=1e-12)
    else:
        assert auc(label, score) is None
        assert skill(label, score) is None


def test_metrics_by_hand() -> None:
    label, score = np.array([1.0, 0.0, 0.0, 1.0]), np.array([0.75, 0.25, 0.75, 0.25])
    assert auc(label, score) == 0.5
    assert brier(label, score) == pytest.approx((1 + 1 + 9 + 9) / 64)
    assert calibration_gap(label, score) == 0.0
    assert skill(label, score) == pytest.approx(1 - (20 / 64) / 0.25)
    assert auc(np.array([0.0, 0, 1]), np.array([0.3, 0.7, 0.7])) == 0.75


def test_no_rows_have_no_metrics() -> None:
    none = np.empty(0)
    assert set(measures(none, none).values()) == {None}


def test_metrics_of_a_regression_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    label = rng.normal(50, 10, 300)
    score = label + rng.normal(1, 4, 300)
    found = measures(label, score, Task.REGRESSION)
    assert found == {
        "mae": pytest.approx(outside.mean_absolute_error(label, score)),
        "rmse": pytest.approx(outside.root_mean_squared_error(label, score)),
        "mean_label": pytest.approx(label.mean()),
        "bias": pytest.approx((score - label).mean()),
        "r2": pytest.approx(outside.r2_score(label, score)),
    }
    none = np.empty(0)
    assert set(measures(none, none, Task.REGRESSION).values()) == {None}

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from dashboards.days import Day
from dashboards.performance import performance


def test_every_labelled_row_counts_once_over_all_windows() -> None:
    rng = np.random.default_rng(7)
    label = rng.integers(0, 2, 600).astype(float)
    served, frozen = rng.random(600).round(2), rng.random(600).round(2)
    tables = {
        str(n): pa.table({"label": label[n::3], "served": served[n::3], "baseline": frozen[n::3]})
        for n in range(3)
    }
    days = [Day(date(2013, 4, n + 1), joined=str(n)) for n in range(3)]
    found = performance([*days, Day(date(2013, 4, 9))], tables.__getitem__)
    assert found["served"] == {
        "auc": pytest.approx(roc_auc_score(label, served), abs=1e-12),
        "brier": pytest.approx(brier_score_loss(label, served), abs=1e-12),
    }
    assert found["frozen"] == {
        "auc": pytest.approx(roc_auc_score(label, frozen), abs=1e-12),
        "brier": pytest.approx(brier_score_loss(label, frozen), abs=1e-12),
    }


def test_rows_with_anything_unknown_are_left_out() -> None:
    table = pa.table(
        {
            "label": [1, 0, None, 1, 0],
            "served": [0.9, 0.2, 0.5, None, 0.1],
            "baseline": [0.6, 0.4, 0.5, 0.5, None],
        }
    )
    found = performance([Day(date(2013, 4, 1), joined="a")], lambda _: table)
    # Left are the rows (1, .9, .6) and (0, .2, .4).
    assert found["served"] == {"auc": 1.0, "brier": pytest.approx((0.01 + 0.04) / 2)}
    assert found["frozen"] == {"auc": 1.0, "brier": pytest.approx((0.16 + 0.16) / 2)}


def test_without_a_frozen_champion_what_was_served_is_measured() -> None:
    table = pa.table({"label": [1, 0], "served": [0.5, 0.5]})
    found = performance([Day(date(2013, 4, 1), joined="a")], lambda _: table)
    assert found["served"] == {"auc": 0.5, "brier": 0.25}
    assert found["frozen"] == {"auc": None, "brier": None}


def test_nothing_labelled() -> None:
    nothing = {"auc": None, "brier": None}
    assert performance([], lambda _: pa.table({})) == {"frozen": nothing, "served": nothing}

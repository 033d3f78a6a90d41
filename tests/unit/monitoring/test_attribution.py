"""Agreement of two rankings of features."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.attribution import Shift, agreement

BEFORE = {"age": 0.5, "income": 0.3, "region": 0.15, "day": 0.05}
IMPORTANCES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 20).map(float))


def test_the_same_order_agrees_whatever_the_scale() -> None:
    found = agreement(BEFORE, {name: 7 * value for name, value in BEFORE.items()})
    assert found is not None
    assert (found.ndcg, found.shifts) == (1.0, ())
    assert found.spearman == pytest.approx(1)
    assert found.kendall == pytest.approx(1)


def test_ndcg_is_as_scikit_learn_has_it() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    chance = np.random.default_rng(4)
    for _ in range(50):
        was, now = chance.integers(0, 6, 9).astype(float), chance.integers(0, 6, 9).astype(float)
        if not was.sum():
            continue
        names = [f"f{i}" for i in range(9)]
        found = agreement(dict(zip(names, was, strict=True)), dict(zip(names, now, strict=True)))
        assert found is not None
        assert found.ndcg == pytest.approx(metrics.ndcg_score([was], [now]))


def test_what_moves_at_the_top_counts_more_than_at_the_bottom() -> None:
    top = agreement(BEFORE, {**BEFORE, "age": 0.3, "income": 0.5})
    bottom = agreement(BEFORE, {**BEFORE, "region": 0.05, "day": 0.15})
    assert top is not None
    assert bottom is not None
    assert top.ndcg < bottom.ndcg < 1
    assert top.kendall == bottom.kendall == pytest.approx(2 / 3)
    assert top.shifts == (Shift("age", 1, 2), Shift("income", 2, 1))


def test_a_feature_that_one_side_lacks_has_no_importance_there() -> None:
    found = agreement(BEFORE, {"age": 0.5, "income": 0.3, "region": 0.15, "speed": 0.4})
    assert found is not None
    assert found.ndcg < 1
    assert Shift("speed", 5, 2) in found.shifts


def test_the_sign_of_an_attribution_is_not_its_importance() -> None:
    found = agreement(BEFORE, {name: -value for name, value in BEFORE.items()})
    assert found is not None
    assert found.ndcg == 1.0


def test_without_importance_there_is_nothing_to_agree_with() -> None:
    assert agreement({}, BEFORE) is None
    assert agreement({"age": 0.0}, BEFORE) is None


def test_without_an_order_only_ndcg_has_a_value() -> None:
    found = agreement(BEFORE, dict.fromkeys(BEFORE, 1.0))
    assert found is not None
    assert (found.spearman, found.kendall) == (None, None)
    assert 0 < found.ndcg < 1


@given(IMPORTANCES, IMPORTANCES)
def test_agreement_is_within_bounds(before: dict[str, float], after: dict[str, float]) -> None:
    found = agreement(before, after)
    assert (found is None) == (sum(before.values()) == 0)
    if found is not None:
        assert 0 < found.ndcg <= 1 + 1e-12

"""Association of features with the score: by hand, on days alike, and after the model changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binom

from monitoring.association import MIN_DAYS, associations, compare
from monitoring.score_sums import summed

WEIGHTS = (1.0, 0.7, 0.4, 0.2, 0.1, 0.0)


def days(
    rng: np.random.Generator, count: int, rows: int, weights: Sequence[float] = WEIGHTS
) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """Numeric features with a weight each, a level that counts, and days that differ a little."""
    day = np.repeat(np.arange(count), rows)
    n = len(day)
    x = rng.normal(0, 1, (n, len(weights))) * (1 + rng.normal(0, 0.05, (count, 1)))[day]
    level = rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    score = x @ np.array(weights) + 0.5 * (level == "c") + rng.normal(0, 0.3, n)
    columns = {f"x{i}": x[:, i] for i in range(len(weights))}
    return pa.table({**columns, "level": level}), score, day


def test_association_is_the_correlation_ratio_less_chance() -> None:
    rng = np.random.default_rng(1)
    level = rng.choice(["a", "b", "c"], 500).astype(object)
    level[:50] = None
    score = rng.normal(0, 1, 500) + 2 * (level == "b")
    found = summed(pa.table({"level": level}), score, np.zeros(500), {})
    assert found is not None
    groups = [score[level == name] for name in ("a", "b", "c")] + [score[:50]]
    within = sum(((group - group.mean()) ** 2).sum() for group in groups)
    total = ((score - score.mean()) ** 2).sum()
    assert associations(found) == pytest.approx([1 - within / 496 / (total / 499)])


def test_a_feature_without_meaning_has_none_and_a_bent_one_has() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(0, 1, (20_000, 2))
    found = summed(
        pa.table({"noise": x[:, 0], "bent": x[:, 1]}), x[:, 1] ** 2, np.zeros(20_000), {}
    )
    assert found is not None
    noise, bent = associations(found)
    assert noise < 0.002
    assert bent > 0.5


def test_a_model_that_leans_on_other_features_is_told_with_its_ranks() -> None:
    rng = np.random.default_rng(4)
    table, score, day = days(rng, 20, 500)
    usual = summed(table, score, day, {})
    assert usual is not None
    same = compare(usual, *days(rng, 1, 500)[:2], 0.9)
    assert same is not None
    assert same.moved is False
    assert same.features == ()
    assert same.ndcg > 0.97
    turned = compare(usual, *days(rng, 1, 500, WEIGHTS[::-1])[:2], 0.9)
    assert turned is not None
    assert turned.moved is True
    assert "x0 from rank 1 to" in turned.reason
    assert "x5 from rank" in turned.reason
    assert turned.limit == 0.9
    assert turned.spearman is not None
    assert turned.spearman < 0


def test_too_few_days_tell_nothing_and_neither_do_constant_scores() -> None:
    rng = np.random.default_rng(5)
    table, score, day = days(rng, MIN_DAYS - 1, 300)
    usual = summed(table, score, day, {})
    assert usual is not None
    turned = compare(usual, *days(rng, 1, 300, WEIGHTS[::-1])[:2], 0.9)
    assert turned is not None
    assert turned.moved is None
    assert "no limit: too few days" in turned.reason
    assert compare(usual, table, np.ones(len(score)), 0.9) is None
    assert compare(usual, table, np.full(len(score), np.nan), 0.9) is None
    assert summed(table, np.ones(len(score)), day, {}) is None


def test_a_column_that_is_gone_or_of_another_kind_is_missing_in_every_row() -> None:
    rng = np.random.default_rng(6)
    table, score, day = days(rng, 15, 400)
    usual = summed(table, score, day, {})
    assert usual is not None
    late, now, _ = days(rng, 1, 400)
    texts = pa.array(["?"] * 400)
    gone = late.drop_columns(["x0"]).set_column(0, "x1", texts)
    found = compare(usual, gone, now, 0.9)
    assert found is not None
    assert found.moved is True
    assert "x0 from rank 1" in found.reason


def alarms(
    rng: np.random.Generator, trials: int, rows: int, now: int, weights: Sequence[float]
) -> int:
    count = 0
    for _ in range(trials):
        table, score, day = days(rng, 15, rows)
        usual = summed(table, score, day, {})
        assert usual is not None
        found = compare(usual, *days(rng, 1, now, weights)[:2], 0.9)
        assert found is not None
        count += bool(found.moved)
    return count


@pytest.mark.usefixtures("heavy")
@pytest.mark.parametrize(("rows", "now"), [(200, 200), (250, 200), (200, 400)])
def test_a_calm_window_is_told_as_moved_in_at_most_one_of_a_hundred(rows: int, now: int) -> None:
    trials = 40
    found = alarms(np.random.default_rng(rows + now), trials, rows, now, WEIGHTS)
    assert found <= binom.ppf(1 - 1e-6, trials, 0.01)


def test_a_model_turned_around_is_found() -> None:
    trials = 30
    found = alarms(np.random.default_rng(7), trials, 300, 300, WEIGHTS[::-1])
    assert found >= binom.ppf(1e-6, trials, 0.99)

"""The champion's metrics while labels are missing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fleet.model.tasks import Assess
from fleet.ports import World
from fleet.work import rows
from fleet.work.assess.estimating import estimated
from fleet.work.refer.usual_scores import SCORE
from monitoring import metrics


def asked(scores: str) -> Assess:
    return Assess("2024-03-04", "o", (), (), (), (), (), "", scores, "v1", None, None)


def draw(chance: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    truth = chance.beta(2, 2, count)
    return np.sqrt(truth), (chance.random(count) < truth).astype(float)


def kept(world: World, score: np.ndarray, label: np.ndarray) -> str:
    time = pa.array([0] * len(score), pa.timestamp("us", "UTC"))
    table = pa.table({SCORE: score, "label": label, "time": time})
    return rows.put(world.blobs, table)


def test_metrics_are_estimated_from_what_scores_meant_at_the_reference(world: World) -> None:
    chance = np.random.default_rng(2)
    name = kept(world, *draw(chance, 5000))
    score, label = draw(chance, 3000)
    found = estimated(world.blobs, asked(name), pa.table({"score": score}), 0.99)
    measured = metrics.measures(label, score)
    assert set(found) == {"auc", "accuracy", "brier"}
    for metric, (value, low, high) in found.items():
        assert low < value < high
        assert value == pytest.approx(measured[metric], abs=0.03)


def test_without_scores_or_labels_or_probabilities_nothing_is_estimated(world: World) -> None:
    chance = np.random.default_rng(3)
    score, label = draw(chance, 1000)
    scores = pa.table({"score": score})
    good = kept(world, score, label)
    assert estimated(world.blobs, asked(good), None, 0.99) == {}
    assert estimated(world.blobs, asked(""), scores, 0.99) == {}
    assert estimated(world.blobs, asked(kept(world, 9 * score, label)), scores, 0.99) == {}
    bare = rows.put(world.blobs, scores)
    assert estimated(world.blobs, asked(bare), scores, 0.99) == {}

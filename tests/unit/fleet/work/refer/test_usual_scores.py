"""What is kept of a version's usual scores, and read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fleet.document.policies import Fleet
from fleet.ports import World
from fleet.work import rows
from fleet.work.refer import usual_scores
from retrain.ports import ModelCard

Make = Callable[..., pa.Table]


@pytest.fixture
def table(rows_of: Make) -> pa.Table:
    rng = np.random.default_rng(1)
    return rows_of(
        [f"r{i}" for i in range(300)],
        x=rng.normal(size=300),
        kind=rng.choice(["a", "b"], 300),
        served=rng.random(300),
        label=(rng.random(300) < 0.5).astype(float),
    )


def kept(world: World, fleet: Fleet, table: pa.Table, card: ModelCard) -> str:
    registry: Any = world.registry
    registry.cards["v1"] = card
    scores = table["x"].to_numpy() ** 2
    return usual_scores.put(world, fleet.models["demand"], "v1", scores, table)


def test_the_segments_features_and_the_association_are_kept_beside_the_scores(
    world: World, resolve: Callable[..., Fleet], table: pa.Table
) -> None:
    fleet = resolve(("rolling_days: 3", "segments: [kind, absent], rolling_days: 3"))
    name = kept(world, fleet, table, ModelCard("demand", "v1", ("x", "kind")))
    assert rows.get(world.blobs, name).column_names == ["kind", "score", "label", "time"]
    sums = usual_scores.association(world.blobs, name)
    assert sums is not None
    assert list(sums.ruler.features) == ["x", "kind"]
    assert len(sums.squares) == 1
    assert usual_scores.shares(world.blobs, name) == {}


def test_columns_that_are_no_features_are_left_out(
    world: World, fleet: Fleet, table: pa.Table
) -> None:
    name = kept(world, fleet, table, ModelCard("demand", "v1", ()))
    sums = usual_scores.association(world.blobs, name)
    assert sums is not None
    assert list(sums.ruler.features) == ["x", "kind"]


def test_what_moved_is_negligible_only_where_the_card_says_so(
    world: World, fleet: Fleet, table: pa.Table
) -> None:
    card = ModelCard("demand", "v1", ("x", "kind"), importance={"x": 1.0, "kind": -3.0, "z": 0.01})
    name = kept(world, fleet, table, card)
    assert usual_scores.shares(world.blobs, name)["kind"] == pytest.approx(3 / 4.01)
    moved = {"z in kind=a": "z", "x": "x", "unknown": "unknown"}
    found = usual_scores.negligible(world.blobs, name, moved, 0.01)
    assert found == {"z in kind=a": pytest.approx(0.01 / 4.01)}
    assert usual_scores.negligible(world.blobs, "", moved, 0.01) == {}


def test_scores_kept_before_there_was_more_are_read_as_they_are(
    world: World, table: pa.Table
) -> None:
    old = rows.put(world.blobs, pa.table({"score": [0.5], "label": [1.0]}))
    assert usual_scores.association(world.blobs, old) is None
    assert usual_scores.association(world.blobs, "") is None
    assert usual_scores.negligible(world.blobs, old, {"x": "x"}, 0.01) == {}

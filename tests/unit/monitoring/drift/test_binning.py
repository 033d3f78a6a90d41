"""Rulers: edges from quantiles, levels by frequency, round trips."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Refused
from monitoring.drift.binning import CategoricalBins, NumericBins, Ruler

numbers = st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float), min_size=1, max_size=60)


@given(numbers)
def test_edges_are_numpys_linear_deciles(values):
    quantiles = np.quantile(values, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], method="linear")
    assert NumericBins.of(np.array(values)).edges == tuple(np.unique(quantiles).tolist())


def test_hand_computed_deciles():
    assert NumericBins.of(np.arange(11.0)).edges == (1, 2, 3, 4, 5, 6, 7, 8, 9)
    assert NumericBins.of(np.full(50, 7.0)).edges == (7.0,)
    assert NumericBins.of(np.empty(0)).edges == ()


def test_an_edge_beyond_the_range_of_floats_is_left_out():
    edges = NumericBins.of(np.array([-1.7e308, 1.7e308])).edges
    assert all(np.isfinite(edges))


def test_labels_name_half_open_intervals():
    assert NumericBins((0.5, 2.0)).labels == ("(-inf, 0.5]", "(0.5, 2]", "(2, inf)")
    assert NumericBins(()).labels == ("(-inf, inf)",)


def test_levels_by_frequency_then_name_capped_at_a_thousand():
    assert CategoricalBins.of({"b": 2, "c": 1, "a": 2}).labels == ("a", "b", "c", "rest")
    many = CategoricalBins.of({f"l{index:04}": 5 for index in range(1_500)})
    assert len(many.levels) == 1_000
    assert many.levels[-1] == "l0999"


def test_a_salt_hides_the_levels():
    plain, other = (CategoricalBins.of({"alice": 3, "bob": 1}, salt) for salt in ("s1", "s2"))
    assert "alice" not in plain.labels
    assert plain.levels != other.levels
    assert plain.position[plain.key("alice")] == 0


@pytest.fixture
def reference() -> pa.Table:
    return pa.table(
        {
            "x": [0.1, None, 0.3],
            "when": pa.array([0, 1, 2], pa.timestamp("s")),
            "s": ["é", None, "None"],
            "id": pa.array(["a", "b", "c"]),
        }
    )


def test_a_ruler_survives_its_bytes(reference):
    ruler = Ruler.of(reference, {"id": "salt"})
    again = Ruler.from_bytes(ruler.to_bytes())
    assert again == ruler
    assert again.id == ruler.id
    assert [one.name for one in ruler.ignored] == ["when"]
    assert list(ruler.features) == ["x", "s", "id"]


def test_a_newer_format_is_refused(reference):
    document = json.loads(Ruler.of(reference).to_bytes())
    document["format"] += 1
    with pytest.raises(Refused, match="newer"):
        Ruler.from_bytes(json.dumps(document).encode())


def test_nearly_unique_text_is_ignored():
    ids = pa.table({"id": [f"user {index}" for index in range(1_500)]})
    ruler = Ruler.of(ids)
    assert ruler.features == {}
    assert ruler.ignored[0].reason == "nearly unique strings: 1,500 distinct in 1,500 values"


def test_a_column_of_nulls_has_one_empty_bin():
    assert Ruler.of(pa.table({"x": pa.nulls(4)})).features == {"x": NumericBins(())}

"""Sketches: exact counts, additive, versioned."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Refused
from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.kernel import CHUNK
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import (
    Sketch,
    count,
    empty,
    merge,
    places,
    ruled,
    sketch,
)
from monitoring.schema import Kind, kind_of


def brute(values: list[Any], edges: list[Any]) -> list[int]:
    """One value after another: (e[i-1], e[i]]; missing last."""
    counts = [0] * (len(edges) + 2)
    for value in values:
        if value is None or not np.isfinite(value):
            counts[-1] += 1
        else:
            counts[sum(value > edge for edge in edges)] += 1
    return counts


edge_lists = st.lists(st.floats(-5, 5), max_size=9, unique=True).map(sorted)
cells = st.none() | st.sampled_from([np.nan, np.inf, -np.inf]) | st.floats(-6, 6)


@given(st.lists(cells, max_size=50), edge_lists)
def test_counts_agree_with_a_loop(values: list[Any], edges: list[Any]) -> None:
    found = count(pa.array(values, pa.float64()), NumericBins(tuple(edges)))
    assert found.tolist() == brute(values, edges)


def test_counting_across_chunks_and_batches() -> None:
    values = np.arange(2 * CHUNK + 17, dtype=np.float64)
    column = pa.chunked_array([values[:5], values[5:]])
    assert count(column, NumericBins((9.0,))).tolist() == [10, 2 * CHUNK + 7, 0]


@pytest.mark.parametrize(
    "column",
    [
        pa.chunked_array([[3.0, None, np.nan, 1.0, 2.0, np.inf]]),
        pa.chunked_array([pa.array([3, None, 1, 2], pa.int16())]),
        pa.chunked_array([["a", None, "b", "a"]]),
        pa.chunked_array([pa.nulls(3)]),
    ],
    ids=lambda column: str(column.type),
)
def test_measuring_and_counting_at_once_is_the_same(column: pa.ChunkedArray) -> None:
    name, table = "f", pa.table({"f": column})
    ruler = Ruler.of(table)
    kind = kind_of(column.type)
    assert isinstance(kind, Kind)
    measured = ruled(column, kind)
    assert measured[0] == ruler.features[name]
    assert measured[1].tolist() == sketch(table, ruler).feature(ruler, name).tolist()


@pytest.fixture
def table() -> pa.Table:
    return pa.table({"x": [0.0, 1.0, 2.0, None], "s": ["a", "b", "a", None]})


@given(st.integers(0, 4), st.integers(0, 4))
def test_sketches_add_up_in_any_order(one: int, other: int) -> None:
    low, high = sorted((one, other))
    whole = pa.table({"x": [0.0, 1.0, 2.0, None], "s": ["a", "b", "a", None]})
    ruler = Ruler.of(whole)
    parts = [
        sketch(whole.slice(start, stop - start), ruler)
        for start, stop in ((0, low), (low, high), (high, 4))
    ]
    assert merge(ruler, parts) == merge(ruler, reversed(parts)) == sketch(whole, ruler)
    assert parts[0] + parts[1] == parts[1] + parts[0]
    assert parts[2] + empty(ruler) == parts[2]


def test_each_feature_counts_every_row(table: pa.Table) -> None:
    ruler = Ruler.of(table)
    found = sketch(table, ruler)
    assert found.rows == 4
    assert found.feature(ruler, "s").tolist() == [2, 1, 0, 1]
    assert found.feature(ruler, "x").sum() == 4


def test_unseen_levels_fall_in_rest_and_absent_columns_are_missing(table: pa.Table) -> None:
    ruler = Ruler.of(table)
    found = sketch(pa.table({"s": ["z", "a", "None"]}), ruler)
    assert found.feature(ruler, "s").tolist() == [1, 0, 2, 0]
    assert found.feature(ruler, "x").tolist()[-1] == 3


def test_text_where_numbers_are_due_is_missing_and_numbers_where_text_is_are_levels(
    table: pa.Table,
) -> None:
    ruler = Ruler.of(table)
    found = sketch(pa.table({"x": ["1", "2"], "s": [1, 2]}), ruler)
    assert found.feature(ruler, "x").tolist()[-1] == 2
    assert found.feature(ruler, "s").tolist() == [0, 0, 2, 0]
    assert ruler.features["x"].kind is Kind.NUMERIC


TWINS = {
    "integers": pa.array([1, 0, 1, 1, None], pa.int8()),
    "floats": pa.array([1.0, 0.0, 1.0, 1.0, None], pa.float32()),
    "booleans": pa.array([True, False, True, True, None]),
    "text": pa.array(["1", "0", "1", "1", None]),
    "text of floats": pa.array(["1.0", "0.0", "1.0", "1.0", None]),
    "Python's words": pa.array(["True", "False", "True", "True", None]),
    "a dictionary": pa.array(["1", "0", "1", "1", None]).dictionary_encode(),
    "a dictionary of numbers": pa.array([1, 0, 1, 1, None]).dictionary_encode(),
    "decimals": pa.array([1, 0, 1, 1, None], pa.decimal128(5, 2)),
}


@pytest.mark.parametrize("other", TWINS.values(), ids=TWINS)
@pytest.mark.parametrize("reference", TWINS.values(), ids=TWINS)
def test_a_flag_is_counted_alike_whatever_type_and_spelling_it_comes_in(
    reference: pa.Array, other: pa.Array
) -> None:
    levels = {"f": Kind.CATEGORICAL}
    table, current = pa.table({"f": reference}), pa.table({"f": other})
    for ruler in (Ruler.of(table, None, levels), Ruler.of(table, {"f": "salt"}, levels)):
        assert sketch(current, ruler) == sketch(table, ruler)


def test_numbers_that_are_a_dictionary_are_numbers() -> None:
    ruler = Ruler.of(pa.table({"x": [1.5, 2.5, None]}))
    coded = pa.array([1.5, 2.5, None]).dictionary_encode()
    assert sketch(pa.table({"x": coded}), ruler) == sketch(pa.table({"x": [1.5, 2.5, None]}), ruler)


def test_a_single_precision_column_fills_the_atoms_of_a_double_one_and_the_other_way_round() -> (
    None
):
    values = np.repeat([0.1, 0.7, -0.3, 1e-5, 123456.7, 0.0], 40)
    narrow, wide = pa.array(values.astype(np.float32)), pa.array(values)
    for one, other in ((narrow, wide), (wide, narrow)):
        ruler = Ruler.of(pa.table({"x": one}))
        assert sketch(pa.table({"x": other}), ruler) == sketch(pa.table({"x": one}), ruler)


LEVELS = pa.chunked_array([["a", "b", None], [], ["zz", "a", "1"]], pa.string())


@pytest.mark.parametrize(
    "column",
    [
        LEVELS,
        LEVELS.cast(pa.large_string()),
        LEVELS.dictionary_encode(),
        pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), ["a", None])]),
        pa.chunked_array(
            [pa.DictionaryArray.from_arrays(pa.array([126, None], pa.int8()), ["a"] * 127)]
        ),
        pa.chunked_array([[True, None, False]]),
        pa.chunked_array([[1, 7, None]]),
        pa.chunked_array([[1.0, 2.5, float("nan"), -0.0, None, float("inf")]]),
        pa.chunked_array([pa.nulls(3)]),
        pa.chunked_array([], pa.string()),
        pa.chunked_array([pa.array([1, 2], pa.date32())]),
        pa.chunked_array([[b"a", None]]),
    ],
    ids=lambda column: str(column.type),
)
def test_the_places_of_rows_are_what_is_counted(column: pa.ChunkedArray) -> None:
    bins = CategoricalBins(("a", "1", "0"), groups=3)
    found = np.bincount(places(column, bins), minlength=bins.size + 1)
    assert found.tolist() == count(column, bins).tolist()


def test_bytes_round_trip_and_newer_ones_are_refused(table: pa.Table) -> None:
    found = sketch(table, Ruler.of(table))
    assert Sketch.from_bytes(found.to_bytes()) == found
    header, body = found.to_bytes().split(b"\n", 1)
    newer = json.dumps({**json.loads(header), "format": 3}).encode()
    with pytest.raises(Refused, match="newer"):
        Sketch.from_bytes(newer + b"\n" + body)


def test_sketches_of_two_rulers_do_not_mix(table: pa.Table) -> None:
    other = pa.table({"x": [5.0, 6.0]})
    with pytest.raises(Refused, match="two rulers"):
        sketch(table, Ruler.of(table)) + sketch(other, Ruler.of(other))

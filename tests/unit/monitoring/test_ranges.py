"""Declared ranges: what lies outside of them is counted exactly, ends included."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitoring.drift.sketch import sketch
from monitoring.ranges import Range, outside, outside_of, ruler_of

finite = st.floats(-1e6, 1e6, allow_subnormal=False)
wild = st.floats(allow_subnormal=False)


@settings(deadline=None)  # the first call loads what counts
@given(
    st.lists(st.one_of(st.none(), wild, finite)),
    st.tuples(finite, finite),
)
def test_what_is_counted_is_what_comparing_finds(
    values: list[Any], ends: tuple[float, ...]
) -> None:
    low, high = sorted(ends)
    ranges = {
        "both": Range(low=low, high=high), "low": Range(low=low), "high": Range(high=high)
    }  # fmt: skip
    column = pa.array(values, pa.float64())
    known = [value for value in values if value is not None and math.isfinite(value)]
    expected = {
        "both": sum(not low <= value <= high for value in known),
        "low": sum(value < low for value in known),
        "high": sum(value > high for value in known),
    }
    found = outside(pa.table(dict.fromkeys(ranges, column)), ranges)
    assert found == {name: number for name, number in expected.items() if number}


def test_the_ends_belong_to_a_range_of_any_type() -> None:
    column = pa.array([0, 1, 10, 11], pa.int16())
    assert outside(pa.table({"x": column}), {"x": Range(low=1, high=10)}) == {"x": 2}
    assert outside(pa.table({"x": column}), {"x": Range(low=1, high=1)}) == {"x": 3}
    assert outside(pa.table({"y": column}), {"x": Range(low=1)}) == {}
    assert outside(pa.table({"x": ["5", "20"]}), {"x": Range(high=10)}) == {}


def test_no_ranges_are_no_work() -> None:
    assert ruler_of({}).width == 0
    assert outside(pa.table({"x": [1.0]}), {}) == {}


def test_counts_that_a_service_made_are_told_alike() -> None:
    ranges = {"x": Range(low=0), "y": Range(high=2.5)}
    table = pa.table({"x": [-1.0, 0.0, None], "y": [2.5, 2.6, 9.0]})
    assert outside_of(sketch(table, ruler_of(ranges)), ranges) == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "a range needs low, high or both"),
        ({"low": 2, "high": 1}, "low 2 is greater than high 1"),
        ({"low": math.nan}, "finite"),
        ({"minimum": 0}, "minimum"),
    ],
)
def test_ranges_that_are_none(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Range.model_validate(given)


@pytest.mark.parametrize(
    ("given", "text"),
    [({"low": 0, "high": 1}, "[0, 1]"), ({"low": 0.5}, "[0.5, inf)"), ({"high": 2}, "(-inf, 2]")],
)
def test_a_range_is_spelled_as_an_interval(given: dict[str, Any], text: str) -> None:
    assert str(Range.model_validate(given)) == text

"""Arrow columns to numbers and level counts."""

from __future__ import annotations

import decimal

import numpy as np
import pyarrow as pa
import pytest

from monitoring.drift.columns import finite_numbers, level_counts


@pytest.mark.parametrize("dtype", [pa.int8(), pa.uint32(), pa.int64(), pa.float16(), pa.float32()])
def test_numbers_come_without_nulls_in_any_width(dtype: pa.DataType) -> None:
    values = pa.array([1, 2, 3]).cast(dtype)
    with_null = pa.chunked_array([values, pa.nulls(2, dtype), values.slice(1)])
    assert finite_numbers(with_null).tolist() == [1, 2, 3, 2, 3]


def test_infinities_and_nan_are_not_finite() -> None:
    column = pa.chunked_array([[1.0, np.nan, np.inf, -np.inf, None, 2.0]])
    assert finite_numbers(column).tolist() == [1.0, 2.0]


def test_decimals_and_nulls() -> None:
    column = pa.chunked_array([pa.array([decimal.Decimal("1.50"), None])])
    assert finite_numbers(column).tolist() == [1.5]
    assert finite_numbers(pa.chunked_array([pa.nulls(3)])).tolist() == []


def test_numbers_are_levels_by_value_and_those_without_one_are_missing() -> None:
    found = level_counts(pa.array([5.0, 5.0, -0.0, 2.5, np.nan, np.inf, None]))
    assert found == {"5": 2, "0": 1, "2.5": 1}


def test_none_and_the_word_none_differ() -> None:
    assert level_counts(pa.array(["None", None, "None", ""])) == {"None": 2, "": 1}


def test_booleans_dictionaries_and_numbers_as_levels() -> None:
    assert level_counts(pa.array([True, False, None, True])) == {"true": 2, "false": 1}
    assert level_counts(pa.array([1, 1, 2])) == {"1": 2, "2": 1}
    coded = pa.array(["a", None, "b", "a"]).dictionary_encode()
    assert level_counts(coded) == {"a": 2, "b": 1}
    assert level_counts(pa.chunked_array([coded, coded.slice(2)])) == {"a": 3, "b": 2}

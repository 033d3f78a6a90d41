"""Which Arrow types are watched."""

from __future__ import annotations

import pyarrow as pa
import pytest

from monitoring.schema import Kind, classify, kind_of, nearly_unique


@pytest.mark.parametrize(
    "dtype",
    [pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.decimal128(9, 2), pa.null()],
    ids=str,
)
def test_numbers_are_numeric(dtype: pa.DataType) -> None:
    assert kind_of(dtype) is Kind.NUMERIC


@pytest.mark.parametrize(
    "dtype",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.bool_(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int32(), pa.int64()),
    ],
    ids=str,
)
def test_text_booleans_and_dictionaries_are_categorical(dtype: pa.DataType) -> None:
    assert kind_of(dtype) is Kind.CATEGORICAL


def test_the_rest_is_ignored_with_a_reason() -> None:
    schema = pa.schema(
        [
            ("x", pa.float64()),
            ("when", pa.timestamp("us", "UTC")),
            ("day", pa.date32()),
            ("items", pa.list_(pa.int64())),
            ("raw", pa.binary()),
        ]
    )
    kinds, ignored = classify(schema)
    assert kinds == {"x": Kind.NUMERIC}
    assert [(one.name, one.reason) for one in ignored] == [
        ("when", "a date or time"),
        ("day", "a date or time"),
        ("items", "a nested value"),
        ("raw", "values of type binary"),
    ]


def test_nearly_unique_needs_both_many_levels_and_few_rows_per_level() -> None:
    assert nearly_unique(1_001, 2_001)
    assert not nearly_unique(1_000, 1_000)
    assert not nearly_unique(1_001, 2_002)

"""Tables of any types below each other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from monitoring.intake.stacking import stacked

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2], [1.5], [1.0, 2.0, 1.5]),
        ([1, 2], ["a"], [1.0, 2.0, None]),
        ([1.5], ["a", "b"], ["1.5", "a", "b"]),
        ([1, None], ["a"], ["1", None, "a"]),
        ([2**60, 1], ["a"], [float(2**60), 1.0, None]),
        ([True], ["a"], ["true", "a"]),
        ([True], [1, 2], [None, 1.0, 2.0]),
        ([{"a": 1}], ["a", "b"], [None, "a", "b"]),
        ([[1]], [{"a": 1}], [None, None]),
        ([NOON], ["a"], [None, "a"]),
        ([None], ["a"], [None, "a"]),
        ([], ["a"], ["a"]),
    ],
    ids=str,
)
def test_columns_of_two_types_become_one(
    first: list[Any], second: list[Any], expected: list[Any]
) -> None:
    tables = [pa.table({"x": first, "y": [0] * len(first)}), pa.table({"x": second})]
    found = stacked(tables)
    assert found["x"].to_pylist() == expected
    assert found["y"].to_pylist() == [0] * len(first) + [None] * len(second)
    assert found.column_names == ["x", "y"]


def test_dictionaries_and_texts_go_together() -> None:
    coded = pa.table({"x": pa.array(["a", None]).dictionary_encode()})
    assert stacked([coded, pa.table({"x": ["b"]}), pa.table({"x": [1]})])["x"].to_pylist() == [
        "a", None, "b", "1"
    ]  # fmt: skip

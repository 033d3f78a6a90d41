"""Columns of both sides, counted by segment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from commands.check.columnwise import Rows, by_segment
from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.sketch import count

SEGMENTS = np.array([0, 2, 1, 0, 1, 3, 0])  # the last is that of rows without one
ROWS = Rows(np.argsort(SEGMENTS, kind="stable"), {"a": (0, 3), "b": (3, 5), "c": (5, 6)})


@pytest.mark.parametrize(
    ("values", "bins"),
    [
        (["x", "y", None, "x", "new", "y", "x"], CategoricalBins(("x", "y"), groups=2)),
        ([True, False, None, True, True, False, True], CategoricalBins(("true", "false"))),
        ([1.5, 0.0, None, float("nan"), 7.0, -1.0, 2.0], NumericBins((0.0, 2.0))),
        ([1, 0, None, 5, 7, -1, 2], NumericBins((0.0, 2.0))),
        ([None] * 7, NumericBins(())),
    ],
    ids=["text", "truth values", "fractions", "whole numbers", "nothing"],
)
@pytest.mark.parametrize("chunks", [1, 3])
def test_each_segment_has_the_counts_of_its_rows(
    values: list[Any], bins: CategoricalBins | NumericBins, chunks: int
) -> None:
    whole = pa.array(values)
    parts = [whole.slice(start, 7 // chunks) for start in range(0, 7, 7 // chunks)]
    column = pa.chunked_array(parts)
    found = by_segment(column, bins, ROWS, count(column, bins))
    rows = [np.arange(7), *(np.flatnonzero(place == SEGMENTS) for place in range(3))]
    assert found.tolist() == [count(whole.take(pa.array(one)), bins).tolist() for one in rows]


def test_without_segments_there_are_all_rows() -> None:
    column = pa.chunked_array([[1.0, 3.0]])
    assert by_segment(column, NumericBins((2.0,)), None, np.array([1, 1, 0])).tolist() == [
        [1, 1, 0]
    ]

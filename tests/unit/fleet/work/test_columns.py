"""Columns as numpy has them."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from fleet.work.columns import floats, times


def test_numbers_of_any_kind_are_floats_and_null_is_nan() -> None:
    found = floats(pa.chunked_array([pa.array([1, None, 3], pa.int8())]))
    assert found.dtype == np.float64
    assert np.array_equal(found, [1.0, np.nan, 3.0], equal_nan=True)


def test_instants_are_utc_without_a_zone() -> None:
    moment = datetime(2013, 7, 1, 12, tzinfo=UTC)
    column = pa.chunked_array([pa.array([moment], pa.timestamp("ms", "Europe/Berlin"))])
    assert times(column).tolist() == [datetime(2013, 7, 1, 12)]

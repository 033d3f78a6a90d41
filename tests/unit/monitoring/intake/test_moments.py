"""Instants of tables: what can mean one thing is read, the rest is refused by its row."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from engine.errors import Refused
from monitoring.intake.cells import Cells
from monitoring.intake.moments import instants

#: Seconds since 1970, by `date -u -d 2026-03-01 +%s`.
MIDNIGHT = 1_772_323_200


def column(values: Any, dtype: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, dtype)])


def test_a_moment_beyond_every_clock_is_refused_and_not_wrapped() -> None:
    late = column([2**62], pa.timestamp("s"))
    with pytest.raises(Refused, match="row 1: the moment is not within the years 1970 to 2099"):
        instants(late, Cells("past.csv", "time"))


MOMENT = datetime(2026, 3, 1, 18, 30, 15, 123456, UTC)
NANOSECONDS = MIDNIGHT * 10**9 + (18 * 3600 + 30 * 60 + 15) * 10**9 + 123_456_789


@pytest.mark.parametrize(
    "values",
    [
        column([NANOSECONDS], pa.timestamp("ns")),
        column([NANOSECONDS], pa.timestamp("ns", "UTC")),
        column([NANOSECONDS], pa.timestamp("ns", "America/New_York")),
        column([MOMENT], pa.timestamp("us", "UTC")),
        column(["2026-03-01T18:30:15.123456Z"]),
        column(["2026-03-01T18:30:15.123456789Z"]),
        column(["2026-03-01 18:30:15.123456789"]),
        column(["2026-03-01T19:30:15.123456+01:00"], pa.large_string()),
        column(["2026-03-01T13:30:15.123456-05:00"]).dictionary_encode(),
        column([NANOSECONDS]),
        column([NANOSECONDS // 1_000]),
        column([MOMENT.timestamp()]),
    ],
)
def test_an_instant_is_the_same_in_every_shape(values: pa.ChunkedArray) -> None:
    found = instants(values, Cells("past.csv", "time"))
    assert found.type == pa.timestamp("us", "UTC")
    assert found.to_pylist() == [MOMENT]


def test_offsets_of_several_zones_are_instants_all_the_same() -> None:
    texts = ["2026-03-01T19:30:00+01:00", "2026-03-01T13:30:00-05:00", "2026-03-01T18:30:00Z"]
    found = instants(column(texts), Cells("past.csv", "time"))
    assert pc.unique(found).to_pylist() == [datetime(2026, 3, 1, 18, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["2026-03-01T00:00Z", None], "row 2: empty, as in 1 of 2 rows"),
        (["2026-03-01T00:00Z", "2026-03-01T00:00"], "row 2: '2026-03-01T00:00' names no zone and"),
        (["2026-03-01T00:00", "2026-03-01T00:00Z"], "row 2: '2026-03-01T00:00Z' names a zone and"),
        (["2026-03-01T00:00Z", "soonZ"], "row 2: 'soonZ' is not an ISO 8601 instant; write it as"),
        (["01.03.2026 18:30"], "row 1: '01.03.2026 18:30' is not an ISO 8601 instant"),
        ([1, 2], "row 1: 1 is not a time in s, ms, us or ns since 1970"),
        ([MIDNIGHT, MIDNIGHT * 1000], "row 2: 1772323200000 is not in s since 1970"),
        ([float(MIDNIGHT), float("inf")], "row 2: inf is not in s since 1970"),
        ([False], "holds values of type bool, not instants"),
        (["1000-01-01T00:00Z"], "row 1: 1000-01-01 is before 1970-01-01"),
    ],
)
def test_what_is_no_instant_is_named_by_its_row(values: list[Any], said: str) -> None:
    with pytest.raises(Refused) as refused:
        instants(column(values), Cells("past.csv", "time"))
    assert str(refused.value).startswith("past.csv: column 'time'")
    assert said in str(refused.value)

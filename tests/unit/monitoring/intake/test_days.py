"""Days of tables: what can mean one thing is read, the rest is refused by its row."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from engine.errors import Refused
from monitoring.intake.cells import Cells
from monitoring.intake.days import days

DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)
#: Seconds since 1970, by `date -u -d 2026-03-01 +%s`.
MIDNIGHT = 1_772_323_200
BERLIN = "Europe/Berlin"


def column(values: Any, dtype: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, dtype)])


def read(values: pa.ChunkedArray, zone: str = "UTC", **more: Any) -> list[str]:
    found = days(values, Cells("past.csv", "day"), zone, **more)
    assert found.type == pa.string()
    plain: list[str] = found.to_pylist()
    return plain


@pytest.mark.parametrize(
    "values",
    [
        column([DAY, NEXT]),
        column([DAY, NEXT], pa.date64()),
        column([datetime(2026, 3, 1), datetime(2026, 3, 2)], pa.timestamp("s")),
        column([datetime(2026, 3, 1), datetime(2026, 3, 2)], pa.timestamp("ns")),
        column([datetime(2026, 3, 1), datetime(2026, 3, 2)], pa.timestamp("us", "UTC")),
        column(["2026-03-01", "2026-03-02"]),
        column(["2026-03-01", "2026-03-02"], pa.large_string()),
        column([" 2026-03-01", "2026-03-02 "]),
        column(["2026-03-01", "2026-03-02"]).dictionary_encode(),
        column(["2026-03-01T00:00:00", "2026-03-02 00:00"]),
        column(["2026-03-01T00:00:00Z", "2026-03-02T00:00:00+00:00"]),
        column(["2026-03-01T00:00:00-08:00", "2026-03-02T00:00:00-07:00"]),
        column(["20260301", "20260302"]),
        column([20260301, 20260302]),
        column([20260301.0, 20260302.0]),
        column([MIDNIGHT, MIDNIGHT + 86_400]),
        column([MIDNIGHT * 1_000, (MIDNIGHT + 86_400) * 1_000]),
        column([MIDNIGHT * 10**9, (MIDNIGHT + 86_400) * 10**9]),
    ],
)
def test_a_day_is_the_same_in_every_shape(values: pa.ChunkedArray) -> None:
    assert read(values) == ["2026-03-01", "2026-03-02"]


@pytest.mark.parametrize(
    ("zone", "utc"),
    [
        (BERLIN, [datetime(2026, 3, 28, 23), datetime(2026, 3, 29, 22)]),
        ("America/New_York", [datetime(2026, 3, 29, 4), datetime(2026, 3, 30, 4)]),
        ("Asia/Kolkata", [datetime(2026, 3, 28, 18, 30), datetime(2026, 3, 29, 18, 30)]),
        # Midnight was skipped there on 24 April 2026 (clocks went from 00:00 to 01:00).
        ("Africa/Cairo", [datetime(2026, 4, 23, 22), datetime(2026, 4, 24, 21)]),
        ("Pacific/Auckland", [datetime(2026, 3, 28, 11), datetime(2026, 3, 29, 11)]),
    ],
)
def test_midnights_of_the_models_zone_are_days_even_across_summer_time(
    zone: str, utc: list[datetime]
) -> None:
    expected = ["2026-04-24", "2026-04-25"] if "Cairo" in zone else ["2026-03-29", "2026-03-30"]
    moments = column([one.replace(tzinfo=UTC) for one in utc], pa.timestamp("us", "UTC"))
    assert read(moments, zone) == expected
    assert read(moments.cast(pa.timestamp("us", BERLIN)), zone) == expected


def test_a_columns_own_zone_goes_before_the_models() -> None:
    moments = column([datetime(2026, 2, 28, 23, tzinfo=UTC)], pa.timestamp("s", BERLIN))
    assert read(moments, "America/New_York") == ["2026-03-01"]


def test_days_keep_the_rows_order() -> None:
    values = ["2026-03-02", "2026-03-01", "2026-03-03", "2026-03-01"]
    assert read(column(values)) == values


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["2026-03-01", None], "row 2: empty, as in 1 of 2 rows; fill it in or leave those"),
        (["2026-03-01", " "], "row 2: empty"),
        ([MIDNIGHT + 0.0, float("nan")], "row 2: empty"),
        ([None, None], "row 1: empty, as in 2 of 2 rows"),
        (["2026-03-01", "31.12.2025"], "row 2: '31.12.2025' is not an ISO date; write 2025-12-31"),
        (["03/01/2026"], "row 1: '03/01/2026' is not an ISO date; which is the month, 3 or 1"),
        (["12/31/2025"], "row 1: '12/31/2025' is not an ISO date; write 2025-12-31, with pandas"),
        (["31/12/2025"], "row 1: '31/12/2025' is not an ISO date; write 2025-12-31, with pandas"),
        (["1-3-2026"], "row 1: '1-3-2026' is not an ISO date; which is the month, 1 or 3"),
        (["2026-02-30"], "row 1: '2026-02-30' is not an ISO date; write it as 2026-01-31"),
        (["soon"], "row 1: 'soon' is not an ISO date"),
        ([20261301], "row 1: '20261301' is not an ISO date"),
        (["2026-03-01T13:22:00"], "row 1: '2026-03-01T13:22:00' is not a midnight"),
        (
            [datetime(2026, 3, 1, 13)],
            "row 1: 2026-03-01 13:00:00.000000 is not a midnight, but a day",
        ),
        ([MIDNIGHT, MIDNIGHT + 3600], "row 2: 2026-03-01 01:00:00.000000 UTC is not a midnight in"),
        (["2026-03-01", "2026-03-02T00:00Z"], "row 2: '2026-03-02T00:00Z' and '2026-03-01': only"),
        (
            ["2026-03-01T00:00+01:00", "2026-03-01T00:00-05:00"],
            "row 2: '2026-03-01T00:00-05:00' and '2026-03-01T00:00+01:00' are days of different",
        ),
        (["2026-03-01", "9999-12-31"], "row 2: 9999-12-31 is after 2099-12-31"),
        (["1900-01-01"], "row 1: 1900-01-01 is before 1970-01-01"),
        (["2026-03-01", "2026-03-02", "2062-03-01"], "row 3: 2062-03-01 is 36 years away"),
        (["2006-03-01", "2026-03-02", "2026-03-01"], "row 1: 2006-03-01 is 20 years away"),
        ([46_082], "row 1: 46082 is not a time in s, ms, us or ns since 1970"),
        ([MIDNIGHT, MIDNIGHT * 1000], "row 2: 1772323200000 is not in s since 1970 as row 1 is"),
        ([True], "holds values of type bool, not days"),
        ([[1]], "holds values of type list<item: int64>, not days"),
    ],
)
def test_what_is_no_day_is_named_by_its_row(values: list[Any], said: str) -> None:
    with pytest.raises(Refused) as refused:
        read(column(values), BERLIN)
    assert str(refused.value).startswith("past.csv: column 'day'")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_day_to_come_is_refused_where_today_is_known() -> None:
    values = column(["2026-03-01", "2026-03-02"])
    assert read(values, until=NEXT) == ["2026-03-01", "2026-03-02"]
    with pytest.raises(Refused, match="row 2: 2026-03-02 is after 2026-03-01, the last day there"):
        read(values, until=DAY)


def test_a_moment_beyond_every_clock_is_refused_and_not_wrapped() -> None:
    late = column([2**62], pa.timestamp("s"))
    with pytest.raises(Refused, match="row 1: the moment is not within the years 1970 to 2099"):
        read(late)

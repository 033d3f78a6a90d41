"""Local days around changes of the clocks; the expected instants come from an outside table."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.localdays import bounds, day_of, days_of

NEW_YORK = "America/New_York"
DST = Path(__file__).parents[2] / "resources" / "calendars" / "dst.csv"


def rows() -> list[dict[str, str]]:
    lines = [line for line in DST.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(StringIO("\n".join(lines))))


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['zone']} {row['day']}")
def test_days_have_the_length_the_clocks_gave_them(row: dict[str, str]) -> None:
    start, end = bounds(date.fromisoformat(row["day"]), row["zone"])
    assert start == datetime.fromisoformat(row["start"])
    assert end == datetime.fromisoformat(row["end"])


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([NEW_YORK, "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu"]),
)
def test_every_instant_lies_within_the_bounds_of_its_day(instant: datetime, zone: str) -> None:
    start, end = bounds(day_of(instant, zone), zone)
    assert start <= instant < end


@given(
    st.lists(
        st.datetimes(datetime(2013, 1, 1), datetime(2013, 12, 31), timezones=st.just(UTC)),
        max_size=20,
    )
)
def test_days_of_many_instants_are_the_days_of_each(instants: list[datetime]) -> None:
    stamps = np.array([i.replace(tzinfo=None) for i in instants], "datetime64[us]")
    expected = [i.astimezone(ZoneInfo(NEW_YORK)).date() for i in instants]
    assert days_of(stamps, NEW_YORK).tolist() == expected

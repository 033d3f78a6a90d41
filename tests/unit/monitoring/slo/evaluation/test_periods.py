"""Boundaries of calendar periods, by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitoring.slo.definition import Rolling
from monitoring.slo.evaluation.periods import boundaries, length, moment_of
from tests.unit.monitoring.slo.evaluation.made import calendar, minute


def told(found: list[int]) -> list[str]:
    return [f"{moment_of(one):%Y-%m-%dT%H:%M}" for one in found]


@pytest.mark.parametrize(
    ("count", "unit", "start", "zone", "between", "wanted"),
    [
        (1, "M", "2026-01-31", "UTC", ("2026-02-10", "2026-04-15"),
         ["2026-01-31T00:00", "2026-02-28T00:00", "2026-03-31T00:00", "2026-04-30T00:00"]),
        (1, "M", "2024-08-30T12:00", "UTC", ("2024-02-01", "2024-03-01"),
         ["2024-01-30T12:00", "2024-02-29T12:00", "2024-03-30T12:00"]),
        (1, "Q", "2026-01-01", "Asia/Kathmandu", ("2026-03-31", "2026-04-01"),
         ["2025-12-31T18:15", "2026-03-31T18:15", "2026-06-30T18:15"]),
        (1, "Y", "2024-02-29", "UTC", ("2025-06-01", "2028-06-01"),
         ["2025-02-28T00:00", "2026-02-28T00:00", "2027-02-28T00:00", "2028-02-29T00:00",
          "2029-02-28T00:00"]),
        (1, "d", "2026-01-01", "Europe/Berlin", ("2026-03-28T23:00", "2026-03-30T12:00"),
         ["2026-03-28T23:00", "2026-03-29T22:00", "2026-03-30T22:00"]),
        (1, "d", "2026-01-01T02:30", "Europe/Berlin", ("2026-03-29", "2026-03-29T12:00"),
         ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"]),
        (1, "d", "2026-01-01T02:30", "Europe/Berlin", ("2026-10-25", "2026-10-25T12:00"),
         ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
        (2, "w", "2026-01-05", "UTC", ("2026-01-19", "2026-01-20"),
         ["2026-01-19T00:00", "2026-02-02T00:00"]),
        (5, "h", "2026-01-01T00:00", "UTC", ("2025-12-31T23:59", "2026-01-01T04:00"),
         ["2025-12-31T19:00", "2026-01-01T00:00", "2026-01-01T05:00"]),
        (90, "m", "2026-01-01T00:00", "UTC", ("2026-01-01T01:30", "2026-01-01T01:31"),
         ["2026-01-01T01:30", "2026-01-01T03:00"]),
    ],
)  # fmt: skip
def test_periods_by_hand(
    count: int, unit: str, start: str, zone: str, between: tuple[str, str], wanted: list[str]
) -> None:
    begin, end = (minute(f"{one}T00:00Z" if "T" not in one else f"{one}Z") for one in between)
    found = boundaries(calendar(count, unit, start, zone), begin, end).tolist()
    assert told(found) == wanted


@pytest.mark.parametrize("unit", ["d", "w", "M", "Q", "Y"])
@pytest.mark.parametrize("start", ["1902-03-04T05:06", "2026-01-31", "2199-12-31T23:59"])
def test_periods_reach_from_any_start_to_any_time(unit: str, start: str) -> None:
    begin, end = minute("2025-11-30T10:00Z"), minute("2026-03-30T10:00Z")
    found = boundaries(calendar(1, unit, start, "America/New_York"), begin, end)
    assert found[0] <= begin < found[1]
    assert found[-2] <= end < found[-1]


@pytest.mark.parametrize(
    ("count", "unit", "days"),
    [(2, "d", 2), (4, "w", 28), (1, "M", 30), (1, "Q", 90), (1, "Y", 365)],
)
def test_a_calendar_window_scales_by_its_nominal_length(count: int, unit: str, days: int) -> None:
    assert length(calendar(count, unit, "2026-01-01")) == timedelta(days=days)
    assert length(Rolling(timedelta(days=days))) == timedelta(days=days)

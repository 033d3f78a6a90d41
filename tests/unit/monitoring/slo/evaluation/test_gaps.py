"""Gaps: told where chance does not explain them, at the usual rate of that time of the week."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.slo.evaluation.gaps import unusual
from monitoring.slo.evaluation.series import Counts, Series

DAY, WEEK = 1440, 10080


def first_told(total: np.ndarray, horizon: int = DAY) -> int | None:
    """Minutes of the gap after the last minute with events until it is told."""
    minute = np.flatnonzero(total)
    rows = Counts(minute, total[minute].astype(np.int64), np.zeros(len(minute), np.int64))
    start = int(minute[-1]) + 1
    at = np.arange(start + 1, start + horizon + 1)
    found = np.flatnonzero(unusual(Series.of(rows, 0, start + horizon), at))
    return int(found[0]) + 1 if len(found) else None


@pytest.mark.parametrize(
    ("rate", "low", "high"), [(0.1, 130, 200), (0.3, 40, 80), (1.0, 13, 25), (3.0, 4, 6)]
)
def test_the_gap_that_is_told_has_the_rate_of_the_service(rate: float, low: int, high: int) -> None:
    """exp(-14) is less than 1e-6: 140 minutes at 0.1 a minute, 14 at 1."""
    rng = np.random.default_rng(7)
    assert low <= first_told(rng.poisson(rate, 2 * WEEK)) <= high


def test_a_rate_of_a_few_minutes_is_no_usual_rate() -> None:
    assert first_told(np.ones(1), horizon=3000) is None
    assert first_told(np.ones(5)) > 9
    assert first_told(np.full(1000, 60)) == 3


def pattern(hours: list[int], days: list[int], length: int) -> np.ndarray:
    minute = np.arange(length)
    hour, day = minute // 60 % 24, minute // DAY % 7
    return 30 * (np.isin(hour, hours) & np.isin(day, days))


OFFICE = list(range(8, 18))


@pytest.mark.parametrize(
    ("hours", "days", "length", "told"),
    [
        (OFFICE, [0, 1, 2, 3, 4], 2 * WEEK + 18 * 60, None),
        (OFFICE, [0, 1, 2, 3, 4], 2 * WEEK + 4 * DAY + 18 * 60, None),
        (OFFICE, [0, 1, 2, 3, 4], 2 * WEEK + 16 * 60, 40),
        (OFFICE, [0, 1, 2, 3, 4, 5, 6], 2 * DAY + 18 * 60, None),
        (OFFICE, [0, 1, 2, 3, 4, 5, 6], 2 * DAY + 16 * 60, 21),
    ],
    ids=["night", "weekend", "a working day", "night, after two days", "day, after two days"],
)
def test_quiet_hours_are_usual(
    hours: list[int], days: list[int], length: int, told: int | None
) -> None:
    """The usual rate of office hours is that of the week: 30 % of minutes, and 0.7^40 < 1e-6."""
    found = first_told(pattern(hours, days, length), horizon=13 * 60)
    assert found == told


def test_a_batch_an_hour_is_usual() -> None:
    minute = np.arange(2 * WEEK)
    assert first_told(5000 * (minute % 60 == 0), horizon=59) is None


def test_without_events_there_is_no_gap() -> None:
    empty = Counts(np.array([], np.int64), np.array([], np.int64), np.array([], np.int64))
    assert not unusual(Series.of(empty, 0, 100), np.arange(1, 101)).any()

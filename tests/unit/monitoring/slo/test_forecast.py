"""The forecast of a budget's end, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.slo.forecast import KEPT, Sample, exhaustion, sampled

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("lefts", "days"),
    [
        ([], None),
        ([0.5], None),
        ([0.5, 0.4], 4),
        ([0.5, 0.9, 0.4], 4),
        ([0.4, 0.4], None),
        ([0.4, 0.5], None),
        ([0.1, 0.0], None),
        ([0.1, -2.0], None),
        ([1.0, 1.0 - 1e-9], None),
        ([0.5, 5e-324], 5e-324),
    ],
)
def test_a_line_through_the_first_and_the_last(lefts: list[float], days: float | None) -> None:
    samples = [Sample(NOON + i * DAY, left) for i, left in enumerate(lefts)]
    found = exhaustion(samples)
    if days is None:
        assert found is None
        return
    assert found is not None
    assert abs(found - (samples[-1].at + (len(lefts) - 1) * days * DAY)) < timedelta(seconds=1)


def test_one_sample_a_day_is_kept_for_a_week() -> None:
    kept: tuple[Sample, ...] = ()
    for hour in range(24 * 20):
        kept = sampled(kept, Sample(NOON + timedelta(hours=hour), float(hour)))
    assert len(kept) == KEPT
    assert [one.at.date() - kept[0].at.date() for one in kept] == [i * DAY for i in range(KEPT)]
    assert kept[-1].left == 24 * 20 - 1

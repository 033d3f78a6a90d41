"""When an error budget will be spent if it goes on shrinking as it did over the last week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: One sample a day is kept.
KEPT = 8
#: What shrinks more slowly lasts for ever: clocks and calendars end.
LONGEST = timedelta(days=3653)


@dataclass(frozen=True)
class Sample:
    """The share of a budget that was left at a moment; negative when it was overspent."""

    at: datetime
    left: float


def sampled(known: Sequence[Sample], now: Sample) -> tuple[Sample, ...]:
    """Return the samples with a new one, which takes the place of an earlier one of its UTC day."""
    others = [one for one in known if one.at.date() != now.at.date()]
    return (*others, now)[-KEPT:]


def exhaustion(samples: Sequence[Sample]) -> datetime | None:
    """When nothing is left, on a line through the first and the last sample; None if never.

    >>> from datetime import UTC
    >>> noon = datetime(2013, 7, 1, 12, tzinfo=UTC)
    >>> exhaustion([Sample(noon, 0.5), Sample(noon + timedelta(days=1), 0.4)]).day
    6
    """
    if len(samples) < 2:
        return None
    first, last = samples[0], samples[-1]
    spent = first.left - last.left
    if spent <= 0 or last.left <= 0:
        return None
    times = last.left / spent
    span = last.at - first.at
    return (
        last.at + span * times if times * span.total_seconds() < LONGEST.total_seconds() else None
    )

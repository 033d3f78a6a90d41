"""Freshness: an hour at whose end the newest log is at most as old as the threshold is good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta

from monitoring.slo.objective import Objective, Sli
from monitoring.slo.sources.source import Events, Seen, Source

HOUR = timedelta(hours=1)


def _events(objective: Objective, seen: Seen) -> Iterator[Events]:
    if seen.fresh_at is None or objective.threshold is None:
        return
    hour = (seen.before or seen.at).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while (hour := hour + HOUR) <= seen.at:
        newest = seen.fresh_at if hour >= seen.fresh_at else seen.fresh_was or seen.fresh_at
        stale = hour - newest > objective.threshold
        yield hour, int(not stale), int(stale)


SOURCE = Source(Sli.FRESHNESS, _events, threshold=True, ages=True)

"""Latency: an answer within the objective's threshold is good."""

from __future__ import annotations

from collections.abc import Iterator

from monitoring.slo.objective import Objective, Sli
from monitoring.slo.sources.source import Events, Seen, Source


def _events(objective: Objective, seen: Seen) -> Iterator[Events]:
    for count in seen.requests:
        # Not every source of counts knows latencies, and none those of a newer objective.
        bad = count.over.get(objective.name)
        if bad is not None:
            yield count.start, count.requests - bad, bad


SOURCE = Source(Sli.LATENCY, _events, threshold=True, limits_answers=True)

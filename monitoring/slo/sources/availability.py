"""Availability: a request that does not fail is good."""

from __future__ import annotations

from collections.abc import Iterator

from monitoring.slo.objective import Objective, Sli
from monitoring.slo.sources.source import Events, Seen, Source


def _events(_: Objective, seen: Seen) -> Iterator[Events]:
    for count in seen.requests:
        yield count.start, count.requests - count.errors, count.errors


SOURCE = Source(Sli.AVAILABILITY, _events)

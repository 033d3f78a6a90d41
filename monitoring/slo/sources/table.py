"""The table of sources, by the name of the indicator."""

from __future__ import annotations

from monitoring.slo.sources import availability, freshness, latency

SOURCES = {one.sli: one for one in (availability.SOURCE, latency.SOURCE, freshness.SOURCE)}

"""Measure service-level objectives: hourly good and bad counts, kept in one rolling blob."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np

from engine.store import instant, parse_instant
from fleet.document.policies import Watched
from fleet.model.records import ObjectiveStatus
from fleet.model.results import Measured
from fleet.model.tasks import Measure
from fleet.ports import World
from monitoring.alerts.lifecycle import Severity
from monitoring.slo.budget import Buckets
from monitoring.slo.objective import Status, evaluate
from monitoring.slo.sources.source import Seen
from monitoring.slo.sources.table import SOURCES

HOUR = timedelta(hours=1)
Counts = dict[str, list[int]]


def measure(world: World, watched: Watched, effect: Measure) -> Measured:
    """Add new counts to the history, drop hours that are outside every window, and judge."""
    kept: dict[str, Counts] = {}
    before: datetime | None = None
    if effect.history:
        document = json.loads(world.blobs.get(effect.history))
        kept, before = document["objectives"], parse_instant(document["at"])
    seen = Seen(effect.at, before, effect.counts, effect.fresh_at, effect.fresh_was)
    statuses = []
    for objective in watched.objectives:
        counts = kept.setdefault(objective.name, {})
        for start, good, bad in SOURCES[objective.sli].events(objective, seen):
            found = counts.setdefault(str(_hour(start)), [0, 0])
            found[0] += good
            found[1] += bad
        oldest = _hour(effect.at - objective.window - HOUR)
        kept[objective.name] = {hour: n for hour, n in counts.items() if int(hour) >= oldest}
        statuses.append(_status(evaluate(objective, _buckets(kept[objective.name]), effect.at)))
    history = {"format": 1, "at": instant(effect.at), "objectives": kept}
    name = world.blobs.put(json.dumps(history, sort_keys=True).encode())
    return Measured(effect.at, name, tuple(statuses))


def _hour(moment: datetime) -> int:
    return int(moment.timestamp() // 3600)


def _buckets(counts: Counts) -> Buckets:
    hours = np.array(sorted(int(hour) for hour in counts), np.int64)
    pairs = np.array([counts[str(hour)] for hour in hours], np.int64).reshape(-1, 2)
    start = hours.astype("datetime64[h]").astype("datetime64[us]")
    return Buckets(start, pairs[:, 0], pairs[:, 1], HOUR)


def _status(found: Status) -> ObjectiveStatus:
    page = None if found.severity is None else found.severity is Severity.PAGE
    return ObjectiveStatus(
        found.objective, found.verdict, page, found.reasons, found.attained, found.budget_left
    )

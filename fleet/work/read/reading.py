"""Read a range of a log file: decode it, cut it by window, keep rows and counts as blobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.texts import cut
from fleet.document.policies import Watched
from fleet.model.records import Batch, Collection, TrafficCount
from fleet.model.results import LabelsRead, LogRead
from fleet.model.tasks import ReadLabels, ReadLog
from fleet.ports import World
from fleet.work import rows
from fleet.work.read.decoding import Range, labels_in, rows_in, traffic_in, without
from fleet.work.read.retained import Days, LocalDays, local_days
from fleet.work.refer.referencing import load_levels, load_ruler
from monitoring import ranges
from monitoring.drift import segments
from monitoring.slo.sources.table import SOURCES

MODEL_ERRORS = (408, 424)
CAPACITY = 429
HOUR = timedelta(hours=1)
MILLISECOND = timedelta(milliseconds=1)
SLOW = ""
#: Azure takes 20 deployments an endpoint (Microsoft Learn, "Manage and increase quotas").
MOST_DEPLOYMENTS = 50
#: Counts of deployments and hours in one fact: about half a megabyte.
MOST_COUNTS = 3000
LONGEST_NAME, LONGEST_REASON = 200, 500


def read_log(world: World, watched: Watched, effect: ReadLog) -> LogRead:
    """Decode inputs, outputs or traffic lines into one batch for each window they fall into.

    A range that does not fit into memory makes several batches for a window. Rows of days that are
    closed or have not begun are counted and left out before anything is kept of them.
    """
    days = Days(watched.zone, effect.first, effect.last)
    if effect.collection is Collection.traffic:
        return _read_traffic(world, watched, effect, days)
    found = Range(effect.blob, effect.start, effect.end, watched.policy.logs.container or "")
    batches: list[Batch] = []
    task = watched.policy.performance.task if effect.collection is Collection.outputs else None
    for part in rows_in(world.logs, found, scored=task):
        batches += _batches(world, watched, effect, *days.kept(part))
    return _log_read(found, batches, (), days)


def _read_traffic(world: World, watched: Watched, effect: ReadLog, days: Days) -> LogRead:
    """Read a range of a traffic log, or the first part of it whose counts fit into one fact."""
    end = effect.end
    while True:
        found = Range(effect.blob, effect.start, end, watched.policy.logs.container or "")
        kept = replace(days)
        table, _ = kept.kept(traffic_in(world.logs, found))
        table = _by_version(table, watched, found)
        counts = _traffic(table, watched)
        half = effect.start + (end - effect.start) // 2
        if len(counts) <= MOST_COUNTS or found.seen <= half:
            break
        end = half
    if end < effect.end:
        found.limit = found.seen = found.read
    batches = _batches(world, watched, effect, table, local_days(table, watched.zone))
    return _log_read(found, batches, counts, kept)


def _log_read(
    found: Range, batches: Sequence[Batch], counts: tuple[TrafficCount, ...], days: Days
) -> LogRead:
    return LogRead(
        found.path,
        found.start,
        found.read,
        found.limit,
        tuple(batches),
        counts,
        len(found.bad),
        cut(found.bad[0], LONGEST_REASON) if found.bad else "",
        found.seen,
        days.late,
        days.ahead,
    )


def _batches(
    world: World, watched: Watched, effect: ReadLog, table: pa.Table, days: LocalDays
) -> tuple[Batch, ...]:
    batches = []
    for day in np.unique(days):
        part = table.filter(pa.array(days == day)) if (days != day).any() else table
        counted, outside = "", {}
        if effect.collection is Collection.inputs:
            ruler = load_ruler(world.blobs, effect.reference)
            levels = load_levels(world.blobs, effect.reference, watched.policy.drift)
            found = segments.sketch_all(part, ruler, levels)
            counted = world.blobs.put(segments.to_bytes(found))
            outside = ranges.outside(part, watched.policy.quality.ranges)
        kept = rows.put(world.blobs, part)
        batches.append(Batch(str(day), part.num_rows, kept, counted, outside, part.nbytes))
    return tuple(batches)


def _by_version(table: pa.Table, watched: Watched, found: Range) -> pa.Table:
    """Replace the deployments' raw names by the versions of fleet.yaml.

    An endpoint has a few deployments: rows of others than the most frequent are left out.
    """
    place = table.column_names.index("deployment")
    said = pc.dictionary_encode(table["deployment"].combine_chunks())
    names = [cut(raw, LONGEST_NAME) for raw in said.dictionary.to_pylist()]
    known = [watched.policy.logs.version_of(name) for name in names]
    table = table.set_column(place, "deployment", pa.array(known, pa.string()).take(said.indices))
    if len(set(known)) <= MOST_DEPLOYMENTS:
        return table
    most = [name for name, _ in Counter(table["deployment"].to_pylist()).most_common()]
    rare = pc.is_in(table["deployment"], value_set=pa.array(most[MOST_DEPLOYMENTS:]))
    reason = f"more than {MOST_DEPLOYMENTS} deployments in one range ({len(most)})"
    return without(table, rare, reason, found)


def _traffic(table: pa.Table, watched: Watched) -> tuple[TrafficCount, ...]:
    """Count requests, errors and slow answers by deployment and hour.

    429 means missing capacity, not a fault of the model: it is neither a request nor an error.
    """
    table = table.filter(pc.not_equal(table["status"], CAPACITY))
    status = table["status"]
    failed = pc.or_(
        pc.is_in(status, value_set=pa.array(MODEL_ERRORS, status.type)),
        pc.greater_equal(status, 500),
    )
    limits = limits_of(watched)
    columns = {
        "deployment": table["deployment"],
        "hour": pc.floor_temporal(table["time"], unit="hour"),
        "errors": failed.cast(pa.int64()),
    }
    for name, limit in limits.items():
        columns[f"over:{name}"] = pc.greater(table["duration_ms"], limit).cast(pa.int64())
    sums = [(f"over:{name}", "sum") for name in limits]
    counted = (
        pa.table(columns)
        .group_by(["deployment", "hour"])
        .aggregate([("errors", "count"), ("errors", "sum"), *sums])
        .sort_by([("hour", "ascending"), ("deployment", "ascending")])
        .rename_columns(
            {
                "errors_count": "requests",
                "errors_sum": "errors",
                **{f"over:{name}_sum": f"over:{name}" for name in limits},
            }
        )
    )
    return tuple(traffic_count(found, limits) for found in counted.to_pylist())


def limits_of(watched: Watched) -> dict[str, float]:
    """Return the milliseconds above which an answer counts, by latency objective and as slow."""
    limits = {SLOW: watched.policy.logs.slow_ms}
    for objective in watched.objectives:
        if SOURCES[objective.sli].limits_answers and objective.threshold is not None:
            limits[objective.name] = objective.threshold / MILLISECOND
    return limits


def traffic_count(found: dict[str, Any], limits: Iterable[str]) -> TrafficCount:
    """Return one deployment's hour from a row of (deployment, hour, requests, errors, over:…).

    The limits of a source that knows no latencies have no columns.
    """
    start = found["hour"].astimezone(UTC)
    known = [name for name in limits if f"over:{name}" in found]
    over = {name: int(found[f"over:{name}"] or 0) for name in known}
    return TrafficCount(
        found["deployment"],
        start,
        start + HOUR,
        found["requests"],
        found["errors"],
        over.pop(SLOW, None),
        over,
    )


def read_labels(world: World, watched: Watched, effect: ReadLabels) -> LabelsRead:
    """Decode labels and count them by open window, matched by the ids of its outputs."""
    place = Range(effect.blob, effect.start, effect.end, watched.policy.logs.container or "")
    table = labels_in(world.logs, place, watched.policy.performance.task)
    ids = table["correlationid"]
    matched: dict[str, int] = {}
    known = np.zeros(table.num_rows, bool)
    for day, names in sorted(effect.outputs.items()):
        outputs = rows.get_all(world.blobs, names, ("correlationid",))
        if outputs is None:
            continue
        found = pc.is_in(ids, value_set=pc.unique(outputs["correlationid"]))
        hits = found.to_numpy()
        if hits.any():
            matched[day] = int(hits.sum())
            known |= hits
    name = rows.put(world.blobs, table) if table.num_rows else ""
    return LabelsRead(
        effect.blob,
        effect.start,
        place.read,
        place.limit,
        name,
        matched,
        int((~known).sum()),
        effect.of,
        len(place.bad),
        cut(place.bad[0], LONGEST_REASON) if place.bad else "",
        place.seen,
    )

"""Read a range of a log file: decode it, cut it by window, keep rows and counts as blobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import Refused
from fleet.effects import ReadLabels, ReadLog
from fleet.facts import Batch, Collection, LabelsRead, LogRead, TrafficCount
from fleet.policies import Watched
from fleet.ports import World
from fleet.work import rows
from fleet.work.referencing import SCORE, load_ruler
from monitoring.calendars import days_of
from monitoring.drift.sketch import sketch
from monitoring.intake import arrow, collector, labels, traffic
from monitoring.intake.lines import Decoded
from monitoring.slo.objective import Sli

MODEL_ERRORS = (408, 424)
CAPACITY = 429
HOUR = timedelta(hours=1)
MILLISECOND = timedelta(milliseconds=1)
SLOW = ""
PARQUET = ".parquet"


def read_log(world: World, watched: Watched, effect: ReadLog) -> LogRead:
    """Decode inputs, outputs or traffic lines into one batch for each window they fall into."""
    chunk = world.logs.read(effect.blob, effect.start, effect.end)
    counts: tuple[TrafficCount, ...] = ()
    if effect.collection is Collection.traffic:
        decoded = traffic.decode(chunk)
        counts = _traffic(decoded.table, watched)
    else:
        decoded = _decoded(effect.blob, chunk, collector.decode, collector.normalised)
        names = decoded.table.column_names
        if (
            effect.collection is Collection.outputs
            and decoded.table.num_rows
            and SCORE not in names
        ):
            raise Refused(
                f"{effect.blob}: outputs have no {SCORE!r}; found {', '.join(names[3:8])}"
            )
    return LogRead(
        effect.blob,
        effect.start,
        effect.start + decoded.consumed,
        effect.end,
        _batches(world, watched, effect, decoded.table),
        counts,
        len(decoded.bad),
        decoded.bad[0] if decoded.bad else "",
    )


def _scored(blob: str, names: list[str]) -> None:
    if SCORE not in names:
        found = ", ".join(names[len(collector.KEYS) :][:5])
        raise Refused(f"{blob}: outputs need a number {SCORE!r}; found {found or 'no field'}")


def _decoded(
    blob: str,
    chunk: bytes,
    lines: Callable[[bytes], Decoded],
    normalised: Callable[[pa.Table], pa.Table],
) -> Decoded:
    """Decode JSON Lines, or a Parquet file, which is announced and read whole."""
    if not blob.endswith(PARQUET):
        return _placed(lines(chunk))
    return _placed(Decoded(normalised(arrow.decode(chunk)), len(chunk)))


def _placed(found: Decoded) -> Decoded:
    """Leave out and count rows without id, index or time: no window and no label can be theirs."""
    absent = [pc.is_null(found.table[name]) for name in collector.KEYS]
    lost = pc.or_(pc.or_(absent[0], absent[1]), absent[2])
    count = pc.sum(lost).as_py() or 0
    if not count:
        return found
    reason = "a row without a usable correlationid, index or time"
    return Decoded(
        found.table.filter(pc.invert(lost)), found.consumed, (*found.bad, *[reason] * count)
    )


def _batches(world: World, watched: Watched, effect: ReadLog, table: pa.Table) -> tuple[Batch, ...]:
    if not table.num_rows:
        return ()
    instants = table["time"].cast(pa.timestamp("us", "UTC")).to_numpy()
    days = days_of(instants, watched.zone)
    batches = []
    for day in np.unique(days):
        part = table.filter(pa.array(days == day)) if (days != day).any() else table
        counted = ""
        if effect.collection is Collection.inputs:
            ruler = load_ruler(world.blobs, effect.reference)
            counted = world.blobs.put(sketch(part, ruler).to_bytes())
        batches.append(Batch(str(day), part.num_rows, rows.put(world.blobs, part), counted))
    return tuple(batches)


def _traffic(table: pa.Table, watched: Watched) -> tuple[TrafficCount, ...]:
    """Count requests, errors and slow answers by deployment and hour.

    429 is capacity and not the model's doing; it counts neither as a request nor as an error.
    """
    table = table.filter(pc.not_equal(table["status"], CAPACITY))
    status = table["status"]
    failed = pc.or_(
        pc.is_in(status, value_set=pa.array(MODEL_ERRORS, status.type)),
        pc.greater_equal(status, 500),
    )
    limits = {SLOW: watched.policy.logs.slow_ms}
    for objective in watched.objectives:
        if objective.sli is Sli.LATENCY and objective.threshold is not None:
            limits[objective.name] = objective.threshold / MILLISECOND
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
    )
    return tuple(_count(found, limits) for found in counted.to_pylist())


def _count(found: dict[str, Any], limits: Iterable[str]) -> TrafficCount:
    start = found["hour"].astimezone(UTC)
    over = {name: int(found[f"over:{name}_sum"] or 0) for name in limits}
    return TrafficCount(
        found["deployment"],
        start,
        start + HOUR,
        found["errors_count"],
        found["errors_sum"],
        over.pop(SLOW),
        over,
    )


def read_labels(world: World, effect: ReadLabels) -> LabelsRead:
    """Decode labels and say how many belong to which open window, by the ids of its outputs."""
    chunk = world.logs.read(effect.blob, effect.start, effect.end)
    decoded = _decoded(effect.blob, chunk, labels.decode, labels.normalised)
    ids = decoded.table["correlationid"]
    matched: dict[str, int] = {}
    known = np.zeros(decoded.table.num_rows, bool)
    for day, names in sorted(effect.outputs.items()):
        outputs = rows.get_all(world.blobs, names, ("correlationid",))
        if outputs is None:
            continue
        found = pc.is_in(ids, value_set=pc.unique(outputs["correlationid"]))
        hits = found.to_numpy()
        if hits.any():
            matched[day] = int(hits.sum())
            known |= hits
    name = rows.put(world.blobs, decoded.table) if decoded.table.num_rows else ""
    return LabelsRead(
        effect.blob,
        effect.start,
        effect.start + decoded.consumed,
        effect.end,
        name,
        matched,
        int((~known).sum()),
        effect.of,
        len(decoded.bad),
        decoded.bad[0] if decoded.bad else "",
    )

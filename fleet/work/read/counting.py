"""Windows whose rows stay in a log service: their counts and, on request, their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa

from engine.errors import Refused, Unavailable
from fleet.counting import Counting, LogSource
from fleet.document.policies import Watched
from fleet.model.records import Batch
from fleet.model.results import Counted, TrafficCounted
from fleet.model.signals.catalogue import CAPACITY, COLLECTOR
from fleet.model.tasks import Count, CountTraffic
from fleet.ports import World
from fleet.work import rows
from fleet.work.read.decoding import usable
from fleet.work.read.reading import limits_of, traffic_count
from fleet.work.refer.referencing import SCORE, load_levels, load_ruler
from monitoring import ranges
from monitoring.capacity import losing, strained
from monitoring.drift import segments
from monitoring.finding import Finding
from monitoring.schema import Kind, kind_of

AGAIN = timedelta(minutes=10)
HOUR = timedelta(hours=1)


def count_window(world: World, watched: Watched, effect: Count) -> Counted:
    """Count the rows of each live deployment; read the answers of all that score.

    Raises
    ------
    Refused
        There is no log service, or its table is not as configured.
    Unavailable
        Rows of the window have not arrived yet.
    """
    logs, counting = watched.policy.logs, _counting(world)
    inputs, outputs = [], []
    bad: list[str] = []
    _complete(counting, watched, effect)
    for deployment, version in effect.served:
        source = LogSource("", str(logs.table), logs.endpoint, deployment)
        inputs.append((version, _inputs(world, watched, source, effect)))
    if logs.outputs is not None:
        for deployment, version in effect.scored:
            source = LogSource("", logs.outputs, logs.endpoint, deployment)
            found = counting.rows(source, effect.start, effect.end, (SCORE,))
            if kind_of(found[SCORE].type) is not Kind.NUMERIC:
                told = f"{SCORE!r} is {found[SCORE].type}, not numbers"
                raise Refused(f"table {logs.outputs}: {told}")
            kept, wrong = usable(found, watched.policy.performance.task)
            bad += wrong
            outputs.append((version, _batch(world, effect.window, kept)))
    return Counted(
        effect.window,
        tuple((version, batch) for version, batch in inputs if batch.count),
        tuple((version, batch) for version, batch in outputs if batch.count),
        len(bad),
        bad[0] if bad else "",
    )


def count_traffic(world: World, watched: Watched, effect: CountTraffic) -> TrafficCounted:
    """Count requests, errors and slow answers by deployment and hour, and look after capacity.

    Raises
    ------
    Refused, Unavailable
        As `count_window`.
    """
    limits = limits_of(watched)
    source = LogSource("", "", watched.policy.logs.endpoint)
    found = _counting(world).traffic(source, limits, effect.start, effect.end)
    version_of = watched.policy.logs.version_of
    counts = tuple(
        traffic_count({**one, "deployment": version_of(one["deployment"])}, limits)
        for one in found.to_pylist()
    )
    gapless = all(f"over:{name}" in found.column_names for name in limits)
    findings = _capacity(_counting(world), watched, source, effect)
    return TrafficCounted(effect.start, effect.end, counts, gapless, findings)


def _capacity(
    counting: Counting, watched: Watched, source: LogSource, effect: CountTraffic
) -> tuple[Finding, ...]:
    """Judge the newest hour of the interval; counts do not wait for metrics that are not there."""
    try:
        vitals = counting.vitals(source, max(effect.start, effect.end - HOUR), effect.end)
    except (Refused, Unavailable) as error:
        return tuple(Finding(key, None, str(error)) for key in (CAPACITY, COLLECTOR))
    return strained(CAPACITY, vitals, watched.policy.capacity), losing(COLLECTOR, vitals)


def _counting(world: World) -> Counting:
    if world.counting is None:
        raise Refused("logs.table, logs.traffic: no Log Analytics workspace; see docs/azure.md")
    return world.counting


def _complete(counting: Counting, watched: Watched, effect: Count) -> None:
    """Ask each table once whether the rows of the window have arrived, whatever deployments."""
    logs = watched.policy.logs
    tables = [str(logs.table)] if effect.served else []
    if logs.outputs is not None and effect.scored:
        tables.append(logs.outputs)
    for name in dict.fromkeys(tables):
        until = counting.complete_until(LogSource("", name, logs.endpoint))
        if until < effect.end:
            raise Unavailable(f"table {name}: rows up to {until} have arrived so far", AGAIN)


def _inputs(world: World, watched: Watched, source: LogSource, effect: Count) -> Batch:
    counting, ruler = _counting(world), load_ruler(world.blobs, effect.reference)
    allowed = watched.policy.quality.ranges
    if watched.policy.logs.rows:
        names: Sequence[str] = tuple(ruler.features)
        found = counting.rows(source, effect.start, effect.end, names)
        levels = load_levels(world.blobs, effect.reference, watched.policy.drift)
        counted = segments.sketch_all(found, ruler, levels)
        named = world.blobs.put(segments.to_bytes(counted))
        batch = _batch(world, effect.window, found, named)
        return replace(batch, outside=ranges.outside(found, allowed))
    counts = counting.count(source, ruler, effect.start, effect.end)
    outside = {}
    if allowed and counts.rows:
        beyond = counting.count(source, ranges.ruler_of(allowed), effect.start, effect.end)
        outside = ranges.outside_of(beyond, allowed)
    return Batch(effect.window, counts.rows, "", world.blobs.put(counts.to_bytes()), outside)


def _batch(world: World, window: str, found: pa.Table, counted: str = "") -> Batch:
    return Batch(window, found.num_rows, rows.put(world.blobs, found), counted)

"""Merged batches say what their ranges would have said if they had been read at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from fleet.document.policies import Fleet
from fleet.model.records import Batch, Collection
from fleet.model.tasks import Merge, ReadLog
from fleet.ports import World
from fleet.work import rows
from fleet.work.read.merging import merge
from fleet.work.read.reading import read_log
from fleet.work.refer import referencing
from monitoring.drift.ruler import Ruler
from monitoring.drift.segments import from_bytes
from monitoring.drift.sketch import sketch
from monitoring.intake.labels import SCHEMA

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
DAY = "2024-03-04"


def reference(world: World, places: int = 100) -> str:
    """The name of a reference whose ruler knows x and kind."""
    known = pa.table({"x": [float(i % places) for i in range(100)], "kind": ["a", "b"] * 50})
    ruler = Ruler.of(known)
    counted = world.blobs.put(sketch(known, ruler).to_bytes())
    return referencing.put(world.blobs, world.blobs.put(ruler.to_bytes()), [counted])


def line(number: int, **data: object) -> bytes:
    at = (NOON + timedelta(seconds=number)).isoformat()
    said = {"specversion": "1.0", "correlationid": f"r{number}", "time": at, "data": [data]}
    return json.dumps(said).encode() + b"\n"


def traffic(number: int) -> bytes:
    said = {"correlationid": f"r{number}", "time": NOON.isoformat(), "deployment": "v1"}
    return json.dumps({**said, "status": 200, "duration_ms": 5}).encode() + b"\n"


LINES = {
    Collection.inputs: [line(i, x=float(i), kind="ab"[i % 2]) for i in range(30)],
    Collection.outputs: [line(i, score=i / 30) for i in range(30)],
    Collection.traffic: [traffic(i) for i in range(30)],
}


def batch(world: World, fleet: Fleet, kind: Collection, lines: list[bytes], ref: str) -> Batch:
    world.logs["f"] = b"".join(lines)
    read = read_log(world, fleet.models["demand"], ReadLog("f", 0, 10**6, kind, "v1", ref))
    (found,) = read.batches
    assert not read.bad
    return found


def merged(world: World, fleet: Fleet, kind: Collection, parts: list[Batch], ref: str) -> Batch:
    names, counted = tuple(b.rows for b in parts), tuple(b.sketch for b in parts)
    outside = {"x": sum(b.outside.get("x", 0) for b in parts)}
    asked = Merge(DAY, kind, "v1", names, counted, outside, ref)
    said = merge(world, fleet.models["demand"], asked)
    assert (said.window, said.collection, said.deployment) == (DAY, kind, "v1")
    assert said.names == names
    return said.batch


@pytest.mark.parametrize("kind", LINES)
def test_merged_ranges_equal_one_range(world: World, fleet: Fleet, kind: Collection) -> None:
    ref, lines = reference(world), LINES[kind]
    whole = batch(world, fleet, kind, lines, ref)
    parts = [batch(world, fleet, kind, lines[i : i + 7], ref) for i in range(0, 30, 7)]
    made = merged(world, fleet, kind, parts, ref)
    assert (made.window, made.count, made.sketch) == (DAY, 30, whole.sketch)
    assert rows.get(world.blobs, made.rows) == rows.get(world.blobs, whole.rows)
    assert made.size == pytest.approx(whole.size, rel=0.2)


def test_counts_with_the_bins_of_another_reference_are_taken_again(
    world: World, fleet: Fleet
) -> None:
    old, new = reference(world, 10), reference(world)
    lines, kind = LINES[Collection.inputs], Collection.inputs
    parts = [batch(world, fleet, kind, lines[:9], old), batch(world, fleet, kind, lines[9:], new)]
    assert merged(world, fleet, kind, parts, new).sketch == (
        batch(world, fleet, kind, lines, new).sketch
    )


def test_a_column_of_another_type_in_one_range_changes_no_count(world: World, fleet: Fleet) -> None:
    """Counts are added: the rows of all ranges in one table have one type for each column."""
    ref, kind = reference(world), Collection.inputs
    lines = LINES[kind][:9], [line(i, x="much", kind="a") for i in range(40, 43)]
    parts = [batch(world, fleet, kind, some, ref) for some in lines]
    made = merged(world, fleet, kind, parts, ref)
    one, other = (from_bytes(world.blobs.get(b.sketch))[None] for b in parts)
    counted = from_bytes(world.blobs.get(made.sketch))[None]
    assert counted.rows == 12
    assert counted.counts.tolist() == (one + other).counts.tolist()


def test_labels_that_were_matched_twice_are_kept_once(world: World, fleet: Fleet) -> None:
    def labels(*names: str) -> str:
        fields = {
            "correlationid": list(names), "index": [0] * len(names), "label": [1.0] * len(names),
            "time": [NOON] * len(names),
        }  # fmt: skip
        return rows.put(world.blobs, pa.table(fields, SCHEMA))

    names = (labels("a", "b"), labels("c"), labels("a", "b"))
    asked = Merge(DAY, Collection.labels, "", names, (), {}, reference(world))
    made = merge(world, fleet.models["demand"], asked).batch
    kept = rows.get(world.blobs, made.rows)
    assert sorted(kept["correlationid"].to_pylist()) == ["a", "b", "c"]
    assert kept.schema == SCHEMA
    assert made.count == 3

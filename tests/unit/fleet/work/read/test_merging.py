"""Merged batches say what their ranges would have said if they had been read at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
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


def merged(
    world: World, fleet: Fleet, kind: Collection, parts: Sequence[Batch], ref: str
) -> tuple[Batch, ...]:
    asked = Merge(DAY, kind, "v1", tuple(parts), ref)
    said = merge(world, fleet.models["demand"], asked)
    assert (said.window, said.collection, said.deployment) == (DAY, kind, "v1")
    assert (said.of, said.names) == (asked.of, tuple(batch.rows for batch in parts))
    return said.batches


@pytest.mark.parametrize("kind", LINES)
def test_merged_ranges_equal_one_range(world: World, fleet: Fleet, kind: Collection) -> None:
    ref, lines = reference(world), LINES[kind]
    whole = batch(world, fleet, kind, lines, ref)
    parts = [batch(world, fleet, kind, lines[i : i + 7], ref) for i in range(0, 30, 7)]
    (made,) = merged(world, fleet, kind, parts, ref)
    assert (made.window, made.count, made.sketch) == (DAY, 30, whole.sketch)
    assert rows.get(world.blobs, made.rows) == rows.get(world.blobs, whole.rows)
    assert made.size == pytest.approx(whole.size, rel=0.2)


def test_counts_with_the_bins_of_another_reference_are_taken_again(
    world: World, fleet: Fleet
) -> None:
    old, new = reference(world, 10), reference(world)
    lines, kind = LINES[Collection.inputs], Collection.inputs
    parts = [batch(world, fleet, kind, lines[:9], old), batch(world, fleet, kind, lines[9:], new)]
    (made,) = merged(world, fleet, kind, parts, new)
    assert made.sketch == batch(world, fleet, kind, lines, new).sketch


COLUMNS: dict[str, list[list[object]]] = {
    "numbers and text": [[1, 2], ["A"], [1.5], ["B"], [None], [3]],
    "long integers and floats": [[2**60 + 1], [1.5], [2**60 + 3], [2.5]],
    "integers and truth values": [[1], [True], [2], [False]],
    "lists and numbers": [[[1.0]], [1.0], [[2.0]], [2.0]],
    "text in a few ranges only": [[1], [2], [1], ["A"], ["A"], [2], ["A"], ["A"]],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_ranges_with_columns_of_several_types_stay_apart(
    world: World, fleet: Fleet, name: str
) -> None:
    """Which values of such a column fit depends on all batches of a window."""
    ref, kind = reference(world), Collection.inputs
    parts = [
        batch(world, fleet, kind, [line(100 * n + i, id=v, x=1.0) for i, v in enumerate(vs)], ref)
        for n, vs in enumerate(COLUMNS[name])
    ]
    made = merged(world, fleet, kind, parts, ref)
    assert len(made) == 2
    assert sum(one.count for one in made) == sum(one.count for one in parts)
    counted = [from_bytes(world.blobs.get(one.sketch))[None].rows for one in made]
    assert counted == [one.count for one in made]
    kept = [rows.get(world.blobs, one.rows).select(["correlationid", "id"]) for one in made]
    assert sum(table.num_rows - table["id"].null_count for table in kept) == sum(
        value is not None for values in COLUMNS[name] for value in values
    )


def test_ranges_that_fit_with_no_others_are_told_apart(world: World, fleet: Fleet) -> None:
    ref, kind = reference(world), Collection.inputs
    parts = [
        batch(world, fleet, kind, [line(n, id=value, x=1.0)], ref)
        for n, value in enumerate((1, "A", True, [1.0]))
    ]
    made = merged(world, fleet, kind, parts, ref)
    assert made == tuple(replace(one, apart=True) for one in parts)


def test_values_out_of_their_range_are_summed(world: World, fleet: Fleet) -> None:
    ref, lines = reference(world), LINES[Collection.inputs]
    one, other = (
        replace(batch(world, fleet, Collection.inputs, some, ref), outside=found)
        for some, found in ((lines[:9], {"x": 2}), (lines[9:], {"x": 1, "kind": 3}))
    )
    (made,) = merged(world, fleet, Collection.inputs, (one, other), ref)
    assert made.outside == {"x": 3, "kind": 3}


def test_labels_that_were_matched_twice_are_kept_once(world: World, fleet: Fleet) -> None:
    def labels(*names: str) -> str:
        fields = {
            "correlationid": list(names), "index": [0] * len(names), "label": [1.0] * len(names),
            "time": [NOON] * len(names),
        }  # fmt: skip
        return rows.put(world.blobs, pa.table(fields, SCHEMA))

    names = (labels("a", "b"), labels("c"), labels("a", "b"))
    parts = tuple(Batch(DAY, 0, name) for name in names)
    asked = Merge(DAY, Collection.labels, "", parts, reference(world))
    (made,) = merge(world, fleet.models["demand"], asked).batches
    kept = rows.get(world.blobs, made.rows)
    assert sorted(kept["correlationid"].to_pylist()) == ["a", "b", "c"]
    assert kept.schema == SCHEMA
    assert made.count == 3

"""References: from a table, from days known already, and what is missing for one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from engine.errors import Refused
from fleet.document.policies import Fleet
from fleet.model.tasks import BuildReference
from fleet.ports import World
from fleet.work import rows
from fleet.work.refer.referencing import build, load
from monitoring.intake.sampling import sampled

ASKED = BuildReference("v1", "file", (), "", "")


def table(**more: object) -> pa.Table:
    days = ["2024-03-01"] * 40 + ["2024-03-02"] * 60
    plain: dict[str, object] = {
        "day": days,
        "correlationid": [f"r{i}" for i in range(100)],
        "index": pa.array([0] * 100, pa.int64()),
        "time": pa.array(
            [datetime.fromisoformat(day) + timedelta(minutes=i) for i, day in enumerate(days)],
            pa.timestamp("us", "UTC"),
        ),
        "label": pa.array([None] * 10 + [1.0, 0.0] * 45, pa.float64()),
        "x": [float(i) for i in range(100)],
        "kind": ["a", "b"] * 50,
    }
    return pa.table({**plain, **more})


@pytest.fixture
def ready(world: World) -> World:
    world.tables["reference.parquet"] = table()
    world.scoring.functions["v1"] = lambda found: [0.25] * found.num_rows  # type: ignore[attr-defined]
    return world


def test_a_reference_from_a_table(ready: World, fleet: Fleet) -> None:
    made = build(ready, fleet.models["demand"], ASKED)
    assert (made.version, made.days, made.rows) == ("v1", ("2024-03-01", "2024-03-02"), 100)
    found = load(ready.blobs, made.reference)
    assert [part.rows for part in found.slices] == [40, 60]
    assert found.total.rows == 100
    # Keys and labels are not features.
    assert set(found.ruler.features) == {"x", "kind"}
    shares = [0.001, *np.arange(0.1, 0.95, 0.1), 0.999]
    assert found.ruler.features["x"].edges == pytest.approx(np.quantile(np.arange(100.0), shares))
    sketch, joined, count, labelled = made.past["2024-03-01"]
    assert (count, labelled) == (40, 30)
    kept = rows.get(ready.blobs, joined)
    assert kept["served"].to_pylist() == [0.25] * 40
    assert kept["baseline"].to_pylist() == [0.25] * 40
    assert ready.blobs.get(sketch)
    usual = rows.get(ready.blobs, made.scores)
    assert usual.column_names == ["score", "label", "time"]
    assert usual.num_rows == 100


def test_days_may_be_dates(ready: World, fleet: Fleet) -> None:
    dates = pa.array(["2024-03-01"] * 40 + ["2024-03-02"] * 60).cast(pa.date32())
    ready.tables["reference.parquet"] = table(day=dates)
    made = build(ready, fleet.models["demand"], ASKED)
    assert made.days == ("2024-03-01", "2024-03-02")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"day": ["31.12.2025"] * 100}, "column 'day', row 1: '31.12.2025' is not an ISO date"),
        ({"time": [None] * 100}, "column 'time', row 1: empty, as in 100 of 100 rows"),
        ({"label": ["yes", "no"] * 50}, "column 'label': the labels are 'no' and 'yes'"),
        ({"label": [1, 2] * 50}, "column 'label': the labels are 1 and 2, not 0 and 1"),
        ({"score": [2.5] * 100}, "column 'score': 100 of 100 scores are outside 0…1"),
        ({"served": [0.5] * 100}, "column 'served': the name is kept for the scores"),
    ],
)
def test_what_is_no_reference_is_refused_when_it_is_taken_in(
    ready: World, fleet: Fleet, change: dict[str, object], said: str
) -> None:
    ready.tables["reference.parquet"] = table(**change)
    with pytest.raises(Refused) as refused:
        build(ready, fleet.models["demand"], ASKED)
    assert str(refused.value).startswith(f"reference.parquet: {said}")


@pytest.mark.parametrize(
    "shape",
    [
        lambda days: pa.array(days).cast(pa.timestamp("ns")),
        lambda days: pa.array([f"{day}T00:00:00+01:00" for day in days]),
        lambda days: pa.array([int(day.replace("-", "")) for day in days]),
        lambda days: pa.array(days).dictionary_encode(),
        lambda days: pa.array(days).cast(pa.date32()),
    ],
)
def test_days_of_every_shape_make_one_reference(
    ready: World, fleet: Fleet, shape: Callable[[list[str]], pa.Array]
) -> None:
    watched = fleet.models["demand"]
    first = build(ready, watched, ASKED)
    days, plain = table()["day"].to_pylist(), table()
    instants = pc.cast(plain["time"], pa.timestamp("ns", "UTC"))
    ready.tables["reference.parquet"] = table(
        day=shape(days), time=instants, label=pc.cast(plain["label"], pa.int64())
    )
    assert build(ready, watched, ASKED) == first


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (1.5, "100 of 100 scores are outside 0…1, the first is 1.5 in row 1"),
        (float("nan"), "100 of 100 scores are not finite numbers, the first is nan in row 1"),
        (float("-inf"), "100 of 100 scores are not finite numbers, the first is -inf in row 1"),
    ],
)
def test_a_version_that_gives_no_scores_makes_no_reference(
    ready: World, fleet: Fleet, score: float, said: str
) -> None:
    ready.scoring.functions["v1"] = lambda found: [score] * found.num_rows  # type: ignore[attr-defined]
    with pytest.raises(Refused) as refused:
        build(ready, fleet.models["demand"], ASKED)
    assert str(refused.value).startswith(f"reference.parquet: scored by demand v1: {said}")


@pytest.mark.parametrize("name", ["day", "time", "label"])
def test_a_column_that_is_needed_is_named(ready: World, fleet: Fleet, name: str) -> None:
    ready.tables["reference.parquet"] = table().drop_columns([name])
    with pytest.raises(Refused) as refused:
        build(ready, fleet.models["demand"], ASKED)
    assert str(refused.value).startswith(f"reference.parquet: needs a column '{name}'; found ")


def test_a_reference_from_days_keeps_the_ruler(ready: World, fleet: Fleet) -> None:
    watched = fleet.models["demand"]
    first = build(ready, watched, ASKED)
    day = first.past["2024-03-02"]
    asked = BuildReference(
        "v2", "days", (("2024-03-02", day[0], day[1]),), first.reference, "scores-v2"
    )
    made = build(ready, watched, asked)
    assert (made.version, made.days, made.rows) == ("v2", ("2024-03-02",), 60)
    assert (made.scores, made.past) == ("scores-v2", {})
    before, after = load(ready.blobs, first.reference), load(ready.blobs, made.reference)
    assert after.ruler.to_bytes() == before.ruler.to_bytes()
    assert after.total.rows == 60


def test_a_reference_knows_the_day_of_every_slice(ready: World, fleet: Fleet) -> None:
    watched = fleet.models["demand"]
    first = build(ready, watched, ASKED)
    assert load(ready.blobs, first.reference).days == ("2024-03-01", "2024-03-02")
    day = ("2024-03-02", *first.past["2024-03-02"][:2])
    made = build(ready, watched, BuildReference("v2", "days", (day,), first.reference, "scores"))
    assert load(ready.blobs, made.reference).days == ("2024-03-02",)


def test_a_reference_of_before_days_were_kept_is_still_read(ready: World, fleet: Fleet) -> None:
    document = json.loads(ready.blobs.get(build(ready, fleet.models["demand"], ASKED).reference))
    assert document.pop("days")
    older = load(ready.blobs, ready.blobs.put(json.dumps(document).encode()))
    assert (older.days, older.total.rows) == ((), 100)


def test_redacted_levels_are_in_no_blob(ready: World, resolve: Callable[..., Fleet]) -> None:
    redacting = resolve(
        ("    serving: {champion: v1, baseline: v0}",
         "    serving: {champion: v1, baseline: v0}\n"
         "    drift: {features: {kind: {redact: true}}}")
    )  # fmt: skip
    secret = ["a-secret", "another-one"] * 50
    ready.tables["reference.parquet"] = table(kind=secret)
    made = build(ready, redacting.models["demand"], ASKED)
    found = load(ready.blobs, made.reference)
    assert b"a-secret" not in found.ruler.to_bytes()
    levels = found.ruler.features["kind"].levels
    assert len(levels) == 2
    assert set(levels).isdisjoint(secret)


def test_a_reference_says_what_it_was_sampled_from(ready: World, fleet: Fleet) -> None:
    """How many rows there were travels with the table, into the reference and its windows."""
    whole = load(ready.blobs, build(ready, fleet.models["demand"], ASKED).reference)
    assert whole.note == ""
    batches = pa.Table.from_batches(table().to_batches() * 3).to_batches()
    ready.tables["reference.parquet"] = sampled(batches, np.random.default_rng(1), 100)
    made = build(ready, fleet.models["demand"], ASKED)
    assert made.rows == 100
    assert made.note == "the reference is a sample of 100 of 300 rows"
    assert load(ready.blobs, made.reference).note == made.note

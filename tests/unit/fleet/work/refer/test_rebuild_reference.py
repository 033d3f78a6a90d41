"""References that an operator asks for: from a table, from days, and what is no reference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from engine.errors import Refused
from fleet.document.policies import Fleet
from fleet.model.results import Referenced
from fleet.model.tasks import BuildReference
from fleet.ports import World
from fleet.work import rows
from fleet.work.refer.rebuild_reference import rebuild
from fleet.work.refer.referencing import SCORE, build, load

FEW = "days are too few to calibrate: drift pages from 8 days on"
FIRST = datetime(2024, 3, 1, tzinfo=UTC)


def table(days: int = 9, shift: float = 0.0, **more: object) -> pa.Table:
    moments = [FIRST + timedelta(days=day, minutes=i) for day in range(days) for i in range(40)]
    plain: dict[str, object] = {
        "day": [f"{moment:%Y-%m-%d}" for moment in moments],
        "time": pa.array(moments, pa.timestamp("us", "UTC")),
        "label": [0.0, 1.0] * (20 * days),
        "x": [float(i % 40) + shift for i in range(40 * days)],
        "kind": ["a", "b"] * (20 * days),
    }
    return pa.table({**plain, **more})


def scored(rows: pa.Table) -> list[float]:
    return [value / 64 for value in rows["x"].to_pylist()]


@pytest.fixture
def first(world: World, fleet: Fleet) -> Referenced:
    world.tables["reference.parquet"] = table()
    world.scoring.functions["v1"] = scored  # type: ignore[attr-defined]
    return build(world, fleet.models["demand"], BuildReference("v1", "file", (), "", ""))


def asked(first: Referenced, data: str = "", days: int = 0) -> BuildReference:
    known = [(day, sketch, joined) for day, (sketch, joined, _, _) in sorted(first.past.items())]
    return BuildReference(
        "v1", "asked", tuple(known[:days]), first.reference, "usual", data, "g.hopper", "because"
    )


def test_a_table_is_counted_with_the_bins_that_are_there(
    world: World, fleet: Fleet, first: Referenced
) -> None:
    world.tables["new.parquet"] = table(shift=10.0)
    made = rebuild(world, fleet.models["demand"], asked(first, "new.parquet"))
    before, after = load(world.blobs, first.reference), load(world.blobs, made.reference)
    assert after.ruler.id == before.ruler.id
    assert after.total.rows == 360
    # Ten of forty values a day lie beyond the ninth decile that was measured, 35.1, and not four.
    last = slice(-3, -1)  # the decile, and the tail that is cut off it
    assert after.total.feature(after.ruler, "x")[last].sum() == 9 * 14
    assert before.total.feature(before.ruler, "x")[last].sum() == 9 * 4
    assert (made.days, made.past, made.by, made.reason, made.note) == (
        first.days, {}, "g.hopper", "because", "",
    )  # fmt: skip
    scores = rows.get(world.blobs, made.scores, (SCORE,))[SCORE].to_pylist()
    assert scores == scored(table(shift=10.0))


def test_days_keep_their_counts_and_are_scored_again(
    world: World, fleet: Fleet, first: Referenced
) -> None:
    made = rebuild(world, fleet.models["demand"], asked(first, days=8))
    assert (made.rows, made.days, made.note) == (320, first.days[:8], "")
    assert len(load(world.blobs, made.reference).slices) == 8
    assert rows.get(world.blobs, made.scores, (SCORE,)).num_rows == 320


def test_days_whose_rows_are_not_kept_leave_the_scores(
    world: World, fleet: Fleet, first: Referenced
) -> None:
    effect = asked(first, days=8)
    bare = tuple((day, sketch, "") for day, sketch, _ in effect.days)
    made = rebuild(
        world, fleet.models["demand"], BuildReference("v1", "a", bare, first.reference, "usual",
                                                      "", "g.hopper", "because")
    )  # fmt: skip
    assert made.scores == "usual"
    assert made.note == "no rows of these days are kept: the usual scores stay"


def test_few_days_say_that_nothing_pages(world: World, fleet: Fleet, first: Referenced) -> None:
    made = rebuild(world, fleet.models["demand"], asked(first, days=7))
    assert made.note == f"7 {FEW}"


def test_without_a_first_reference_the_table_makes_the_bins(
    world: World, fleet: Fleet, first: Referenced
) -> None:
    world.tables["new.parquet"] = table(shift=10.0)
    effect = BuildReference("v1", "a", (), "", "", "new.parquet", "g.hopper", "the file was bad")
    made = rebuild(world, fleet.models["demand"], effect)
    assert load(world.blobs, made.reference).ruler.id != load(world.blobs, first.reference).ruler.id
    assert set(made.past) == set(first.past)
    assert made.reason == "the file was bad"


@pytest.mark.parametrize(
    ("rows_of", "why"),
    [
        (table().drop_columns(["x"]), "new.parquet: lacks x, which windows are compared by"),
        (table().drop_columns(["label"]), "new.parquet: needs a column 'label'"),
        (table(days=0), "new.parquet: holds no rows"),
    ],
)
def test_what_is_no_reference(
    world: World, fleet: Fleet, first: Referenced, rows_of: pa.Table, why: str
) -> None:
    world.tables["new.parquet"] = rows_of
    with pytest.raises(Refused, match=why):
        rebuild(world, fleet.models["demand"], asked(first, "new.parquet"))


SECRET = "hunter2"
MOMENTS = table()["time"].to_pylist()


@pytest.mark.parametrize(
    "wrong",
    [
        {"day": [SECRET] * 360},
        {"time": [SECRET] * 360},
        {"label": [SECRET, "0"] * 180},
        {"label": [0.0, 7.123] * 180},
        {"day": ["2006-03-02"] + [f"{moment:%Y-%m-%d}" for moment in MOMENTS[1:]]},
        {"served": [SECRET] * 360},
        {"score": [SECRET] * 360},
        {"score": [7.123] * 360},
    ],
)
def test_a_reason_quotes_nothing_of_a_table_that_was_asked_for(
    world: World, fleet: Fleet, first: Referenced, wrong: dict[str, Any]
) -> None:
    world.tables["new.parquet"] = table(**wrong)
    with pytest.raises(Refused, match=r"new\.parquet: a column or a row of it") as refused:
        rebuild(world, fleet.models["demand"], asked(first, "new.parquet"))
    assert not {SECRET, "7.123", "2006"} & set(str(refused.value).replace("'", " ").split())


def test_no_column_of_a_table_that_was_asked_for_is_named(
    world: World, fleet: Fleet, first: Referenced
) -> None:
    world.tables["new.parquet"] = pa.table({SECRET: [1.0]})
    with pytest.raises(Refused, match=r"needs a column 'day'$"):
        rebuild(world, fleet.models["demand"], asked(first, "new.parquet"))

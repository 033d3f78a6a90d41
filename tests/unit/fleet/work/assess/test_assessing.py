"""One window against its reference: features, persistence, events, scores, data quality."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fleet.document.policies import Fleet
from fleet.model.tasks import Assess
from fleet.ports import World
from fleet.work import rows
from fleet.work.assess.assessing import assess_window
from fleet.work.refer import referencing
from fleet.work.refer.referencing import load_ruler
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch, sketch
from monitoring.drift.verdict import Verdict

Make = Callable[..., pa.Table]
N = 300
NAMES = ("x", "y", "z", "kind")


def features(chance: np.random.Generator, shift: float = 0.0, n: int = N) -> pa.Table:
    return pa.table(
        {
            "x": chance.normal(size=n) + shift,
            "y": chance.normal(size=n),
            "z": chance.normal(size=n),
            "kind": chance.choice(["a", "b", "c"], n),
        }
    )


class Window:
    """A month of calm reference days, and windows held against it."""

    def __init__(self, world: World, fleet: Fleet) -> None:
        self.world, self.watched = world, fleet.models["demand"]
        self.chance = np.random.default_rng(20240304)
        days = [features(self.chance) for _ in range(28)]
        ruler = Ruler.of(pa.concat_tables(days))
        slices = [world.blobs.put(sketch(day, ruler).to_bytes()) for day in days]
        kept = world.blobs.put(ruler.to_bytes())
        self.reference = referencing.put(world.blobs, kept, slices)

    def sketch(self, table: pa.Table) -> str:
        ruler = load_ruler(self.world.blobs, self.reference)
        return self.world.blobs.put(sketch(table, ruler).to_bytes())

    def assess(self, table: pa.Table | list[pa.Table], **fields: Any) -> Any:
        parts = table if isinstance(table, list) else [table]
        plain: dict[str, Any] = {
            "window": "2024-03-04", "of": "o", "sketches": tuple(map(self.sketch, parts)),
            "before": (), "flags": (), "events": (), "outputs": (), "reference": self.reference,
            "scores": "", "champion": "v1", "event": None, "expected": None,
        }  # fmt: skip
        return assess_window(self.world, self.watched, Assess(**{**plain, **fields}))

    def moved(self, shift: float = 1.5) -> pa.Table:
        return features(self.chance, shift)

    def calm(self) -> pa.Table:
        return features(self.chance)


@pytest.fixture
def window(world: World, fleet: Fleet) -> Window:
    return Window(world, fleet)


def test_one_odd_window_is_flagged_and_is_no_drift_yet(window: Window) -> None:
    found = window.assess(window.moved())
    assert "x" in found.flagged
    assert found.stream == {}
    assert found.psi["x"] > 0.5
    assert found.verdict is Verdict.INSUFFICIENT
    assert found.calibrated


def before(
    window: Window, *tables: pa.Table, events: tuple[Any, ...] | None = None
) -> dict[str, Any]:
    """Earlier windows as an assessment is handed them; where x moved it was flagged."""
    return {
        "before": tuple(map(window.sketch, tables)),
        "flags": tuple(
            ("x",) if float(np.mean(table["x"].to_numpy())) > 0.5 else () for table in tables
        ),
        "events": events or (None,) * len(tables),
    }


def test_drift_that_lasts_is_drift(window: Window) -> None:
    found = window.assess(window.moved(), **before(window, window.calm(), window.moved()))
    assert found.stream == {"x": Verdict.DRIFTED}
    assert found.verdict is Verdict.DRIFTED
    (line,) = found.lines
    assert line.startswith("x: psi ")
    # Each of the three bins: its share, then its rows.
    assert line.count("→") == 6


def history(window: Window, shifts: list[float], event: str | None = None) -> dict[str, Any]:
    """Many earlier days, none of which was flagged on its own."""
    names = [window.sketch(window.moved(shift)) for shift in shifts]
    days = [f"2024-02-{number + 1:02}" for number in range(len(names))]
    return {
        "before": tuple(names[-2:]), "flags": ((), ()), "events": (None, None),
        "history": tuple(zip(days, names, [event] * len(names), strict=True)),
    }  # fmt: skip


def test_drift_too_slow_for_any_window_adds_up(window: Window) -> None:
    slow = history(window, [0.25] * 20)
    found = window.assess(window.moved(0.25), **slow)
    assert found.stream == {"x": Verdict.DRIFTING}
    assert "slow drift (evidence" in document(window, found)["stream_reasons"]["x"]
    assert "; slow drift: no window shows it alone" in found.lines[0]
    alone = window.assess(window.moved(0.25), **{**slow, "history": ()})
    assert alone.stream == {}


def test_days_of_events_add_nothing_up(window: Window) -> None:
    found = window.assess(window.moved(0.25), **history(window, [0.25] * 20, "strike"))
    assert found.stream == {}


def document(window: Window, found: Any) -> Any:
    return json.loads(window.world.blobs.get(found.report))


def test_calm_windows_are_stable(window: Window) -> None:
    found = window.assess(window.calm(), **before(window, window.calm(), window.calm()))
    assert (found.stream, found.verdict, found.quality) == ({}, Verdict.STABLE, ())
    # What differs most is told all the same: a page for something else shows it.
    assert len(found.lines) == 3
    assert all(line.split(": psi")[0] in NAMES for line in found.lines)


def test_drift_of_an_events_days_alone_is_explained_by_it(window: Window) -> None:
    earlier = before(window, window.calm(), window.moved(), events=(None, "strike"))
    found = window.assess(window.moved(), **earlier)
    assert (found.stream, found.explained_by) == ({"x": Verdict.DRIFTED}, "strike")


def test_the_sketches_of_several_ranges_are_one_window(window: Window) -> None:
    table = window.calm()
    whole = window.assess(table)
    parts = window.assess([table.slice(0, 100), table.slice(100)])
    assert (parts.rows, parts.sketch) == (N, whole.sketch)
    assert parts.psi == whole.psi


def test_half_the_feed_gone_is_one_trouble_and_no_drift(window: Window) -> None:
    """As on a 31 December when the weather feed died: one story, told as broken data."""
    gone = window.calm()
    for name in ("x", "y"):
        gone = gone.set_column(gone.column_names.index(name), name, pa.nulls(N, pa.float64()))
    found = window.assess(gone, **before(window, window.calm(), window.calm()))
    (trouble,) = found.quality
    assert (trouble.kind, trouble.page, trouble.features) == ("all_missing", True, ("x", "y"))
    assert trouble.reason == (
        "2 of 4 features entirely missing on 2024-03-04: x, y; check the source"
    )
    assert set(found.stream).isdisjoint({"x", "y"})
    assert found.psi["x"] is None


def test_a_column_that_is_not_sent_at_all_is_missing(window: Window) -> None:
    found = window.assess(window.calm().drop_columns(["z"]))
    (trouble,) = found.quality
    assert (trouble.page, trouble.features) == (True, ("z",))


def test_values_never_seen_are_a_ticket(window: Window) -> None:
    table = window.calm()
    kinds = ["new"] * 60 + table["kind"].to_pylist()[60:]
    found = window.assess(table.set_column(3, "kind", pa.array(kinds)))
    (trouble,) = found.quality
    assert (trouble.kind, trouble.page, trouble.features) == ("unseen", False, ("kind",))
    assert trouble.reason == (
        "values unknown in the reference on 2024-03-04 (limit 10 %): kind 20 %"
    )


@pytest.mark.parametrize("fresh", [False, True])
def test_none_but_new_values_are_a_page_unless_every_day_has_its_own(
    world: World, fleet: Fleet, fresh: bool
) -> None:
    days = [pa.table({"kind": [f"k{day if fresh else 0}"] * N}) for day in range(20)]
    ruler = Ruler.of(pa.concat_tables(days))
    put = world.blobs.put
    slices = [put(sketch(day, ruler).to_bytes()) for day in days]
    window = Window(world, fleet)
    window.reference = referencing.put(world.blobs, put(ruler.to_bytes()), slices)
    (trouble,) = window.assess(pa.table({"kind": ["other"] * N})).quality
    assert (trouble.kind, trouble.page) == (("unseen", False) if fresh else ("type_change", True))


def test_few_rows_are_a_ticket_where_the_usual_number_is_known(window: Window) -> None:
    few = window.calm().slice(0, 40)
    assert window.assess(few).quality == ()
    (trouble,) = window.assess(few, expected=300.0).quality
    assert (trouble.kind, trouble.page) == ("low_volume", False)
    assert trouble.reason == "40 rows on 2024-03-04, about 300 expected on this weekday (13.3 %)"


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, Verdict.STABLE), (0.3, Verdict.DRIFTED)])
def test_scores_are_held_against_the_versions_usual_ones(
    window: Window, rows_of: Make, shift: float, verdict: Verdict
) -> None:
    usual = window.chance.uniform(0, 0.5, 2000)
    now = window.chance.uniform(0, 0.5, 2000) + shift
    ids = [f"r{i}" for i in range(2000)]
    blobs = window.world.blobs
    found = window.assess(
        window.calm(),
        scores=rows.put(blobs, pa.table({"score": usual})),
        outputs=(rows.put(blobs, rows_of(ids, score=now)),),
    )
    assert found.score is verdict
    assert found.score_psi is not None


def test_no_scores_are_insufficient(window: Window, rows_of: Make) -> None:
    found = window.assess(window.calm())
    assert (found.score, found.score_psi) == (Verdict.INSUFFICIENT, None)


def test_the_report_says_everything(window: Window) -> None:
    found = window.assess(window.moved(), **before(window, window.moved()), event="strike")
    document = json.loads(window.world.blobs.get(found.report))
    assert (document["format"], document["window"], document["event"]) == (
        1, "2024-03-04", "strike",
    )  # fmt: skip
    assert [feature["name"] for feature in document["features"]] == list(NAMES)
    assert document["stream"]["x"] == "drifted"
    kept = Sketch.from_bytes(window.world.blobs.get(found.sketch))
    assert kept.rows == N


def test_a_redacted_level_is_in_no_line(world: World, resolve: Callable[..., Fleet]) -> None:
    redacting = resolve(
        ("    serving: {champion: v1, baseline: v0}",
         "    serving: {champion: v1, baseline: v0}\n"
         "    drift: {features: {kind: {redact: true}}}")
    )  # fmt: skip
    watched = redacting.models["demand"]
    chance = np.random.default_rng(1)
    days = [pa.table({"kind": chance.choice(["anna", "berta"], N)}) for _ in range(28)]
    ruler = Ruler.of(pa.concat_tables(days), {"kind": "demand/kind"})
    kept = [world.blobs.put(sketch(day, ruler).to_bytes()) for day in days]
    reference = referencing.put(world.blobs, world.blobs.put(ruler.to_bytes()), kept)
    now = world.blobs.put(sketch(pa.table({"kind": ["anna"] * N}), ruler).to_bytes())
    found = assess_window(
        world,
        watched,
        Assess(
            "2024-03-04", "o", (now,), (now, now), (("kind",),) * 2, (None, None), (), reference,
            "", "v1", None, None,
        ),
    )  # fmt: skip
    assert found.stream == {"kind": Verdict.DRIFTED}
    said = json.dumps([found.lines, world.blobs.get(found.report).decode()])
    assert "anna" not in said
    assert "berta" not in said


def test_the_report_says_where_the_reference_is_a_sample(window: Window) -> None:
    quiet = json.loads(window.world.blobs.get(window.assess(features(window.chance)).report))
    assert "notes" not in quiet
    document = json.loads(window.world.blobs.get(window.reference))
    noted = referencing.put(window.world.blobs, document["ruler"], document["slices"], "a sample")
    told = window.assess(features(window.chance), reference=noted)
    assert json.loads(window.world.blobs.get(told.report))["notes"] == ["a sample"]

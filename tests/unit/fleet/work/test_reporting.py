"""Rows as a report may show them: bounded, of the kinds of the reference, nothing redacted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from engine.errors import Refused
from fleet.document.policies import Fleet
from fleet.model.effects import EFFECTS
from fleet.model.facts import FACTS
from fleet.model.results import Reported
from fleet.model.tasks import BuildReport
from fleet.ports import World
from fleet.work import rows
from fleet.work.refer import referencing
from fleet.work.reporting import MOST_FEATURES, MOST_LEVELS, build_report
from monitoring.drift.binning import REST
from monitoring.drift.ruler import Ruler

DAYS = ("2024-03-02", "2024-03-03")


@dataclass
class Drawn:
    """Keeps what it is given."""

    refuse: str = ""
    title: str = ""
    notes: Sequence[str] = ()
    current: list[pa.Table] = field(default_factory=list)
    reference: list[pa.Table] = field(default_factory=list)

    def html(
        self, title: str, notes: Sequence[str], current: Iterable[pa.Table],
        reference: Iterable[pa.Table],
    ) -> bytes:  # fmt: skip
        self.title, self.notes = title, notes
        self.current, self.reference = list(current), list(reference)
        if self.refuse:
            raise Refused(self.refuse)
        return b"<html>"


def features(n: int = 40, **more: Any) -> pa.Table:
    x = np.linspace(-1, 1, n)
    return pa.table({"x": x, "kind": ["a", "b"] * (n // 2), **more})


@dataclass
class Stage:
    """A reference of two days, one window, and whoever draws."""

    world: World
    watched: Any
    drawn: Drawn

    def build(
        self, window: pa.Table, reference: pa.Table | None = None, *, keep: bool = True,
        first: tuple[str, ...] = (), salts: dict[str, str] | None = None,
    ) -> Reported:  # fmt: skip
        usual = features() if reference is None else reference
        blobs = self.world.blobs
        ruler = blobs.put(Ruler.of(usual, salts).to_bytes())
        name = referencing.put(blobs, ruler, [], days=DAYS)
        past = tuple((day, rows.put(blobs, usual)) for day in (*DAYS, "2024-03-04"))
        effect = BuildReport(
            "2024-03-04", "drift-1", (rows.put(blobs, window),), name, past if keep else (), first
        )
        assert EFFECTS.decode(EFFECTS.encode(effect)) == effect
        fact = build_report(self.world, self.watched, effect)
        assert FACTS.decode(FACTS.encode(fact)) == fact
        return fact


@pytest.fixture
def stage(world: World, fleet: Fleet) -> Stage:
    drawn = Drawn()
    return Stage(replace(world, reports=drawn), fleet.models["demand"], drawn)


def test_a_window_is_drawn_beside_the_days_of_its_reference(stage: Stage) -> None:
    fact = stage.build(features(served=[0.5] * 40, label=[1.0] * 40, correlationid=["id"] * 40))
    assert (fact.window, fact.of, fact.note) == ("2024-03-04", "drift-1", "")
    assert stage.world.blobs.get(fact.report) == b"<html>"
    assert stage.drawn.title == "demand: 2024-03-04 (drift-1)"
    (current,) = stage.drawn.current
    assert current.column_names == ["x", "kind", "score", "label"]
    # The third day is the window's own.
    assert len(stage.drawn.reference) == len(DAYS)


def test_what_came_as_another_kind_or_not_at_all_is_left_out(stage: Stage) -> None:
    stage.build(pa.table({"x": ["1", "2"], "kind": pa.array([1, None], pa.int64())}))
    (current,) = stage.drawn.current
    assert current.to_pydict() == {"kind": [REST, None]}
    stage.build(pa.table({"x": [np.inf, 1.0, np.nan, None]}))
    assert stage.drawn.current[0].to_pydict() == {"x": [None, 1.0, None, None]}


def test_booleans_dictionaries_and_many_levels(stage: Stage) -> None:
    n = 4 * MOST_LEVELS
    usual = pa.table(
        {
            "flag": pa.array([True, False] * (n // 2)),
            "coded": pa.array(["p", "q"] * (n // 2)).dictionary_encode(),
            "many": [f"level {i // 2:03}" for i in range(n)],
        }
    )
    stage.build(usual, usual)
    (current,) = stage.drawn.current
    assert current["flag"].to_pylist()[:2] == ["true", "false"]
    assert current["coded"].to_pylist()[:2] == ["p", "q"]
    assert len(set(current["many"].to_pylist())) == MOST_LEVELS + 1


def test_no_more_features_than_can_be_read_those_that_moved_first(stage: Stage) -> None:
    wide = pa.table({f"f{i}": np.arange(4.0) for i in range(MOST_FEATURES + 5)})
    stage.build(wide, wide, first=("f23", "gone", "f2"))
    (current,) = stage.drawn.current
    assert current.column_names[:3] == ["f23", "f2", "f0"]
    assert current.num_columns == MOST_FEATURES
    assert list(stage.drawn.notes) == ["20 of 25 features, those that moved first"]


@pytest.mark.parametrize("salts", [{}, {"kind": "demand/kind"}])
def test_redacted_features_leak_nothing(
    stage: Stage, resolve: Callable[..., Fleet], salts: dict[str, str]
) -> None:
    """Also where the reference is older than the wish to redact."""
    rule = "drift: {features: {kind: {redact: true}, x: {redact: true}}}\n    performance:"
    stage.watched = resolve(("performance:", rule)).models["demand"]
    table = features().set_column(1, "kind", pa.array(["secret", "hidden"] * 20))
    stage.build(table, table, salts=salts)
    shown = [*stage.drawn.current, *stage.drawn.reference]
    assert len(shown) == 3
    for one in shown:
        assert one.column_names == ["kind"]
        assert {len(level) for level in one["kind"].to_pylist()} == {16}
    assert len({level for one in shown for level in one["kind"].to_pylist()}) == 2
    assert list(stage.drawn.notes) == ["redacted numbers are left out: x"]


def test_without_kept_rows_the_references_own_table_is_read(stage: Stage) -> None:
    table = features(4, day=["2024-03-01", *DAYS, "2024-03-04"])
    stage.world.tables["reference.parquet"] = table
    stage.build(features(), keep=False)
    (usual,) = stage.drawn.reference
    assert usual.num_rows == 2


def test_a_reference_without_rows_is_no_reason_to_draw_nothing(stage: Stage) -> None:
    assert stage.build(features(), keep=False).report
    assert stage.drawn.reference == []


def test_what_cannot_be_drawn_is_told(stage: Stage, world: World, fleet: Fleet) -> None:
    stage.drawn.refuse = "install driftwarden[reports]"
    fact = stage.build(features())
    assert (fact.report, fact.note) == ("", "install driftwarden[reports]")
    effect = BuildReport("2024-03-04", "drift-1", ("none",), "none", ())
    nobody = build_report(world, fleet.models["demand"], effect)
    assert (nobody.report, nobody.note) == ("", "this host draws no reports")
    lost = build_report(stage.world, stage.watched, effect)
    assert lost.note == "blob none: not found"
    assert json.loads(FACTS.encode(lost))

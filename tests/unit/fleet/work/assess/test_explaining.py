"""Why a window's features moved: in the report, and in the lines of a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fleet.document.policies import Fleet
from fleet.model.tasks import Assess
from fleet.ports import World
from fleet.work.assess.assessing import assess_window
from fleet.work.refer import referencing
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import sketch
from monitoring.drift.verdict import Verdict
from monitoring.drift.why import Happening

FIRST = datetime(2024, 3, 4, tzinfo=UTC)
SINCE = 9
DAYS = 12


def day(number: int) -> str:
    return f"{FIRST + timedelta(days=number):%Y-%m-%d}"


def table(chance: np.random.Generator, moved: bool, rows: int = 300) -> pa.Table:
    levels = chance.choice(["ann-k", "bob-k", "eve-k"], rows, p=[0.2, 0.2, 0.6] if moved else None)
    return pa.table({"x": chance.normal(1.5 if moved else 0.0, 1, rows), "who": levels})


class Stream:
    """Twenty reference days, then windows of which the last ones have moved."""

    def __init__(self, world: World, fleet: Fleet) -> None:
        self.world = world
        watched = fleet.models["demand"]
        drift = watched.policy.drift.model_validate({"features": {"who": {"redact": True}}})
        self.watched = replace(watched, policy=watched.policy.model_copy(update={"drift": drift}))
        chance = np.random.default_rng(11)
        days = [table(chance, False) for _ in range(20)]
        self.ruler = Ruler.of(pa.concat_tables(days), {"who": "demand/who"})
        kept = world.blobs.put(self.ruler.to_bytes())
        self.reference = referencing.put(world.blobs, kept, [self.put(one) for one in days])
        self.windows = [self.put(table(chance, number >= SINCE)) for number in range(DAYS)]

    def put(self, rows: pa.Table) -> str:
        return self.world.blobs.put(sketch(rows, self.ruler).to_bytes())

    def assess(self, last: int = DAYS - 1, **fields: Any) -> Any:
        before = range(last - 2, last)
        flags = tuple(("x", "who") if number >= SINCE else () for number in before)
        plain: dict[str, Any] = {
            "window": day(last), "of": "o", "sketches": (self.windows[last],),
            "before": tuple(self.windows[number] for number in before), "flags": flags,
            "events": (None, None), "outputs": (), "reference": self.reference, "scores": "",
            "champion": "v1", "event": None, "expected": None,
            "history": tuple((day(n), self.windows[n], None) for n in range(last)),
        }  # fmt: skip
        return assess_window(self.world, self.watched, Assess(**{**plain, **fields}))


@pytest.fixture
def moving(world: World, fleet: Fleet) -> Stream:
    return Stream(world, fleet)


def test_a_page_names_bins_with_counts_and_since_when(moving: Stream) -> None:
    found = moving.assess()
    assert found.stream == {"x": Verdict.DRIFTED, "who": Verdict.DRIFTED}
    line = next(line for line in found.lines if line.startswith("x: psi"))
    assert line.count(" rows)") == 3
    assert line.endswith(f"; sudden change since {day(SINCE)}")
    assert found.since["x"] == f"sudden change since {day(SINCE)}"


def test_what_happened_just_before_and_what_labels_say_follow(moving: Stream) -> None:
    began = FIRST + timedelta(days=SINCE)
    happened = (
        Happening(began - timedelta(days=5), "registered v2"),
        Happening(began - timedelta(hours=20), "traffic v1 50 %, v2 50 %"),
        Happening(began + timedelta(days=3), "registered v3"),
    )
    found = moving.assess(happened=happened, health="performance did not move: as usual")
    assert found.lines[-2:] == (
        f"just before: traffic v1 50 %, v2 50 % ({began - timedelta(hours=20):%Y-%m-%d %H:%M} UTC)",
        "performance did not move: as usual",
    )


def test_the_event_in_which_it_began_is_named(moving: Stream) -> None:
    history = tuple(
        (day(n), moving.windows[n], "strike" if n == SINCE else None) for n in range(DAYS - 1)
    )
    assert f"{day(SINCE)} lies in strike" in moving.assess(history=history).lines


def test_the_report_has_all_of_it(moving: Stream) -> None:
    found = moving.assess(health="performance moved too: r", happened=())
    why = json.loads(moving.world.blobs.get(found.report))["why"]
    assert why["features"]["x"]["since"] == day(SINCE)
    assert why["features"]["x"]["shape"] == "sudden"
    bins = why["features"]["x"]["bins"]
    assert len(bins) == 3
    for one in bins:
        assert one["current_share"] == pytest.approx(one["current"] / 300)
        assert one["reference_share"] == pytest.approx(one["reference"] / 6000)
    assert (why["before"], why["performance"]) == ([], "performance moved too: r")


def test_what_moved_before_in_the_same_way_is_told_with_its_days(moving: Stream) -> None:
    struck = moving.windows[SINCE]
    history = tuple(
        (day(n), struck if n == 2 else moving.windows[n], None) for n in range(DAYS - 1)
    )
    found = moving.assess(history=history)
    assert found.since["x"] == f"recurring: again since {day(SINCE)}, before since {day(2)}"
    assert f"recurring: again since {day(SINCE)}" in found.lines[0]
    why = json.loads(moving.world.blobs.get(found.report))["why"]["features"]["x"]
    assert (why["shape"], why["earlier"]) == ("recurring", [day(2)])


def test_levels_of_a_redacted_feature_stay_hashed(moving: Stream) -> None:
    found = moving.assess()
    said = " ".join(found.lines) + moving.world.blobs.get(found.report).decode()
    assert "who: psi" in said
    assert not any(name in said for name in ("ann-k", "bob-k", "eve-k"))


def test_days_that_were_counted_with_other_bins_are_left_out(moving: Stream) -> None:
    other = Ruler.of(pa.table({"x": [1.0, 2.0, 3.0], "who": ["a", "b", "c"]}))
    strange = moving.world.blobs.put(sketch(pa.table({"x": [1.0], "who": ["a"]}), other).to_bytes())
    found = moving.assess(history=tuple((day(n), strange, None) for n in range(11)))
    assert found.since == {}
    assert found.lines[0].count(" rows)") == 3


def test_a_calm_window_tells_what_differs_most_and_since_when_of_nothing(moving: Stream) -> None:
    found = moving.assess(last=5)
    assert found.since == {}
    assert 0 < len(found.lines) <= 3
    assert all(": psi " in line and "since" not in line for line in found.lines)
    assert "why" not in json.loads(moving.world.blobs.get(found.report))


def test_without_a_history_there_are_bins_and_no_date(moving: Stream) -> None:
    found = moving.assess(history=())
    assert found.since == {}
    assert all("since" not in line for line in found.lines)


def test_many_features_make_few_lines(
    world: World, fleet: Fleet, rows_of: Callable[..., pa.Table]
) -> None:
    stream = Stream(world, fleet)
    chance = np.random.default_rng(3)
    wide = [pa.table({f"f{i}": chance.normal(size=300) for i in range(9)}) for _ in range(20)]
    stream.ruler = Ruler.of(pa.concat_tables(wide))
    kept = world.blobs.put(stream.ruler.to_bytes())
    stream.reference = referencing.put(world.blobs, kept, [stream.put(one) for one in wide])
    moved = [pa.table({f"f{i}": chance.normal(2, 1, 300) for i in range(9)}) for _ in range(3)]
    names = [stream.put(one) for one in moved]
    flags = (tuple(f"f{i}" for i in range(9)),) * 2
    found = stream.assess(
        sketches=(names[2],), before=tuple(names[:2]), flags=flags, history=(), health="h",
        happened=tuple(
            Happening(FIRST + timedelta(days=DAYS - 1, hours=i), f"registered v{i}")
            for i in range(9)
        ),
    )  # fmt: skip
    assert len(found.lines) == 7
    assert found.lines[-2].count("registered") == 3

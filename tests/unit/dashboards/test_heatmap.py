from __future__ import annotations

from datetime import date
from typing import Any

from dashboards.charts import Axis
from dashboards.days import Day
from dashboards.heatmap import heatmap

AXIS = Axis(date(2013, 4, 1), 28, "UTC")


def on(
    day: int, psi: dict[str, float | None], stream: dict[str, str] | None = None, **more: Any
) -> Day:
    words = {"verdict": "drifted" if stream else "stable", "stream": stream or {}, **more}
    return Day(date(2013, 4, day), rows=900, psi=psi, **words)


def test_equal_neighbours_are_one_shape_and_gaps_stay_blank() -> None:
    days = [
        on(1, {"a": 0.01, "b": 0.3}),
        on(2, {"a": 0.02, "b": 0.3}),
        on(4, {"a": 1.5, "b": None}, {"a": "drifted"}),
    ]
    cells = {cell.look: cell.path for cell in heatmap(days, AXIS).cells}
    assert cells == {
        "drifted-3": "M3 0h1v1h-1z",
        "stable-0": "M0 0h2v1h-2z",
        "stable-2": "M0 1h2v1h-2z",
    }


def test_what_drifts_most_stands_on_top() -> None:
    days = [
        on(1, {"a": 0.0, "b": 0.0, "c": 0.0}, {"c": "drifting"}),
        on(2, {"a": 0.0, "b": 0.2, "c": 0.4}, {"b": "drifted"}),
    ]
    found = heatmap(days, AXIS)
    assert [(f.name, f.drifted, f.drifting) for f in found.features] == [
        ("b", 1, 0), ("c", 0, 1), ("a", 0, 0),
    ]  # fmt: skip
    assert found.features[0].latest == 0.2
    assert found.label == "Drift of 3 features over 2 windows; drifted most: b on 1"


def test_an_insufficient_window_is_blank_never_stable() -> None:
    found = heatmap([on(1, {"a": 0.0}, verdict="insufficient")], AXIS)
    assert found.cells == ()
    assert "insufficient" in found.columns[0].title


def test_a_day_says_what_it_is_about() -> None:
    day = on(
        4, {"a": 0.2, "b": 1.25}, {"a": "drifting", "b": "drifted"}, event="Fair",
        quality=("no c",),
    )  # fmt: skip
    (column,) = heatmap([day], AXIS).columns
    assert column.x == 3
    assert column.title == "2013-04-04 (Fair)\n900 rows, drifted: b 1.2, a 0.2\nquality: no c"


def test_five_hundred_features_show_the_forty_that_drift_most() -> None:
    psi = {f"f{n:03}": 0.01 for n in range(500)}
    found = heatmap([on(1, psi, {"f499": "drifted"})], AXIS)
    assert (len(found.features), found.left_out) == (40, 460)
    assert found.features[0].name == "f499"


def test_nothing_yet() -> None:
    assert heatmap([], AXIS).label == "Drift: no window has been assessed yet"

"""Bad input from the log file to the page: real rows, on a real loop, on a clock that is set."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from fleet.document.policies import Fleet
from fleet.ports import World
from monitoring.traffic import moment
from tests.unit.fleet.shop import MONDAY, ROWS, Row, Shop, day_of, rows_of

#: Whole days, from the log file to the page: tens of milliseconds each, seconds in all.
pytestmark = pytest.mark.usefixtures("heavy")


@pytest.fixture
def shop(resolve: Callable[..., Fleet], world: World) -> Shop:
    calm = resolve(("gate: {min_days", "drift: {fdr: 0.001}\n    gate: {min_days"))
    return Shop(calm, world)


def test_a_calm_day_is_stable_and_pages_nobody(shop: Shop) -> None:
    shop.day(0, rows_of(0)).day(1, rows_of(1))
    assert shop.said("assessed")[1]["verdict"] == "stable"
    assert shop.pages() == []


def test_a_file_without_rows_makes_no_window(shop: Shop) -> None:
    shop.log(0, rows_of(0, 1))
    (path,) = [path for path in shop.world.logs if "model_inputs" in path]  # type: ignore[attr-defined]
    line = json.loads(shop.world.logs[path])
    shop.announce(path, json.dumps({**line, "data": []}).encode() + b"\n\n")
    shop.night(0)
    assert [line["rows"] for line in shop.said("read")] == [0]
    assert shop.said("assessed") == []
    assert shop.state.windows.open == {}


@pytest.mark.parametrize("n", [1, 2])
def test_a_window_of_a_row_or_two_is_insufficient_and_no_page(shop: Shop, n: int) -> None:
    shop.day(0, rows_of(0, n, 9.0)).day(1, rows_of(1))
    first, second = shop.said("assessed")
    assert (first["rows"], first["verdict"], first["stream"]) == (n, "insufficient", {})
    assert second["verdict"] == "stable"
    assert shop.pages() == []


@pytest.mark.parametrize(
    ("spoilt", "name"),
    [
        (lambda row: {**row, "x": None}, "null"),
        (lambda row: {name: row[name] for name in ("y", "kind")}, "vanished"),
        (lambda row: {**row, "x": f"{row['x']:.3f}"}, "text"),
        (lambda row: {**row, "x": [row["x"]]}, "nested"),
        (lambda row: {**row, "x": {"value": row["x"]}}, "struct"),
    ],
)
def test_a_feature_that_is_gone_or_of_another_type_pages_once_by_its_name(
    shop: Shop, spoilt: Callable[[Row], Row], name: str
) -> None:
    shop.day(0, rows_of(0))
    for number in (1, 2):
        shop.day(number, [spoilt(row) for row in rows_of(number)])
    (line, again) = shop.said("assessed")[1:]
    assert line["quality"] == again["quality"] or line["quality"]
    assert "x" in line["quality"][0]
    assert [line["phase"] for line in shop.said("alert", kind="quality", severity="page")] == [
        "firing"
    ]
    assert set(shop.said("alert", kind="drift")) == set()
    assert [title for title in shop.pages() if "x" in title]


def test_a_category_that_comes_as_numbers_goes_by_their_text(shop: Shop) -> None:
    shop.day(0, [{**row, "kind": i % 2} for i, row in enumerate(rows_of(0))])
    (line,) = shop.said("assessed")
    assert line["rows"] == ROWS
    assert "kind" in " ".join(line["quality"])


def test_a_type_that_changes_within_a_day_and_a_new_feature(shop: Shop) -> None:
    rows = rows_of(0)
    half = [{**row, "x": "?", "new": 1.0} for row in rows[60:]]
    shop.log(0, rows[:60], name="first")
    shop.log(0, half, name="second")
    shop.night(0)
    (line,) = shop.said("assessed")
    assert line["rows"] == ROWS
    assert any("x" in trouble for trouble in line["quality"])
    assert "new" not in line["psi"]


def test_values_out_of_their_range_are_a_ticket_until_they_are_back(
    resolve: Callable[..., Fleet], world: World
) -> None:
    ranged = "quality: {ranges: {x: {low: -8, high: 8}, kind: {low: 0}}}\n    gate: {min_days"
    shop = Shop(resolve(("gate: {min_days", ranged)), world)
    rows = [{**row, "x": 99.0 if i < 3 else row["x"]} for i, row in enumerate(rows_of(0))]
    shop.log(0, rows[:2], name="first")
    shop.log(0, rows[2:], name="second")
    shop.night(0).day(1, rows_of(1)).day(2, rows_of(2))
    first, second, _ = shop.said("assessed")
    assert first["quality"] == [
        f"values outside their range on {day_of(0)} (limit 1 %): x 3 of 120 (2.5 %) not in [-8, 8]"
    ]
    assert second["quality"] == []
    phases = [line["phase"] for line in shop.said("alert", kind="quality", severity="ticket")]
    assert phases == ["firing", "resolved"]
    assert shop.pages() == []
    report = json.loads(world.blobs.get(first["report"]))
    assert "no range of kind: it is not numeric in the reference" in report["notes"]


def predicted(shop: Shop, number: int) -> list[str]:
    """A day with its answers; returns the ids of its rows."""
    shop.log(number, rows_of(number))
    shop.log(number, [{"score": 0.5}] * ROWS, "model_outputs")
    return [f"{number}-log-{i}" for i in range(ROWS)]


def test_labels_that_contradict_each_other_are_counted_and_the_last_stands(shop: Shop) -> None:
    ids = predicted(shop, 0)
    shop.night(0)
    shop.label(0, [(who, 1.0) for who in ids])
    shop.label(0, [(who, 0.0) for who in ids[:30]], hour=6)
    shop.play(shop.clock.moment + timedelta(hours=1))
    line = shop.said("joined")[-1]
    assert (line["labelled"], line["expected"], line["contradictions"]) == (ROWS, ROWS, 30)
    assert line["scores"]["served"]["base_rate"] == pytest.approx(0.75)


def test_labels_of_rows_that_were_never_predicted_are_told_once_and_let_go(shop: Shop) -> None:
    ids = predicted(shop, 0)
    shop.night(0)
    shop.label(0, [(who, 1.0) for who in [*ids, "nobody", "no one"]])
    shop.play(shop.clock.moment + timedelta(days=5))
    assert shop.said("joined")[-1]["labelled"] == ROWS
    assert shop.said("read", unknown=2)
    assert len(shop.said("unmatched")) == 1
    assert shop.state.logs.loose == {}
    assert len(shop.said("joined")) == 1


@pytest.mark.parametrize("years", [0.01, 30, 170])
def test_a_clock_in_the_future_opens_no_window_and_is_told(shop: Shop, years: float) -> None:
    ahead = MONDAY + timedelta(days=365.25 * years, hours=12)
    shop.log(0, rows_of(0))
    shop.log(0, rows_of(7, shift=5.0), at=ahead, name="ahead")
    shop.night(0)
    day = ahead.date().isoformat()
    (line,) = shop.said("ahead")
    assert (line["rows"], line["first"], line["last"]) == (ROWS, day, day)
    assert list(shop.state.windows.open) == [day_of(0)]
    assert [line["rows"] for line in shop.said("assessed")] == [ROWS]
    assert shop.pages() == []
    shop.day(1, rows_of(1))
    assert [line["window"] for line in shop.said("assessed")] == [day_of(0), day_of(1)]


@pytest.mark.parametrize("date", ["0001-01-01T00", "1969-06-15T09", "9999-12-31T23"])
def test_a_clock_that_was_never_set_stops_no_file(shop: Shop, date: str) -> None:
    shop.log(0, rows_of(0))
    (path,) = [path for path in shop.world.logs if "model_inputs" in path]  # type: ignore[attr-defined]
    content = shop.world.logs[path]
    for number, zone in enumerate(("+00:00", "-14:00", "+14:00")):
        moment = f"{date}:59:59{zone}".encode()
        wrong = content.replace(b"2024-03-04T09:00:00+00:00", moment)
        wrong = wrong.replace(b'"0-log-', b'"0-%d-' % number)
        shop.announce(path.replace("log.jsonl", f"{zone[:3]}.jsonl"), wrong)
    shop.night(0)
    assert len(shop.said("read", bad=1)) == 3
    assert [line["rows"] for line in shop.said("assessed")] == [4 * ROWS - 3]


def test_a_row_of_tomorrow_waits_for_its_day(shop: Shop) -> None:
    shop.log(0, rows_of(0), at=MONDAY + timedelta(days=1, hours=1))
    shop.night(0)
    assert shop.said("assessed") == shop.said("ahead") == []
    shop.night(1)
    assert [line["window"] for line in shop.said("assessed")] == [day_of(1)]


def test_late_rows_are_scored_again_once_and_page_nobody_twice(shop: Shop) -> None:
    for number in range(2):
        shop.day(number, rows_of(number, shift=2.0))
    pages = shop.pages()
    assert len([title for title in pages if "drifted" in title]) == 1
    before = len(shop.said("assessed", window=day_of(1)))
    shop.log(1, rows_of(50, shift=2.0), name="late")
    shop.play(shop.clock.moment + timedelta(hours=3))
    found = shop.said("assessed", window=day_of(1))
    assert len(found) == before + 1
    assert found[-1]["rows"] == 2 * ROWS
    assert shop.pages() == pages


def test_rows_that_come_after_a_window_is_let_go_are_written_down_and_change_nothing(
    shop: Shop,
) -> None:
    shop.day(0, rows_of(0))
    shop.play(MONDAY + timedelta(days=9))
    assert shop.state.windows.open == {}
    before, pages = shop.said("assessed"), shop.pages()
    shop.log(0, rows_of(60, shift=5.0), name="late")
    # A day of which nothing was ever known is no less over.
    shop.log(2, rows_of(61, shift=5.0), name="late")
    shop.play(shop.clock.moment + timedelta(hours=3))
    told = sorted((line["window"], line["rows"]) for line in shop.said("late"))
    assert told == [(day_of(0), ROWS), (day_of(2), ROWS)]
    assert (shop.said("assessed"), shop.pages()) == (before, pages)
    assert shop.state.windows.open == {}


def test_an_hour_to_come_hides_no_silence(shop: Shop) -> None:
    """One request of next year would be the newest hour heard of until then."""
    shop.play(MONDAY + timedelta(hours=12))
    for year in ("2024", "2025"):
        line = {
            "time": f"{year}-03-04T09:10:00+00:00", "deployment": "v1", "correlationid": "c",
            "status": 200, "duration_ms": 5.0,
        }  # fmt: skip
        shop.announce(f"traffic/shop-demand/{year}.jsonl", json.dumps(line).encode() + b"\n")
    shop.night(0)
    last = shop.state.silence.heard.last
    assert last is not None
    assert moment(last) == MONDAY + timedelta(hours=9)
    assert len(shop.said("ahead")) == 1

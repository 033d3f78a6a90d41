"""Which bins moved, since when, and what happened just before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from monitoring.drift import why
from monitoring.drift.assessment import assess
from monitoring.drift.report import FeatureReport
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import sketch
from monitoring.drift.verdict import Policy
from monitoring.drift.why import MISSING, Change, Happening, Shape, change, just_before, moves


def report(reference: list[str | None], current: list[str | None]) -> FeatureReport:
    sides = [pa.table({"kind": pa.array(values, pa.string())}) for values in (reference, current)]
    ruler = Ruler.of(sides[0])
    a, c = (sketch(side, ruler) for side in sides)
    return assess(ruler, a, c, Policy()).features[0]


def test_the_bins_that_moved_most_come_first_with_counts_and_shares() -> None:
    feature = report(["a"] * 600 + ["b"] * 300 + ["c"] * 100, ["a"] * 20 + ["b"] * 30 + ["c"] * 50)
    found = moves(feature)
    assert [move.label for move in found] == ["a", "c"]  # b is at 30 % on both sides
    assert (found[0].reference, found[0].current) == (600, 20)
    assert (found[0].reference_share, found[0].current_share) == (0.6, 0.2)
    assert str(found[1]) == "c: 10.0 % → 50.0 % (100 → 50 rows)"


def test_missing_values_are_a_bin_of_all_rows() -> None:
    feature = report(["a"] * 90 + ["b"] * 90, ["a"] * 30 + ["b"] * 30 + [None] * 60)
    (move,) = moves(feature)
    assert (move.label, move.current, move.current_share) == (MISSING, 60, 0.5)


def test_no_more_than_asked_for() -> None:
    levels = [f"k{i}" for i in range(10)]
    feature = report([n for n in levels for _ in range(50)], [levels[0]] * 300)
    assert len(moves(feature)) == 3
    assert len(moves(feature, 1)) == 1


NAMES = [f"w{i:02d}" for i in range(24)]
USUAL = np.full(10, 0.1)


def windows(chance: np.random.Generator, shift: np.ndarray, rows: int = 1000) -> np.ndarray:
    """Rows by decile of a standard normal, of windows with these means; the last bin is missing."""
    edges = np.array([-1.2816, -0.8416, -0.5244, -0.2533, 0, 0.2533, 0.5244, 0.8416, 1.2816])
    return np.array(
        [
            [*np.bincount(np.searchsorted(edges, chance.normal(mean, 1, rows)), minlength=10), 0]
            for mean in shift
        ]
    )


def found(shift: np.ndarray, seed: int) -> Change | None:
    counts = windows(np.random.default_rng(seed), shift)
    return change(NAMES, counts, np.append(USUAL, 0.0))


def test_a_step_is_found_where_it_is() -> None:
    for start in (4, 12, 21):
        shift = np.where(np.arange(24) >= start, 0.3, 0.0)
        hits = [found(shift, seed) for seed in range(20)]
        near = [hit for hit in hits if hit and abs(NAMES.index(hit.window) - start) <= 1]
        assert len(near) >= 18, start


def test_a_step_of_the_newest_window_alone_is_that_window() -> None:
    shift = np.where(np.arange(24) >= 23, 0.5, 0.0)
    hits = [found(shift, seed) for seed in range(20)]
    assert sum(hit == Change("w23", Shape.SUDDEN) for hit in hits) >= 19


def test_a_ramp_is_gradual() -> None:
    shift = np.maximum(np.arange(24) - 9, 0) * 0.05
    hits = [found(shift, seed) for seed in range(20)]
    assert sum(bool(hit) and hit.shape is Shape.GRADUAL for hit in hits) >= 18
    assert all(hit is not None and 6 <= NAMES.index(hit.window) <= 14 for hit in hits)


def test_what_comes_every_week_is_recurring() -> None:
    shift = np.where(np.arange(22) % 7 == 0, 0.3, 0.0)
    days = [f"2024-03-{day:02d}" for day in range(4, 26)]
    for seed in range(20):
        counts = windows(np.random.default_rng(seed), shift)
        hit = change(days, counts, np.append(USUAL, 0.0))
        assert hit == Change("2024-03-25", Shape.RECURRING, tuple(days[:21:7]), "every Monday")
        assert str(hit) == (
            "recurring: again since 2024-03-25, before since 2024-03-18 and 2 more times "
            "(every Monday)"
        )


def test_what_lasts_after_it_came_and_went_once_is_recurring_too() -> None:
    shift = np.where(((np.arange(24) >= 6) & (np.arange(24) < 9)) | (np.arange(24) >= 20), 0.4, 0)
    hits = [found(shift, seed) for seed in range(20)]
    assert sum(hit == Change("w20", Shape.RECURRING, ("w06",)) for hit in hits) >= 19
    assert (
        str(Change("w20", Shape.RECURRING, ("w06",)))
        == "recurring: again since w20, before since w06"
    )


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_neither_steps_nor_ramps_are_recurring(noise: float) -> None:
    course = np.maximum(np.arange(24) - 12, 0)
    rng = np.random.default_rng(5)
    shifts = [np.minimum(course, 1) * 0.3, course * 0.04, np.zeros(24)]
    hits = [found(shift + rng.normal(0, noise, 24), seed) for shift in shifts for seed in range(40)]
    assert sum(bool(hit) and hit.shape is Shape.RECURRING for hit in hits) <= 6


def test_where_nothing_changes_no_earlier_window_is_named() -> None:
    # The way to the newest window is chosen by that window: the last ones may stand out.
    named = [hit.window for seed in range(40) if (hit := found(np.zeros(24), seed))]
    assert sum(name < "w22" for name in named) <= 2, named
    assert len(named) <= 12, named


def test_too_few_windows_and_windows_without_rows_say_nothing() -> None:
    counts = windows(np.random.default_rng(1), np.array([0, 0, 0, 2.0]))
    assert change(NAMES[:4], counts, np.append(USUAL, 0.0)) is None
    padded = np.vstack([counts, np.zeros((3, 11), int)])
    assert change(NAMES[:7], padded, np.append(USUAL, 0.0)) is None
    assert change([], np.zeros((0, 11), int), np.append(USUAL, 0.0)) is None


def test_windows_that_are_all_alike_have_no_change() -> None:
    same = np.tile(np.full(11, 5), (8, 1))
    assert change(NAMES[:8], same, np.append(USUAL, 0.0)) is None


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (Shape.SUDDEN, "sudden change since w01"),
        (Shape.GRADUAL, "gradual change since about w01"),
    ],
)
def test_a_change_in_words(shape: Shape, words: str) -> None:
    assert str(Change("w01", shape)) == words


def test_what_happened_within_two_days_before_and_in_the_window_itself_newest_first() -> None:
    day = datetime(2024, 3, 5, tzinfo=UTC)
    noted = [
        Happening(day + timedelta(hours=hours), str(hours)) for hours in (-49, -48, -3, 5, 24, 30)
    ]
    kept = just_before(noted, day, day + timedelta(days=1))
    assert [one.what for one in kept] == ["5", "-3", "-48"]


def test_what_lasts_counts_until_its_end() -> None:
    day = datetime(2024, 3, 5, tzinfo=UTC)
    spans = {"over": (-100, -49), "ends": (-100, -48), "spans": (-100, 90), "ahead": (24, 90)}
    noted = [
        Happening(day + timedelta(hours=begin), name, day + timedelta(hours=end), reported=True)
        for name, (begin, end) in spans.items()
    ]
    kept = just_before(noted, day, day + timedelta(days=1))
    assert [one.what for one in kept] == ["ends", "spans"]


def test_own_events_and_reported_changes_are_told_apart() -> None:
    day = datetime(2024, 3, 5, tzinfo=UTC)
    own = [Happening(day, f"traffic {n}") for n in range(4)]
    others = [Happening(day, f"note: {n}", reported=True) for n in range(5)]
    assert why.told([*others, *own]) == (
        "just before: traffic 0 (2024-03-05 00:00 UTC); traffic 1 (2024-03-05 00:00 UTC); "
        "traffic 2 (2024-03-05 00:00 UTC)"
    )
    assert why.changed([*own, *others]).endswith("note: 2 (2024-03-05 00:00 UTC); and 2 more")
    assert (why.told(others), why.changed(own)) == ("", "")

"""Drift that should be there: a weekend that looks like a weekday."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from monitoring.drift.binning import NumericBins
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch
from monitoring.drift.stuck import stuck
from monitoring.drift.verdict import Policy

NAMES = [f"x{index}" for index in range(10)]
EDGES = ndtri(np.arange(1, 10) / 10)
RULER = Ruler({name: NumericBins(tuple(EDGES.tolist())) for name in NAMES})
ALWAYS = np.array([0.4] * 4 + [0.0] * 6)


class Days:
    def __init__(self) -> None:
        self.rng = np.random.default_rng(8)

    def of(self, shifts: np.ndarray, n: int = 1_000) -> Sketch:
        counts = []
        for shift in shifts:
            below = np.concatenate([[0.0], ndtr(EDGES - shift), [1.0]])
            counts += [*self.rng.multinomial(n, np.diff(below)), 0]
        return Sketch(RULER.id, n, np.array(counts))

    def many(self, shifts: np.ndarray, number: int) -> list[Sketch]:
        return [self.of(shifts) for _ in range(number)]


@pytest.fixture
def days() -> Days:
    return Days()


def found(days: Days, window: Sketch, weekends: int = 8) -> tuple[tuple[str, ...], int]:
    own, usual = days.many(ALWAYS, weekends), days.many(0 * ALWAYS, 20)
    return stuck(RULER, window, own, usual, Policy())


def test_a_weekday_on_a_weekend_is_stuck_in_what_always_differs(days: Days) -> None:
    assert found(days, days.of(0 * ALWAYS)) == (tuple(NAMES[:4]), 4)


def test_a_weekend_as_always_is_not(days: Days) -> None:
    assert found(days, days.of(ALWAYS)) == ((), 4)


def test_one_source_of_several_may_be_stuck(days: Days) -> None:
    assert found(days, days.of(ALWAYS * np.array([0, 0, 1, 1, 1, 1, 1, 1, 1, 1])))[0] == (
        "x0",
        "x1",
    )


def test_drift_to_elsewhere_is_drift_and_not_stuck(days: Days) -> None:
    assert found(days, days.of(3 * ALWAYS))[0] == ()
    assert found(days, days.of(-1.5 * ALWAYS))[0] == ()


def test_with_few_slices_nothing_is_known_to_differ_always(days: Days) -> None:
    assert found(days, days.of(0 * ALWAYS), weekends=7) == ((), 0)


def test_a_window_without_rows_is_not_stuck(days: Days) -> None:
    assert found(days, Sketch(RULER.id, 0, np.zeros(RULER.width, np.int64)))[0] == ()

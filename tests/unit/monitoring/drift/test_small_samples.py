"""Loud changes between samples of a few dozen rows, and of a few dozen against thousands."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from monitoring.drift.assessment import assess
from monitoring.drift.report import FeatureReport
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import sketch
from monitoring.drift.verdict import SEVERITY, Policy


def judged(before: object, after: object) -> FeatureReport:
    reference, current = pa.table({"x": before}), pa.table({"x": after})
    ruler = Ruler.of(reference)
    return assess(ruler, sketch(reference, ruler), sketch(current, ruler), Policy()).features[0]


def spread(rows: int, ties: float, value: float) -> np.ndarray:
    """Numbers from 1 to 9, the first of them one value."""
    return np.where(np.arange(rows) < ties * rows, value, np.linspace(1, 9, rows))


@pytest.mark.parametrize(("m", "n"), [(30, 30), (60, 10_000), (200, 1_000)])
def test_whole_numbers_in_another_unit_have_drifted(m: int, n: int) -> None:
    assert judged(np.arange(m) % 5, 1_000 * (np.arange(n) % 5) + 7).verdict == "drifted"


@pytest.mark.parametrize(("m", "n"), [(30, 100), (3_000, 30), (200, 10_000)])
@pytest.mark.parametrize("levels", [5, 40, 100])
def test_levels_that_are_all_renamed_have_drifted(m: int, n: int, levels: int) -> None:
    if levels * 2 > m:
        pytest.skip("each level has a row or two: there is nothing to hold against")
    before, after = ([f"{name}{i % levels}" for i in range(k)] for name, k in (("a", m), ("b", n)))
    assert judged(before, after).verdict == "drifted"


@pytest.mark.parametrize(("m", "n"), [(80, 80), (75, 10_000), (500, 100), (100, 100)])
@pytest.mark.parametrize("share", [0.2, 0.4])
@pytest.mark.parametrize("end", [0.0, 20.0])
def test_a_tied_end_that_turns_to_a_sentinel_has_drifted(
    m: int, n: int, share: float, end: float
) -> None:
    sentinel = -999.0 if end == 0 else 999.0
    found = judged(spread(m, share, end), spread(n, share, sentinel))
    assert found.verdict == "drifted", found.reason


def test_a_growing_shift_of_counts_is_never_told_less() -> None:
    rng = np.random.default_rng(4)
    before, after = rng.poisson(3, 60), rng.poisson(3, 10_000)
    found = [judged(before, after + shift).verdict for shift in (0, 1, 2, 4, 9, 40, 2_000)]
    places = [SEVERITY.index(verdict) for verdict in found]
    assert places == sorted(places)
    assert found[-1] == "drifted"

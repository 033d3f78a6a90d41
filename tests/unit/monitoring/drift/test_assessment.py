"""From sketches to a report: numbers, verdicts, segments, calibration."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from monitoring.drift.assessment import assess, assess_segments
from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.report import Calibration, FeatureReport, Report
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch, empty, merge, sketch
from monitoring.drift.verdict import Policy

RULER = Ruler({"x": NumericBins((0.0, 1.0)), "s": CategoricalBins(("a", "b"))})


def counted(x: list[int], s: list[int]) -> Sketch:
    """Sketch from counts: x in 3 bins and missing, s in a, b, rest and missing."""
    return Sketch(RULER.id, sum(x), np.array([*x, *s], np.int64))


REFERENCE = counted([400, 300, 300, 0], [600, 400, 0, 0])


def feature(report: Report, name: str, segment: None = None) -> FeatureReport:
    return next(one for one in report.features if (one.name, one.segment) == (name, segment))


def test_numbers_are_in_their_features() -> None:
    report = assess(RULER, REFERENCE, counted([10, 20, 60, 10], [60, 30, 10, 0]), Policy())
    x = feature(report, "x")
    p, q = np.array([400.5, 300.5, 300.5]) / 1001.5, np.array([10.5, 20.5, 60.5]) / 91.5
    assert x.psi == pytest.approx(((q - p) * np.log(q / p)).sum(), abs=1e-12)
    assert x.effect == pytest.approx(x.psi - 2 * (1 / 1000 + 1 / 90), abs=1e-12)
    assert (x.n_current, x.missing_current, x.verdict) == (90, 10, "drifted")
    low, high = x.interval
    assert 0 < low < x.effect < high
    s = feature(report, "s")
    assert [(one.label, one.current) for one in s.bins] == [("a", 60), ("b", 30), ("rest", 10)]
    assert s.verdict == "drifted"


def test_too_few_rows_keep_their_numbers_but_leave_the_family() -> None:
    report = assess(RULER, REFERENCE, counted([1, 2, 6, 0], [8, 1, 0, 0]), Policy())
    x = feature(report, "x")
    assert report.verdict == x.verdict == "insufficient"
    assert x.psi > 0
    assert x.q_value is None


def test_no_rows_at_all() -> None:
    report = assess(RULER, empty(RULER), empty(RULER), Policy())
    assert report.verdict == "insufficient"
    json.dumps(report.to_json(), allow_nan=False)
    nothing = Ruler({})
    assert assess(nothing, empty(nothing), empty(nothing), Policy()).verdict == "insufficient"


def test_what_cannot_be_counted_has_drifted_without_numbers() -> None:
    current = counted([40, 30, 30, 0], [0, 0, 0, 100])
    report = assess(RULER, REFERENCE, current, Policy(), changed={"s": "missing in current"})
    s = feature(report, "s")
    assert report.verdict == s.verdict == "drifted"
    assert (s.reason, s.psi, s.q_value, s.n_current) == ("missing in current", None, None, None)
    assert s.n_reference == 1000
    # the other feature is a family of its own
    assert feature(report, "x").q_value == feature(report, "x").p_value


def test_segments_are_judged_beside_the_whole() -> None:
    current = counted([40, 30, 30, 0], [60, 40, 0, 0])
    shifted = counted([0, 10, 90, 0], [60, 40, 0, 0])
    report = assess_segments(
        RULER,
        {None: REFERENCE, "de": REFERENCE},
        {None: current, "de": shifted, "fr": current},
        Policy(),
    )
    assert [(one.name, one.segment, one.verdict) for one in report.features] == [
        ("x", None, "stable"),
        ("s", None, "stable"),
        ("x", "de", "drifted"),
        ("s", "de", "stable"),
        ("x", "fr", "insufficient"),
        ("s", "fr", "insufficient"),
    ]


def test_a_pair_has_the_numbers_that_it_has_alone() -> None:
    rng = np.random.default_rng(3)
    ruler = Ruler({"s": CategoricalBins(tuple(f"v{index}" for index in range(300)))})

    def drawn(rows: int) -> Sketch:
        return Sketch(ruler.id, rows, np.bincount(rng.integers(0, 300, rows), minlength=302))

    one, other = ((drawn(rows), drawn(900)) for rows in (5_000, 200))
    alone = assess(ruler, *one, Policy()).features[0]
    a, c = ({None: a, "x": b} for a, b in zip(one, other, strict=True))
    both = assess_segments(ruler, a, c, Policy())
    assert both.features[0].interval == alone.interval
    assert (both.features[0].psi, both.features[0].p_value) == (alone.psi, alone.p_value)


def test_an_own_threshold() -> None:
    policy = Policy.model_validate({"features": {"x": {"threshold": 9}}})
    current = counted([10, 20, 70, 0], [60, 40, 0, 0])
    assert feature(assess(RULER, REFERENCE, current, policy), "x").verdict == "drifting"


def test_slices_calibrate_from_eight_on() -> None:
    rng = np.random.default_rng(4)
    table = pa.table({"x": np.repeat(rng.normal(size=400), 10), "s": ["a", "b"] * 2000})
    ruler = Ruler.of(table)
    parts = [sketch(table.slice(start, 200), ruler) for start in range(0, 4000, 200)]
    current = sketch(
        pa.table({"x": np.repeat(rng.normal(size=20), 10), "s": ["a", "b"] * 100}), ruler
    )
    reference = merge(ruler, parts)
    naive = assess(ruler, reference, current, Policy())
    some = assess(ruler, reference, current, Policy(), parts[:7])
    full = assess(ruler, reference, current, Policy(), parts)
    assert naive.calibration is Calibration.ROWS
    assert some.calibration is Calibration.UNCALIBRATED
    assert full.calibration is Calibration.SLICES
    assert feature(full, "x").p_value > 20 * feature(naive, "x").p_value


@pytest.mark.parametrize(
    ("lengths", "rows", "calibration"),
    [
        ([100] * 8, 100, Calibration.SLICES),
        ([100] * 8, 101, Calibration.UNCALIBRATED),
        ([100] * 20, 250, Calibration.SLICES),
        ([100] * 20, 251, Calibration.UNCALIBRATED),
        ([80] * 7 + [160], 160, Calibration.SLICES),
        ([100] * 7, 50, Calibration.UNCALIBRATED),
        ([], 5_000, Calibration.ROWS),
    ],
)
def test_slices_calibrate_windows_no_longer_than_they_are(
    lengths: list[Any], rows: int, calibration: Calibration
) -> None:
    slices = [counted([n // 2, n // 2, 0, 0], [n // 2, n // 2, 0, 0]) for n in lengths]
    current = Sketch(RULER.id, rows, counted([50, 50, 0, 0], [50, 50, 0, 0]).counts)
    assert assess(RULER, REFERENCE, current, Policy(), slices).calibration is calibration

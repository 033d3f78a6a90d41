"""The JSON of a check: what the standard encoder makes of it, without holding the bins."""

from __future__ import annotations

import json

import numpy as np
import pytest

from commands.check.as_json import spelled
from monitoring.drift import histogram
from monitoring.drift.assessment import assess_segments
from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.histogram import BinCount
from monitoring.drift.report import Report
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch
from monitoring.drift.telling import moved
from monitoring.drift.verdict import Policy
from monitoring.schema import Ignored
from tests.doubles.reports import HOSTILE, feature, report, unjudged

LEVELS = tuple(f"v{index}" for index in range(900))
RULER = Ruler(
    {"level": CategoricalBins(LEVELS, groups=200), "x": NumericBins((0.0, 1.0))},
    (Ignored("when", "a date or time"),),
)


def segmented(segments: int) -> Report:
    rng = np.random.default_rng(1)

    def side(rows: int) -> dict[str | None, Sketch]:
        found = {}
        for name in (None, *(f"s{index}" for index in range(segments))):
            levels = np.bincount(rng.integers(0, 900, rows), minlength=1101)
            x = np.bincount(rng.integers(0, 3, rows), minlength=4)
            found[name] = Sketch(RULER.id, rows, np.concatenate([levels, x]))
        return found

    return assess_segments(RULER, side(400), side(200), Policy(), changed={"x": "it is text"})


@pytest.mark.parametrize(
    "given",
    [
        report([]),
        report([feature()]),
        report([feature(bins=()), unjudged("none")], [("at", "a date")], [("id", "an id")]),
        report([feature(name, reason=name, bins=(BinCount(name, 1, 2),)) for name in HOSTILE]),
        report([feature('x\n      "bins": []', segment='\n  "features": []', interval=(0.1, 2.0))]),
        report([feature(n_current=None, missing_current=None, effect=None)]),
        segmented(3),
    ],
    ids=["no features", "one", "no bins", "hostile names", "marks as names", "changed", "segments"],
)
def test_it_is_what_the_standard_encoder_makes_of_the_report(given: Report) -> None:
    whole = json.dumps(given.to_json(), indent=2, allow_nan=False, ensure_ascii=False)
    assert "".join(spelled(given)) == whole


def test_a_number_that_json_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        list(spelled(report([feature(psi=float("nan"))])))


def test_neither_the_report_nor_its_json_nor_its_words_make_an_object_for_each_bin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none(*_: object) -> None:
        raise AssertionError("a bin was made")

    monkeypatch.setattr(histogram, "BinCount", none)
    found = segmented(20)
    assert sum(len(part) for part in spelled(found)) > 21 * 900 * 80
    assert all(moved(one) for one in found.features if one.n_current is not None)
    first, last = found.features[0].bins, found.features[-2].bins
    assert first.labels is last.labels is RULER.features["level"].labels


def test_the_text_comes_a_feature_at_a_time() -> None:
    parts = list(spelled(segmented(20)))
    assert max(map(len, parts)) < sum(map(len, parts)) / 15

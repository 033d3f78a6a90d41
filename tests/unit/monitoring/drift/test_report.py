"""The report as JSON."""

from __future__ import annotations

import json

import numpy as np

from monitoring.drift.assessment import assess
from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch
from monitoring.drift.verdict import Policy

RULER = Ruler({"x": NumericBins((0.0, 1.0)), "s": CategoricalBins(("a", "b"))})


def counted(x: list[int], s: list[int]) -> Sketch:
    """Sketch from counts: x in 3 bins and missing, s in a, b, rest and missing."""
    return Sketch(RULER.id, sum(x), np.array([*x, *s], np.int64))


def test_the_shape_of_the_json() -> None:
    report = assess(
        RULER,
        counted([400, 300, 300, 0], [600, 400, 0, 0]),
        counted([40, 30, 30, 0], [60, 40, 0, 0]),
        Policy(),
    )
    document = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert list(document) == [
        *("verdict", "n_reference", "n_current", "ruler", "unjudged", "ignored", "not_compared"),
        "features",
    ]
    assert (document["ruler"], document["unjudged"]) == (2, [])
    assert (document["verdict"], document["n_reference"], document["n_current"]) == (
        "stable",
        1000,
        100,
    )
    x, s = document["features"]
    assert set(x) == {
        *("name", "segment", "kind", "bins", "n_reference", "n_current", "missing_reference"),
        *("missing_current", "psi", "kl", "js", "effect", "p_value", "q_value", "threshold"),
        *("verdict", "reason", "missing_effect", "interval"),
    }
    assert x["bins"][0] == {"label": "(-inf, 0]", "reference": 400, "current": 40}
    assert [one["label"] for one in s["bins"]] == ["a", "b"]

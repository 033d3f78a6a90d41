"""The telemetry catalogue, walked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from fleet.instruments import ATTRIBUTES, EVENTS, METRICS, SPANS, Instrument

NAME = re.compile(r"driftwarden(\.[a-z_]+)+")
UNIT = re.compile(r"s|%|\{[a-z]+\}")
CATALOGUES: dict[str, Mapping[str, Any]] = {"metrics": METRICS, "spans": SPANS, "events": EVENTS}


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_names_are_told_and_attributes_are_bounded(catalogue: str) -> None:
    shapes = CATALOGUES[catalogue]
    for name, shape in shapes.items():
        assert name == shape.name
        assert NAME.fullmatch(name), name
        assert set(shape.attributes) <= set(ATTRIBUTES), name
        assert shape.description.endswith("."), name


def test_no_attribute_is_left_that_nobody_uses() -> None:
    used = {
        a for shapes in CATALOGUES.values() for shape in shapes.values() for a in shape.attributes
    }
    assert used == set(ATTRIBUTES)
    # What would hold a row, a value or a person.
    assert not used & {"feature", "value", "id", "row", "by", "user", "reason", "run", "alert"}


def test_metrics_have_units_and_spans_their_histograms() -> None:
    assert all(UNIT.fullmatch(metric.unit) for metric in METRICS.values())
    for span in SPANS.values():
        if span.duration:
            metric = METRICS[span.duration]
            assert (metric.instrument, metric.unit) == (Instrument.HISTOGRAM, "s")
            assert set(metric.attributes) <= set(span.attributes)

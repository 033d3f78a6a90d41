"""The telemetry catalogue, walked; and what is measured at a tick."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.loop import Loop
from engine.memory import MemoryStore
from fleet import telemetry
from fleet.document.policies import Fleet
from fleet.domain import FleetDomain
from fleet.ports import World
from fleet.telemetry import ATTRIBUTES, EVENTS, METRICS, SPANS, Instrument, Point, Silent

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
NAME = re.compile(r"driftwarden(\.[a-z_]+)+")
UNIT = re.compile(r"s|%|\{[a-z]+\}")
CATALOGUES = {"metrics": METRICS, "spans": SPANS, "events": EVENTS}


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_names_are_told_and_attributes_are_bounded(catalogue: str) -> None:
    shapes: Mapping[str, Any] = CATALOGUES[catalogue]
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


class Noted(Silent):
    """Keeps what was added."""

    def __init__(self) -> None:
        self.added: list[tuple[str, float, dict[str, str]]] = []

    def add(self, metric: str, value: float, attributes: Mapping[str, str]) -> None:
        self.added.append((metric, value, dict(attributes)))


def test_a_tick_tells_that_it_ran_what_was_measured_and_what_was_given_up_on() -> None:
    noted = Noted()
    found = [Point("driftwarden.window.rows", 7, {"model": "demand"})]
    telemetry.tick(noted, found, {"driftwarden-due-poison": 2})
    assert noted.added == [
        ("driftwarden.heartbeat", 1, {}),
        ("driftwarden.window.rows", 7, {"model": "demand"}),
        ("driftwarden.queue.poison", 2, {"queue": "driftwarden-due-poison"}),
    ]


def test_silence_takes_everything() -> None:
    silent = Silent()
    with silent.span("driftwarden.work", {"partition": "demand"}, "nonsense") as said:
        said["outcome"] = "paid"
        assert silent.traceparent() == ""
    silent.event("driftwarden.halted", {"partition": "demand"})
    telemetry.tick(silent, [])


def test_features_that_moved_are_counted_in_the_newest_assessed_window(
    begun: Any, fleet: Fleet, world: World
) -> None:
    begun.batch("2024-03-04")
    begun.tell(at=NOW + timedelta(days=1))
    begun.tell(begun.assessed("2024-03-04", flagged=("x", "size")))
    loop = Loop(MemoryStore(), FleetDomain(fleet, world), lambda _: None)
    head = loop.head("demand")
    assert telemetry._flagged(head.state) == ()
    assert telemetry._flagged(begun.state) == ("x", "size")

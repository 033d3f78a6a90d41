"""What is measured at a tick."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.loop import Loop
from engine.memory import MemoryStore
from fleet import gauges
from fleet.document.policies import Fleet
from fleet.domain import FleetDomain
from fleet.gauges import Point
from fleet.ports import World
from fleet.telemetry import Silent

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)


class Noted(Silent):
    """Keeps what was added."""

    def __init__(self) -> None:
        self.added: list[tuple[str, float, dict[str, str]]] = []

    def add(self, metric: str, value: float, attributes: Mapping[str, str]) -> None:
        self.added.append((metric, value, dict(attributes)))


def test_a_tick_tells_that_it_ran_what_was_measured_and_what_was_given_up_on() -> None:
    noted = Noted()
    found = [Point("driftwarden.window.rows", 7, {"model": "demand"})]
    gauges.tick(noted, found, {"driftwarden-due-poison": 2})
    assert noted.added == [
        ("driftwarden.heartbeat", 1, {}),
        ("driftwarden.window.rows", 7, {"model": "demand"}),
        ("driftwarden.queue.poison", 2, {"queue": "driftwarden-due-poison"}),
    ]


def test_features_that_moved_are_counted_in_the_newest_assessed_window(
    begun: Any, fleet: Fleet, world: World
) -> None:
    begun.batch("2024-03-04")
    begun.tell(at=NOW + timedelta(days=1))
    begun.tell(begun.assessed("2024-03-04", flagged=("x", "size")))
    loop = Loop(MemoryStore(), FleetDomain(fleet, world), lambda _: None)
    head = loop.head("demand")
    assert gauges._flagged(head.state) == ()
    assert gauges._flagged(begun.state) == ("x", "size")

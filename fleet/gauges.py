"""The gauges of every model, measured once a tick."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from engine import outbox
from engine.head import Head
from engine.loop import Loop
from engine.store import parse_instant
from fleet.document.policies import Fleet
from fleet.model.state import Model
from fleet.partitions import FLEET, ONCALL
from fleet.telemetry import Telemetry
from monitoring.alerts.receivers import unreachable
from monitoring.alerts.routing import OnCall


@dataclass(frozen=True)
class Point:
    """One measured value of one metric."""

    metric: str
    value: float
    attributes: dict[str, str]


def points(loop: Loop, fleet: Fleet, now: datetime) -> Iterator[Point]:
    """Measure every gauge of every model, and what each other partition owes."""
    for name in fleet.models:
        head = loop.head(name)
        yield from _owed(loop, name, head, now)
        yield from _model(name, head.state)
    yield from _owed(loop, FLEET, loop.head(FLEET), now)
    for name in (ONCALL + team for team in fleet.teams):
        head = loop.head(name)
        yield from _owed(loop, name, head, now)
        yield from _team(name, head.state)


def _owed(loop: Loop, partition: str, head: Head, now: datetime) -> Iterator[Point]:
    """Measure a partition; `model` is the name of one that belongs to no model, too."""
    rows = list(outbox.every_unpaid(loop.store, partition))
    ages = [(now - parse_instant(row.text("at"))).total_seconds() for row in rows]
    by_model = {"model": partition}
    yield Point("driftwarden.effects.owed", len(rows), by_model)
    yield Point("driftwarden.effects.oldest", max(ages, default=0.0), by_model)
    yield Point("driftwarden.partition.halted", int(bool(head.halted)), by_model)


def _team(name: str, state: OnCall) -> Iterator[Point]:
    by_model = {"model": name}
    firing = sum(entry.firing for entry in state.alerts.values())
    yield Point("driftwarden.alerts.firing", firing, by_model)
    yield Point("driftwarden.receivers.unreachable", len(unreachable(state.receivers)), by_model)


def _model(name: str, state: Model) -> Iterator[Point]:
    by_model = {"model": name}
    days = [past for _, past in sorted(state.windows.past.items())]
    joined = [past for past in days if past.joined]
    yield Point("driftwarden.alerts.firing", len(state.alerting.live), by_model)
    yield Point("driftwarden.window.rows", days[-1].rows if days else 0, by_model)
    yield Point("driftwarden.window.labelled", joined[-1].labelled if joined else 0, by_model)
    yield Point("driftwarden.lines.bad", state.counts.get("bad", 0), by_model)
    yield Point("driftwarden.drift.flagged", len(_flagged(state)), by_model)
    yield Point("driftwarden.rollout.active", int(state.promotion.active is not None), by_model)
    for version, weight in state.traffic.weights.items():
        yield Point("driftwarden.traffic.weight", weight, {"model": name, "version": version})


def tick(
    telemetry: Telemetry, found: Iterable[Point], poison: Mapping[str, int] | None = None
) -> None:
    """Report that the timer ran, and every gauge; `poison` counts messages by queue."""
    telemetry.add("driftwarden.heartbeat", 1, {})
    for point in found:
        telemetry.add(point.metric, point.value, point.attributes)
    for queue, waiting in (poison or {}).items():
        telemetry.add("driftwarden.queue.poison", waiting, {"queue": queue})


def _flagged(state: Model) -> tuple[str, ...]:
    assessed = [day for day, past in state.windows.past.items() if past.verdict is not None]
    return state.windows.past[max(assessed)].flagged if assessed else ()

"""The telemetry catalogue: every event published and every metric measured, named once.

Attributes have bounded cardinality: names out of fleet.yaml and words of the state machines, never
a feature's value or a row's id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine import outbox
from engine.loop import Loop
from engine.store import parse_instant
from fleet.policies import Fleet
from fleet.state import Model
from retrain.rollout import Phase


class Event(StrEnum):
    """Types of published events, without the prefix `Driftwarden.`."""

    ALERT_FIRING = "alert.firing"
    ALERT_RESOLVED = "alert.resolved"
    RETRAIN_STARTED = "retrain.started"
    ROLLOUT_PROMOTED = "rollout.promoted"
    ROLLOUT_ROLLED_BACK = "rollout.rolled_back"
    ROLLOUT_STOPPED = "rollout.stopped"


@dataclass(frozen=True)
class Metric:
    """One gauge: what it counts, in which unit, by which attributes."""

    name: str
    unit: str
    attributes: tuple[str, ...]
    description: str


METRICS = {
    metric.name: metric
    for metric in (
        Metric("driftwarden.alerts.firing", "{alert}", ("model",), "Alerts that fire now."),
        Metric("driftwarden.effects.owed", "{effect}", ("model",), "Effects not yet paid."),
        Metric("driftwarden.effects.oldest", "s", ("model",), "Age of the oldest unpaid effect."),
        Metric("driftwarden.traffic.weight", "%", ("model", "version"), "Share of live traffic."),
        Metric("driftwarden.window.rows", "{row}", ("model",), "Rows of the newest window."),
        Metric("driftwarden.window.labelled", "{row}", ("model",), "Labels of the newest joined."),
        Metric("driftwarden.rollout.active", "{rollout}", ("model",), "Rollouts under way."),
        Metric("driftwarden.partition.halted", "{partition}", ("model",), "Stopped by a defect."),
    )
}


@dataclass(frozen=True)
class Point:
    """One measured value of one metric."""

    metric: str
    value: float
    attributes: dict[str, str]


def points(loop: Loop, fleet: Fleet, now: datetime) -> Iterator[Point]:
    """Measure every metric of every model."""
    for name in fleet.models:
        head = loop.head(name)
        state: Model = head.state
        by_model = {"model": name}
        owed = outbox.owed(loop.store, loop.domain.effects, name)
        ages = [(now - parse_instant(str(item.row.props["at"]))).total_seconds() for item in owed]
        live = [a for a in state.alerts.values() if a.phase in ("firing", "acknowledged")]
        active = state.rollout is not None and not _over(state.rollout.phase)
        days = [past for _, past in sorted(state.past.items())]
        joined = [past for past in days if past.joined]
        yield Point("driftwarden.alerts.firing", len(live), by_model)
        yield Point("driftwarden.effects.owed", len(owed), by_model)
        yield Point("driftwarden.effects.oldest", max(ages, default=0.0), by_model)
        yield Point("driftwarden.window.rows", days[-1].rows if days else 0, by_model)
        yield Point("driftwarden.window.labelled", joined[-1].labelled if joined else 0, by_model)
        yield Point("driftwarden.rollout.active", int(active), by_model)
        yield Point("driftwarden.partition.halted", int(bool(head.halted)), by_model)
        for version, weight in state.weights.items():
            yield Point("driftwarden.traffic.weight", weight, {"model": name, "version": version})


def _over(phase: Phase) -> bool:
    return phase in (Phase.promoted, Phase.rolled_back, Phase.stopped)

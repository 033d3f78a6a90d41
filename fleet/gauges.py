"""The gauges of every model, measured once a tick."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from engine import outbox
from engine.loop import Loop
from engine.store import parse_instant
from fleet.document.policies import Fleet
from fleet.model.state import Model
from fleet.telemetry import Telemetry


@dataclass(frozen=True)
class Point:
    """One measured value of one metric."""

    metric: str
    value: float
    attributes: dict[str, str]


def points(loop: Loop, fleet: Fleet, now: datetime) -> Iterator[Point]:
    """Measure every gauge of every model."""
    for name in fleet.models:
        head = loop.head(name)
        state: Model = head.state
        by_model = {"model": name}
        owed = outbox.owed(loop.store, loop.domain.effects, name)
        ages = [(now - parse_instant(str(item.row.props["at"]))).total_seconds() for item in owed]
        days = [past for _, past in sorted(state.windows.past.items())]
        joined = [past for past in days if past.joined]
        yield Point("driftwarden.alerts.firing", len(state.alerting.live), by_model)
        yield Point("driftwarden.effects.owed", len(owed), by_model)
        yield Point("driftwarden.effects.oldest", max(ages, default=0.0), by_model)
        yield Point("driftwarden.window.rows", days[-1].rows if days else 0, by_model)
        yield Point("driftwarden.window.labelled", joined[-1].labelled if joined else 0, by_model)
        yield Point("driftwarden.lines.bad", state.counts.get("bad", 0), by_model)
        yield Point("driftwarden.drift.flagged", len(_flagged(state)), by_model)
        yield Point("driftwarden.rollout.active", int(state.promotion.active is not None), by_model)
        yield Point("driftwarden.partition.halted", int(bool(head.halted)), by_model)
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

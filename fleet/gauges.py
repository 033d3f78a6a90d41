"""The gauges of every partition, measured once a tick."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from engine import inbox, outbox
from engine.head import Head
from engine.loop import Loop
from engine.store import parse_instant
from fleet.document.policies import Fleet
from fleet.model.state import Model
from fleet.model.tasks import REPORT
from fleet.partitions import FLEET, ONCALL
from fleet.telemetry import Telemetry
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.receivers import unreachable
from monitoring.alerts.routing import OnCall

#: Called with what could not be measured and why.
Failed = Callable[[str, Exception], None]


@dataclass(frozen=True)
class Point:
    """One measured value of one metric."""

    metric: str
    value: float
    attributes: dict[str, str]


def _only_counted(subject: str, error: Exception) -> None:
    del subject, error


def points(
    loop: Loop, fleet: Fleet, now: datetime, failed: Failed = _only_counted
) -> Iterator[Point]:
    """Measure every gauge of every partition, also of models and teams that left the fleet.

    A partition that cannot be measured is counted, and keeps no other from being measured.
    """
    teams = [ONCALL + team for team in fleet.teams]
    for name in dict.fromkeys([*fleet.models, FLEET, *teams, *loop.store.partitions()]):
        yield from _isolated(name, _partition(loop, fleet, name, now), failed)


def depths(
    places: Mapping[str, Callable[[], int]], failed: Failed = _only_counted
) -> Iterator[Point]:
    """Count what waits for an operator in each queue and container, by its name."""
    for place, waiting in places.items():
        yield from _isolated(place, _depth(place, waiting), failed)


def tick(telemetry: Telemetry, found: Iterable[Point]) -> None:
    """Report every gauge, and then the heartbeat: everything was measured."""
    for point in found:
        telemetry.add(point.metric, point.value, point.attributes)
    telemetry.add("driftwarden.heartbeat", 1, {})


def _isolated(subject: str, found: Iterator[Point], failed: Failed) -> Iterator[Point]:
    """Yield what can be measured of a subject, and whether that is not all."""
    lost = 0
    try:
        yield from found
    except Exception as error:  # noqa: BLE001 - one partition keeps no other from being measured
        lost = 1
        failed(subject, error)
    yield Point("driftwarden.unmeasured", lost, {"subject": subject})


def _depth(place: str, waiting: Callable[[], int]) -> Iterator[Point]:
    yield Point("driftwarden.waiting", waiting(), {"place": place})


def _partition(loop: Loop, fleet: Fleet, name: str, now: datetime) -> Iterator[Point]:
    head, by_partition = loop.head(name), {"partition": name}
    yield Point("driftwarden.partition.halted", int(bool(head.halted)), by_partition)
    yield Point("driftwarden.partition.overdue", _overdue(loop, name, head, now), by_partition)
    yield from _owed(loop, name, now)
    if name in fleet.models:
        yield from _model(name, head.state)
    elif name.startswith(ONCALL) and name.removeprefix(ONCALL) in fleet.teams:
        yield from _team(name, head.state)


def _overdue(loop: Loop, partition: str, head: Head, now: datetime) -> float:
    """Return how long a wake-up or a fact has waited; nothing is due in a halted partition."""
    if head.halted:
        return 0.0
    waits = [head.wake_at, inbox.oldest(loop.store, partition)]
    ages = [(now - since).total_seconds() for since in waits if since is not None]
    return max([0.0, *ages])


def _owed(loop: Loop, partition: str, now: datetime) -> Iterator[Point]:
    rows = list(outbox.every_unpaid(loop.store, partition))
    # A job may draw a report for hours, and nobody waits for it at night.
    hurried = [row for row in rows if not outbox.effect_key(row).startswith(REPORT)]
    ages = [(now - parse_instant(row.text("at"))).total_seconds() for row in hurried]
    yield Point("driftwarden.effects.owed", len(rows), {"partition": partition})
    yield Point("driftwarden.effects.oldest", max(ages, default=0.0), {"partition": partition})


def _team(name: str, state: OnCall) -> Iterator[Point]:
    firing = (entry.notice.severity for entry in state.alerts.values() if entry.firing)
    yield from _firing(name, firing)
    lost = len(unreachable(state.receivers))
    yield Point("driftwarden.receivers.unreachable", lost, {"partition": name})


def _firing(name: str, severities: Iterable[Severity]) -> Iterator[Point]:
    found = Counter(severities)
    for severity in Severity:
        said = {"partition": name, "severity": severity.value}
        yield Point("driftwarden.alerts.firing", found[severity], said)


def _model(name: str, state: Model) -> Iterator[Point]:
    by_model = {"model": name}
    days = [past for _, past in sorted(state.windows.past.items())]
    joined = [past for past in days if past.joined]
    yield from _firing(name, (alert.severity for alert in state.alerting.live))
    yield Point("driftwarden.window.rows", days[-1].rows if days else 0, by_model)
    yield Point("driftwarden.window.labelled", joined[-1].labelled if joined else 0, by_model)
    yield Point("driftwarden.lines.bad", state.counts.get("bad", 0), by_model)
    yield Point("driftwarden.drift.flagged", len(_flagged(state)), by_model)
    yield Point("driftwarden.rollout.active", int(state.promotion.active is not None), by_model)
    for version, weight in state.traffic.weights.items():
        yield Point("driftwarden.traffic.weight", weight, {"model": name, "version": version})


def _flagged(state: Model) -> tuple[str, ...]:
    assessed = [day for day, past in state.windows.past.items() if past.verdict is not None]
    return state.windows.past[max(assessed)].flagged if assessed else ()

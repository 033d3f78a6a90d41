"""What is measured at a tick."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import outbox
from engine.errors import Broken, Unavailable
from engine.head import Head
from engine.loop import Loop
from engine.memory import MemoryStore
from engine.step import Delivery
from engine.store import Row
from fleet import gauges
from fleet.document.policies import Fleet
from fleet.domain import FleetDomain
from fleet.gauges import Point
from fleet.instruments import METRICS
from fleet.model.effects import EFFECTS, Look
from fleet.model.facts import Configured
from fleet.model.slices.alerting import Alerting
from fleet.model.state import Model
from fleet.model.tasks import BuildReport
from fleet.partitions import FLEET
from fleet.ports import World
from fleet.telemetry import Silent
from monitoring.alerts.desk import OnCall
from monitoring.alerts.group import Open
from monitoring.alerts.lifecycle import Alert, Kind, Notify, Phase, Severity, Status
from tests.unit.fleet.desk import Desk

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
BEAT: tuple[str, float, dict[str, str]] = ("driftwarden.heartbeat", 1, {})
EVERY = ("demand", "fraud", FLEET, "oncall:shop")


class Noted(Silent):
    """Keeps what was added."""

    def __init__(self) -> None:
        self.added: list[tuple[str, float, dict[str, str]]] = []

    def add(self, metric: str, value: float, attributes: Mapping[str, str]) -> None:
        self.added.append((metric, value, dict(attributes)))


class Faulty(MemoryStore):
    """A store in which one partition cannot be read."""

    def __init__(self, partition: str, error: Exception) -> None:
        super().__init__()
        self.partition, self.error = partition, error

    def scan(self, partition: str, prefix: str, **more: Any) -> list[Row]:
        if partition == self.partition:
            raise self.error
        return super().scan(partition, prefix, **more)


def valued(found: Iterator[Point], metric: str, of: str = "") -> dict[str, float]:
    """The values of one metric by one of its attributes, the first by default."""
    of = of or METRICS[metric].attributes[0]
    return {point.attributes[of]: point.value for point in found if point.metric == metric}


def measured(desk: Desk, metric: str) -> dict[str, float]:
    return valued(gauges.points(desk.service.loop, desk.fleet, desk.clock.moment), metric)


def test_a_tick_tells_what_was_measured_and_at_its_end_that_it_ran() -> None:
    noted = Noted()
    gauges.tick(noted, [Point("driftwarden.window.rows", 7, {"model": "demand"})])
    assert noted.added == [("driftwarden.window.rows", 7, {"model": "demand"}), BEAT]


def test_a_tick_that_breaks_off_has_no_heartbeat() -> None:
    def found() -> Iterator[Point]:
        yield Point("driftwarden.window.rows", 7, {"model": "demand"})
        raise Unavailable("the store does not answer")

    noted = Noted()
    with pytest.raises(Unavailable):
        gauges.tick(noted, found())
    assert BEAT not in noted.added


FAULTS: dict[str, tuple[str, Exception]] = {
    "a row that lacks a property": ("demand", KeyError("at")),
    "an instant that is none": ("fraud", ValueError("Invalid isoformat string: 'soon'")),
    "content of another type": ("demand", Broken("out:1.body holds str, not bytes")),
    "a partition that is throttled": ("fraud", Unavailable("HTTP 503", timedelta(seconds=30))),
    "a team": ("oncall:shop", AttributeError("no attribute 'alerts'")),
    "the fleet's own partition": (FLEET, ZeroDivisionError("division by zero")),
    "a model that left": ("gone", TypeError("not a mapping")),
}


@pytest.mark.parametrize(("partition", "error"), FAULTS.values(), ids=FAULTS)
def test_a_partition_that_cannot_be_measured_takes_no_other_with_it(
    fleet: Fleet, world: World, partition: str, error: Exception
) -> None:
    store = Faulty(partition, error)
    loop = Loop(store, FleetDomain(fleet, world), lambda _: None)
    loop.deliver(Delivery("gone", "p", Configured("")), NOW)
    told: list[tuple[str, Exception]] = []
    points = list(gauges.points(loop, fleet, NOW, lambda *fault: told.append(fault)))
    assert told == [(partition, error)]
    lost = valued(iter(points), "driftwarden.unmeasured", "subject")
    assert lost == {name: int(name == partition) for name in (*EVERY, "gone")}
    owed = valued(iter(points), "driftwarden.effects.owed")
    assert owed.keys() == {*EVERY, "gone"} - {partition}


def test_a_report_that_a_job_draws_for_hours_is_not_late(fleet: Fleet, world: World) -> None:
    loop = Loop(MemoryStore(), FleetDomain(fleet, world), lambda _: None)
    report = BuildReport("2026-05-01", "drift-1", (), "blob", ())
    look = Look(NOW)
    for hours, effect in ((3, report), (1, look)):
        since = NOW - timedelta(hours=hours)
        loop.store.commit("demand", outbox.insert(EFFECTS, hours, [effect], since))
    points = list(gauges.points(loop, fleet, NOW))
    assert valued(iter(points), "driftwarden.effects.owed")["demand"] == 2
    assert valued(iter(points), "driftwarden.effects.oldest")["demand"] == 3600


@pytest.mark.parametrize("error", [Unavailable("HTTP 503"), KeyError("at"), OSError("reset")])
def test_a_place_that_cannot_be_counted_hides_no_other(error: Exception) -> None:
    def fail() -> int:
        raise error

    places: dict[str, Callable[[], int]] = {"a-poison": lambda: 2, "b": fail, "deadletter": int}
    found = list(gauges.depths(places))
    assert valued(iter(found), "driftwarden.waiting", "place") == {"a-poison": 2, "deadletter": 0}
    lost = valued(iter(found), "driftwarden.unmeasured", "subject")
    assert lost == {"a-poison": 0, "b": 1, "deadletter": 0}


@pytest.mark.parametrize(
    ("error", "notices"),
    [
        (Unavailable("HTTP 503"), []),
        (KeyError("at"), ["the gauges of demand could not be measured: KeyError: 'at'"]),
        (Broken("damaged"), ["the gauges of demand could not be measured: damaged"]),
    ],
)
def test_a_defect_is_told_to_the_teams_once_an_hour(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception, notices: list[str]
) -> None:
    def broken(name: str, state: object) -> Iterator[Point]:
        del state
        if name == "demand":
            raise error
        yield from ()

    monkeypatch.setattr(gauges, "_model", broken)
    for _ in range(2):
        desk.service.measure({})
        desk.settle()
    assert [line["reason"] for line in desk.said(FLEET, "noticed")] == notices
    desk.clock.moment += timedelta(hours=1)
    desk.service.measure({})
    desk.settle()
    assert len(desk.said(FLEET, "noticed")) == 2 * len(notices)


def waits(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


#: Wake-up of a head, arrival of its facts, whether it is halted, and the minutes it is overdue.
OVERDUE: dict[str, tuple[datetime | None, tuple[datetime, ...], str, float]] = {
    "nothing to do": (None, (), "", 0),
    "it wakes later": (waits(-5), (), "", 0),
    "its wake-up passed": (waits(20), (), "", 20),
    "a fact waits, and nothing wakes it": (None, (waits(7),), "", 7),
    "the older fact counts": (None, (waits(3), waits(40), waits(5)), "", 40),
    "the longer wait counts": (waits(2), (waits(9),), "", 9),
    "a fact of the future": (None, (waits(-1),), "", 0),
    "it is halted on purpose": (waits(20), (waits(20),), "a defect", 0),
}


@pytest.mark.parametrize(("wake", "facts", "halted", "minutes"), OVERDUE.values(), ids=OVERDUE)
def test_work_that_nobody_takes_up_is_overdue(
    fleet: Fleet,
    world: World,
    wake: datetime | None,
    facts: tuple[datetime, ...],
    halted: str,
    minutes: float,
) -> None:
    loop = Loop(MemoryStore(), FleetDomain(fleet, world), lambda _: None)
    for arrived in facts:
        loop.deliver(Delivery("demand", str(arrived), Configured("")), arrived)
    head = Head(loop.head("demand").state, wake_at=wake, halted=halted)
    assert gauges._overdue(loop, "demand", head, NOW) == minutes * 60


def test_a_queue_that_nobody_reads_is_seen_although_the_timer_ticks(desk: Desk) -> None:
    desk.service.loop.deliver(Delivery("demand", "p", Configured("")), NOW)
    desk.clock.moment = NOW + timedelta(minutes=30)
    desk.service.tick()
    assert measured(desk, "driftwarden.partition.overdue")["demand"] >= 1800
    desk.settle()
    assert measured(desk, "driftwarden.partition.overdue")["demand"] == 0


def opened(name: str, severity: Severity, status: Status = Status.FIRING) -> Open:
    key = f"demand:{name}:{status}:1"
    notice = Notify(key, "demand", name, Kind.DRIFT, severity, status, "x drifted", NOW)
    return Open(notice, NOW)


PAGE, TICKET = Severity.PAGE, Severity.TICKET
#: Severities of the alerts that fire, and of those that are over; and what is counted.
FIRING: dict[str, tuple[list[Severity], list[Severity], dict[str, int]]] = {
    "none": ([], [], {"page": 0, "ticket": 0}),
    "a page": ([PAGE], [], {"page": 1, "ticket": 0}),
    "a ticket": ([TICKET], [], {"page": 0, "ticket": 1}),
    "both": ([PAGE, TICKET, PAGE], [], {"page": 2, "ticket": 1}),
    "a page that is over": ([], [PAGE], {"page": 0, "ticket": 0}),
    "a ticket beside a page that is over": ([TICKET], [PAGE], {"page": 0, "ticket": 1}),
}


@pytest.mark.parametrize(("firing", "over", "counted"), FIRING.values(), ids=FIRING)
def test_alerts_are_counted_by_severity_also_where_none_fires(
    firing: list[Severity], over: list[Severity], counted: dict[str, int]
) -> None:
    every = [(one, Phase.FIRING, Status.FIRING) for one in firing]
    every += [(one, Phase.RESOLVED, Status.RESOLVED) for one in over]
    team = OnCall("shop", {str(n): opened(str(n), s, end) for n, (s, _, end) in enumerate(every)})
    alerts = {
        str(n): Alert("demand", str(n), Kind.DRIFT, phase, severity, "x drifted", NOW)
        for n, (severity, phase, _) in enumerate(every)
    }
    model = Model(alerting=Alerting(alerts))
    for found in (gauges._team("oncall:shop", team), gauges._model("demand", model)):
        assert valued(found, "driftwarden.alerts.firing", "severity") == counted


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

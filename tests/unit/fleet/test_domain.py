"""Which partition steps how: models, teams, the fleet's own, and those that nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.step import Delivery
from fleet.desk import Desk
from fleet.document.policies import Fleet
from fleet.domain import FleetDomain
from fleet.model.effects import SendPage
from fleet.model.facts import Asked, Declined, Delayed, Notified, Parked
from fleet.model.state import Model
from fleet.model.tasks import ReadLabels
from fleet.partitions import FLEET
from fleet.ports import World
from monitoring.alerts.lifecycle import Notify, Severity, Status
from monitoring.alerts.paging import Event, Page
from monitoring.alerts.reach import Delivered, Undelivered
from monitoring.alerts.routing import OnCall

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
PAGE = Page("k", "duty", Event.FIRING, Severity.PAGE, "t", (), (), "shop:drift-1")
TICKET = replace(PAGE, severity=Severity.TICKET)


@pytest.fixture
def domain(fleet: Fleet, world: World) -> FleetDomain:
    return FleetDomain(fleet, world)


def test_every_partition_has_its_own_kind_of_state(domain: FleetDomain) -> None:
    assert (domain.shape("demand"), domain.initial("demand")) == (Model, Model())
    assert (domain.shape("oncall:shop"), domain.initial("oncall:shop")) == (OnCall, OnCall("shop"))
    assert (domain.shape(FLEET), domain.initial(FLEET)) == (Desk, Desk())


@pytest.mark.parametrize(
    ("partition", "reason"),
    [
        ("gone", "model gone is not in fleet.yaml"),
        ("oncall:gone", "team gone is not in fleet.yaml"),
    ],
)
def test_facts_for_nobody_are_written_down(
    domain: FleetDomain, partition: str, reason: str
) -> None:
    state = domain.initial(partition)
    done = domain.step(partition, state, [Asked("retrain", "x", "y", "c")], NOW)
    assert done.state is state
    assert done.lines == ({"what": "parked", "id": "asked", "reason": reason},)


@pytest.mark.parametrize("partition", ["gone", "oncall:gone"])
@pytest.mark.parametrize(
    "fact",
    [
        Delayed("read_labels", "k", "model gone is not in fleet.yaml"),
        Delayed("read_labels", "k", ""),
        Undelivered(PAGE, "the service is down"),
        Undelivered(TICKET, "the service is down"),
        Delivered("duty", "shop:drift-1"),
    ],
)
def test_attempts_that_nobody_waits_for_are_not_written_down(
    domain: FleetDomain, partition: str, fact: Delayed | Undelivered | Delivered
) -> None:
    done = domain.step(partition, domain.initial(partition), [fact], NOW)
    assert (done.effects, done.lines) == ((), ())


@pytest.mark.parametrize(
    ("fact", "name"),
    [
        (Declined("read_labels", "k", "no file"), "declined"),
        (Undelivered(PAGE, "HTTP 404", permanent=True), "undelivered"),
    ],
)
def test_refusals_that_nobody_waits_for_are_written_down(
    domain: FleetDomain, fact: Declined | Undelivered, name: str
) -> None:
    (line,) = domain.step("oncall:gone", OnCall("gone"), [fact], NOW).lines
    assert (line["what"], line["id"]) == ("parked", name)


def test_a_refused_effect_names_its_kind_and_key(domain: FleetDomain) -> None:
    effect = ReadLabels("l", 5, 9, {}, "o")
    assert domain.refused(effect, "no file") == Declined("read_labels", effect.key, "no file")


def test_a_page_that_is_refused_is_undelivered_for_good(domain: FleetDomain) -> None:
    told = domain.refused(SendPage(PAGE, NOW), "HTTP 404")
    assert told == Undelivered(PAGE, "HTTP 404", permanent=True)


@pytest.mark.parametrize(
    ("attempts", "reason", "report", "fact"),
    [
        (0, "", False, None),
        (0, "", True, Delivered("duty", "shop:drift-1")),
        (3, "", False, Delivered("duty", "shop:drift-1")),
        (0, "HTTP 503", False, Undelivered(TICKET, "HTTP 503")),
        (0, "HTTP 503", True, Undelivered(TICKET, "HTTP 503")),
        (1, "HTTP 503", False, None),
        (9, "HTTP 503", False, None),
        (10, "HTTP 503", False, Undelivered(TICKET, "HTTP 503")),
    ],
)
def test_a_team_hears_of_failures_and_of_success_after_them(
    domain: FleetDomain,
    attempts: int,
    reason: str,
    report: bool,
    fact: Undelivered | Delivered | None,
) -> None:
    assert domain.attempted(SendPage(TICKET, NOW, report), attempts, reason) == fact


def test_only_pages_are_urgent_and_reported(domain: FleetDomain) -> None:
    labels = ReadLabels("l", 5, 9, {}, "o")
    effects = (SendPage(PAGE, NOW), SendPage(TICKET, NOW), labels)
    assert [domain.urgent(effect) for effect in effects] == [True, False, False]
    assert domain.attempted(labels, 0, "no file") is None


def notice(told: Delivery) -> Notify:
    assert isinstance(told.fact, Notified)
    return told.fact.notice


def test_a_halted_model_pages_its_team_until_it_is_resumed(domain: FleetDomain) -> None:
    (told,) = domain.halted("demand", "a defect", NOW)
    assert told.partition == "oncall:shop"
    fired = notice(told)
    assert (fired.severity, fired.status) == (Severity.PAGE, Status.FIRING)
    assert fired.reason == "demand is stopped by a defect and waits to be resumed: a defect"
    (over,) = domain.resumed("demand", NOW, NOW + timedelta(hours=1))
    ended = notice(over)
    assert (over.partition, ended.status) == ("oncall:shop", Status.RESOLVED)
    assert ended.id == fired.id
    assert over.id != told.id


def test_a_halt_that_has_no_team_of_its_own_pages_every_team_that_can_be_reached(
    resolve: Callable[..., Fleet], world: World
) -> None:
    alone = FleetDomain(resolve(), world)
    (noted,) = alone.halted("oncall:shop", "a defect", NOW)
    assert noted.partition == FLEET
    assert isinstance(noted.fact, Parked)
    two = replace(alone.fleet, teams={**alone.fleet.teams, "ops": alone.fleet.teams["shop"]})
    domain = FleetDomain(two, world)
    assert [t.partition for t in domain.halted("oncall:shop", "x", NOW)] == ["oncall:ops"]
    everybody = ["oncall:ops", "oncall:shop"]
    assert sorted(told.partition for told in domain.halted(FLEET, "x", NOW)) == everybody
    (left,) = domain.halted("gone", "x", NOW)
    assert left.partition == FLEET

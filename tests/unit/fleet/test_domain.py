"""Which partition steps how: models, teams, the fleet's own, and those that nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import Refused
from engine.step import Delivery
from fleet.desk import Desk
from fleet.document.policies import Fleet
from fleet.domain import FleetDomain
from fleet.model.facts import Asked, Declined, Fact, LogGrew, Notified, Parked, Unrecognised
from fleet.model.records import Collection
from fleet.model.state import Model
from fleet.model.tasks import ReadLabels
from fleet.partitions import FLEET
from fleet.ports import World
from monitoring.alerts.lifecycle import Notify, Severity, Status
from monitoring.alerts.routing import OnCall

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)


@pytest.fixture
def domain(fleet: Fleet, world: World) -> FleetDomain:
    return FleetDomain(fleet, world)


def test_every_partition_has_its_own_kind_of_state(domain: FleetDomain) -> None:
    assert (domain.shape("demand"), domain.initial("demand")) == (Model, Model())
    assert (domain.shape("oncall:shop"), domain.initial("oncall:shop")) == (OnCall, OnCall("shop"))
    assert (domain.shape(FLEET), domain.initial(FLEET)) == (Desk, Desk())


def test_unknown_types_are_written_down_once_and_what_is_parked_always(domain: FleetDomain) -> None:
    facts: list[Fact] = [
        Unrecognised("A", "s"),
        Unrecognised("A", "t"),
        Parked("1", "r"),
        Parked("1", "r"),
    ]
    done = domain.step(FLEET, Desk(), facts, NOW)
    assert done.state == Desk(("A",), 2)
    assert [line["what"] for line in done.lines] == ["unknown", "parked", "parked"]
    assert (done.effects, done.wake_at) == ((), None)
    with pytest.raises(Refused, match="the fleet's partition does not take LogGrew"):
        domain.step(FLEET, Desk(), [LogGrew("a", 1, Collection.inputs)], NOW)


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


def test_a_refused_effect_names_its_kind_and_key(domain: FleetDomain) -> None:
    effect = ReadLabels("l", 5, 9, {}, "o")
    assert domain.refused(effect, "no file") == Declined("read_labels", effect.key, "no file")


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

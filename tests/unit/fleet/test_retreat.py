"""A retreat on the real loop: what is unpaid before it neither holds it up nor undoes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Refused, Unavailable
from engine.outbox import unpaid
from engine.step import Delivery
from fleet.document.policies import Fleet
from fleet.model.facts import Asked, Gated, Registered
from fleet.model.tasks import Gate
from fleet.ports import World
from fleet.work import gating
from hosts.local.models.splits import Splits
from retrain.gate import Decision, Verdict
from retrain.ports import Traffic
from tests.unit.fleet.desk import Desk


@dataclass
class Failing:
    """The local traffic files behind a fault: it is asked before each call."""

    splits: Splits
    fault: Callable[[str, Traffic | None], None] = lambda verb, traffic: None
    tried: list[dict[str, int]] = field(default_factory=list)

    def set_traffic(
        self, model: str, traffic: Traffic, key: str, replaces: tuple[str, ...] = ()
    ) -> None:
        self.tried.append(traffic.weights)
        self.fault("set", traffic)
        self.splits.set_traffic(model, traffic, key, replaces)

    def traffic(self, model: str) -> Traffic | None:
        self.fault("look", None)
        return self.splits.traffic(model)


@pytest.fixture
def serving(tmp_path: Path) -> Failing:
    return Failing(Splits(tmp_path))


@pytest.fixture
def desk(fleet: Fleet, world: World, serving: Failing, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """`demand` with v1 live; a version that is registered passes its gate at once."""

    def passed(_: World, __: object, effect: Gate) -> Gated:
        decision = Decision(Verdict.passed, "better")
        return Gated(effect.id, effect.version, decision, "scores", 0.2)

    monkeypatch.setattr(gating, "gate_version", passed)
    made = Desk(fleet, replace(world, serving=serving))
    made.service.begin()
    made.settle()
    assert serving.splits.traffic("demand") == Traffic({"v1": 100})
    return made


def tell(desk: Desk, fact: Any, name: str) -> None:
    desk.service.loop.deliver(Delivery("demand", name, fact), desk.clock.moment)
    desk.settle()


def later(desk: Desk, **passed: int) -> None:
    desk.clock.moment += timedelta(**passed)
    desk.service.tick()
    desk.settle()


def canary(desk: Desk, version: str = "v2") -> None:
    tell(desk, Registered(version, waived_by="m.okafor", reason="known well"), f"new:{version}")
    assert desk.service.loop.head("demand").state.promotion.rollout.phase == "canary"


def held(desk: Desk) -> dict[str, int]:
    found = desk.world.serving.traffic("demand")
    return found.weights if found is not None else {}


def _advance(verb: str, traffic: Traffic | None) -> None:
    """Whoever sets a split with a challenger in it waits for the challenger's deployment."""
    if traffic is not None and len(traffic.weights) > 1:
        raise Unavailable("deployment v2 is creating")


def _hangs_for_hours(verb: str, traffic: Traffic | None) -> None:
    if traffic is not None and len(traffic.weights) > 1:
        raise Unavailable("deployment v2 is creating", timedelta(hours=5))


def _advance_refused(verb: str, traffic: Traffic | None) -> None:
    if traffic is not None and len(traffic.weights) > 1:
        raise Refused("deployment v2 failed")


def _defect(verb: str, traffic: Traffic | None) -> None:
    if traffic is not None and len(traffic.weights) > 1:
        raise KeyError("deployment")


def _full(verb: str, traffic: Traffic | None) -> None:
    if traffic is not None and len(traffic.weights) > 1:
        raise OSError(28, "No space left on device")


FAULTS = (_advance, _hangs_for_hours, _advance_refused, _defect, _full)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.__name__)
def test_a_failing_advance_neither_holds_the_retreat_nor_comes_after_it(
    desk: Desk, serving: Failing, fault: Callable[[str, Traffic | None], None]
) -> None:
    serving.fault = fault
    try:
        canary(desk)
    except (KeyError, OSError):
        desk.settle()
    before = len(serving.tried)
    try:
        tell(desk, Asked("rollback", "g.hopper", "customers complain", "c1"), "c1")
    except (KeyError, OSError):
        desk.settle()
    assert {"v1": 100} in serving.tried[before:]
    assert held(desk) == {"v1": 100}
    # The service works again, and what was unpaid is tried: it is too late.
    serving.fault = lambda verb, traffic: None
    for _ in range(8):
        later(desk, hours=1)
    assert held(desk) == {"v1": 100}
    state = desk.service.loop.head("demand").state
    assert state.traffic.weights == {"v1": 100}
    assert not state.traffic.wanted.owed
    lanes = [row.props["lane"] for row in unpaid(desk.store, "demand")]
    assert not {"traffic", "retreat"} & set(lanes)


def test_a_look_that_finds_nobody_does_not_hold_the_retreat(desk: Desk, serving: Failing) -> None:
    canary(desk)
    assert held(desk) == {"v1": 80, "v2": 20}

    def blind(verb: str, traffic: Traffic | None) -> None:
        if verb == "look":
            raise Unavailable("endpoint: 503", timedelta(hours=2))

    serving.fault = blind
    later(desk, hours=7)
    tell(desk, Asked("rollback", "g.hopper", "customers complain", "c1"), "c1")
    assert serving.splits.traffic("demand") == Traffic({"v1": 100})


def test_a_retreat_that_is_paid_late_does_not_undo_the_next_rollout(
    desk: Desk, serving: Failing
) -> None:
    canary(desk)

    def no_way_back(verb: str, traffic: Traffic | None) -> None:
        if traffic is not None and traffic.retreat:
            raise Unavailable("endpoint: 503", timedelta(hours=3))

    serving.fault = no_way_back
    tell(desk, Asked("rollback", "g.hopper", "customers complain", "c1"), "c1")
    assert held(desk) == {"v1": 80, "v2": 20}
    canary(desk, "v3")
    assert held(desk) == {"v1": 80, "v3": 20}
    serving.fault = lambda verb, traffic: None
    for _ in range(5):
        later(desk, hours=1)
    assert held(desk) == {"v1": 80, "v3": 20}
    assert desk.service.loop.head("demand").state.promotion.rollout.phase == "canary"


def test_a_first_split_refused_for_want_of_a_version_is_set_when_there_is_one(
    fleet: Fleet, world: World, serving: Failing
) -> None:
    registered: list[str] = []

    def registry(verb: str, traffic: Traffic | None) -> None:
        if not registered:
            raise Refused("demand v1: not in the registry")

    serving.fault = registry
    made = Desk(fleet, replace(world, serving=serving))
    made.service.begin()
    made.settle()
    for _ in range(3):
        later(made, hours=6)
    assert serving.splits.traffic("demand") is None
    registered.append("v1")
    later(made, hours=6)
    assert serving.splits.traffic("demand") == Traffic({"v1": 100})
    assert made.said("demand", "traffic")[-1]["weights"] == {"v1": 100}

"""What the telemetry hears of a domain at work."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import journal
from engine.errors import Broken, Refused, Unavailable
from engine.loop import Loop
from engine.memory import MemoryStore
from engine.step import Delivery
from fleet.desk import Desk
from fleet.document.policies import Fleet
from fleet.domain import FleetDomain
from fleet.instruments import EVENTS, METRICS, SPANS
from fleet.model.effects import Publish, SetTraffic
from fleet.model.facts import Configured, Declined, Fact, Parked
from fleet.partitions import FLEET
from fleet.ports import World
from fleet.published import Event
from fleet.telemetry import Silent
from fleet.traced import Traced, doorbell

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
STARTED: dict[str, Any] = {"run": "r1", "trigger": "drift", "reason": "secret 4.2", "days": 3}
PUBLISH = Publish("k", Event.RETRAIN_STARTED, STARTED, NOW)


class Heard:
    """Telemetry kept in order, after checking it against the catalogue."""

    def __init__(self) -> None:
        self.added: list[tuple[str, float, dict[str, str]]] = []
        self.events: list[tuple[str, dict[str, str]]] = []
        self.spans: list[tuple[str, dict[str, str], str]] = []

    @contextmanager
    def span(
        self, name: str, attributes: Mapping[str, str], parent: str = ""
    ) -> Iterator[dict[str, str]]:
        said = dict(attributes)
        try:
            yield said
        finally:
            assert set(said) == set(SPANS[name].attributes)
            self.spans.append((name, said, parent))

    def add(self, metric: str, value: float, attributes: Mapping[str, str]) -> None:
        assert set(attributes) == set(METRICS[metric].attributes)
        self.added.append((metric, value, dict(attributes)))

    def event(self, name: str, attributes: Mapping[str, str]) -> None:
        assert set(attributes) <= set(EVENTS[name].attributes)
        self.events.append((name, dict(attributes)))

    def traceparent(self) -> str:
        return "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    def counted(self, metric: str) -> list[tuple[float, dict[str, str]]]:
        return [(value, said) for name, value, said in self.added if name == metric]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def traced(fleet: Fleet, world: World, heard: Heard) -> Traced:
    return Traced(FleetDomain(fleet, world), heard)


def raising(world: World, error: Exception) -> World:
    """A world whose publisher fails in one way."""

    class Publisher:
        def publish(self, *_: Any) -> None:
            raise error

    return replace(world, publisher=Publisher())


def test_a_domain_behaves_as_it_does_untraced(fleet: Fleet, world: World, traced: Traced) -> None:
    plain = FleetDomain(fleet, world)
    watched = fleet.models["demand"]
    facts = [Configured(watched.hash)]
    for partition in ("demand", "oncall:shop", FLEET):
        assert traced.shape(partition) is plain.shape(partition)
        assert traced.initial(partition) == plain.initial(partition)
    state = plain.initial("demand")
    assert traced.step("demand", state, facts, NOW) == plain.step("demand", state, facts, NOW)
    assert traced.refused(PUBLISH, "no") == Declined("publish", "k", "no")
    assert traced.halted("demand", "why", NOW) == plain.halted("demand", "why", NOW)
    assert (traced.version, traced.facts, traced.effects) == (
        plain.version, plain.facts, plain.effects,
    )  # fmt: skip


def test_facts_are_counted_by_kind(traced: Traced, heard: Heard) -> None:
    facts: list[Fact] = [Parked("e1", "no type"), Parked("e2", "no id")]
    traced.step(FLEET, Desk(), facts, NOW)
    assert heard.counted("driftwarden.facts.settled") == [
        (2, {"partition": FLEET, "fact": "parked"})
    ]
    traced.step(FLEET, Desk(), [], NOW)
    assert len(heard.added) == 1


def test_a_paid_event_is_told_by_its_words_alone(traced: Traced, heard: Heard) -> None:
    traced.perform("demand", PUBLISH, NOW)
    said = {"partition": "demand", "effect": "publish", "outcome": "paid"}
    assert heard.spans == [("driftwarden.effect", said, "")]
    assert heard.counted("driftwarden.effects.paid") == [(1, said)]
    assert heard.events == [
        ("driftwarden.retrain.started", {"model": "demand", "trigger": "drift"})
    ]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Unavailable("later", timedelta(seconds=5)), "postponed"),
        (Refused("never"), "refused"),
        (Broken("defect"), "failed"),
        (ValueError("defect"), "failed"),
    ],
)
def test_every_attempt_has_its_outcome_and_raises_on(
    fleet: Fleet, world: World, heard: Heard, error: Exception, outcome: str
) -> None:
    traced = Traced(FleetDomain(fleet, raising(world, error)), heard)
    with pytest.raises(type(error)):
        traced.perform("demand", PUBLISH, NOW)
    said = {"partition": "demand", "effect": "publish", "outcome": outcome}
    assert heard.counted("driftwarden.effects.paid") == [(1, said)]
    declined = ("driftwarden.declined", {"partition": "demand", "effect": "publish"})
    assert heard.events == ([declined] if outcome == "refused" else [])


def test_an_event_refused_for_good_is_journalled_counted_and_a_ticket(
    fleet: Fleet, world: World, heard: Heard
) -> None:
    refusing = raising(world, Refused("topic: 403; give the app's identity the role"))
    store = MemoryStore()
    rung: list[str] = []
    loop = Loop(store, Traced(FleetDomain(fleet, refusing), heard), rung.append)
    # There is no reference table: an alert says so, and what publishes that is refused.
    loop.deliver(Delivery("demand", "policy", Configured(fleet.models["demand"].hash)), NOW)
    loop.drain("demand", NOW)
    lines = [line for record in journal.read(store, "demand") for line in record.lines]
    refused = [line["id"] for line in lines if line["what"] == "refused"]
    # The alert about that is refused as well, and there it ends.
    assert refused == [
        "reference:v1:file",
        "alert:demand:refused-build-reference-1:firing:1",
        "alert:demand:refused-publish-1:firing:1",
    ]
    state = loop.head("demand").state
    assert state.counts["declined"] == 3
    alert = state.alerting.alerts["refused-publish"]
    assert (alert.phase, alert.severity) == ("firing", "ticket")
    assert alert.reason.startswith("publish was refused: topic: 403")
    declined = [said["effect"] for name, said in heard.events if name == "driftwarden.declined"]
    assert declined == ["build_reference", "publish", "publish"]


def test_a_halt_is_told(traced: Traced, heard: Heard) -> None:
    traced.halted("demand", "it raised", NOW)
    assert heard.events == [("driftwarden.halted", {"partition": "demand"})]


def test_other_effects_are_no_events(traced: Traced, heard: Heard) -> None:
    traced.perform("demand", SetTraffic("k", {"v1": 100}, ()), NOW)
    assert heard.events == []
    assert heard.spans[0][1]["effect"] == "set_traffic"


def test_the_doorbell_carries_the_trace_where_there_is_one(heard: Heard) -> None:
    assert json.loads(doorbell("demand", heard)) == {
        "partition": "demand",
        "traceparent": heard.traceparent(),
    }
    assert doorbell("demand", Silent()) == '{"partition": "demand"}'

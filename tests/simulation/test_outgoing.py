"""What leaves the app in a whole story: events as documented, telemetry as catalogued."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from engine.codec import kind_of
from fleet import gauges
from fleet.document.policies import Fleet
from fleet.domain import FleetDomain
from fleet.instruments import EVENTS, METRICS, SPANS
from fleet.model.effects import EFFECTS
from fleet.model.facts import FACTS
from fleet.partitions import FLEET
from fleet.ports import Publisher, World
from fleet.published import CATALOGUE, PREFIX, document
from fleet.traced import Traced
from hosts.azure.telemetry import AzureTelemetry
from tests.doubles.insights import Insights
from tests.simulation import play, story
from tests.simulation.boundary import Boundary

SCHEMAS = Path(__file__).parents[2] / "docs" / "events"


@dataclass
class Read:
    """Passes events on and keeps them as a reader gets them."""

    publisher: Publisher
    documents: list[dict[str, Any]] = field(default_factory=list)

    def publish(
        self, key: str, kind: str, subject: str, fields: dict[str, object], at: datetime
    ) -> None:
        self.publisher.publish(key, kind, subject, fields, at)
        self.documents.append(json.loads(json.dumps(document(key, kind, subject, fields, at))))


#: Counters of what others send, which is in no story: tests/unit/fleet/test_service.py.
OF_OTHERS = {
    "driftwarden.events.foreign",
    "driftwarden.azure_alerts.ignored",
    "driftwarden.input.odd",
}


@dataclass
class Outgoing:
    """What one story sent out: its events, and every item of telemetry."""

    documents: list[dict[str, Any]]
    insights: Insights

    def named(self, kind: str) -> list[tuple[str, Mapping[str, str]]]:
        found = self.insights.of(kind)
        if kind == "MetricData":
            return [(one["metrics"][0]["name"], one["properties"]) for one in found]
        return [(one["name"], one["properties"]) for one in found]


def told(name: str, monkeypatch: pytest.MonkeyPatch) -> Outgoing:
    """Play a story with a traced domain, and tick at its end."""
    readers: list[Read] = []
    with Insights() as insights:
        azure = AzureTelemetry(insights.connection)

        def traced(fleet: Fleet, world: World) -> Traced:
            readers.append(Read(world.publisher))
            return Traced(FleetDomain(fleet, replace(world, publisher=readers[-1])), azure)

        monkeypatch.setattr(play, "FleetDomain", traced)
        played = play.Play(play.Conditions(story.STORIES[name]), play.opening(), Boundary())
        played.run()
        now = played.stage.clock.now()
        found = gauges.points(played.loop, story.fleet(), now)
        gauges.tick(azure, chain(found, gauges.depths({"deadletter": lambda: 0})))
        azure.close()
        documents = [one for reader in readers for one in reader.documents]
        return Outgoing(documents, insights)


@pytest.fixture(scope="module", params=[
    "promotion", pytest.param("rollback", marks=pytest.mark.slow),
])  # fmt: skip
def outgoing(request: pytest.FixtureRequest) -> Outgoing:
    with pytest.MonkeyPatch.context() as patch:
        return told(request.param, patch)


def test_every_published_event_is_as_its_schema_says(outgoing: Outgoing) -> None:
    assert len({one["id"] for one in outgoing.documents}) == len(outgoing.documents)
    for one in outgoing.documents:
        shape = CATALOGUE[one["type"].removeprefix(PREFIX)]
        schema = json.loads((SCHEMAS / shape.file).read_text(encoding="utf-8"))
        assert one["dataschema"] == schema["$id"]
        assert set(one["data"]) == {field.name for field in shape.fields}
        Draft202012Validator(schema).validate(one["data"])


def test_a_story_is_told_from_its_drift_to_its_end(outgoing: Outgoing) -> None:
    kinds = Counter(one["type"].removeprefix(PREFIX) for one in outgoing.documents)
    assert {"drift.drifted", "alert.firing", "retrain.started", "retrain.ended"} <= set(kinds)
    assert kinds["rollout.started"] == 1
    assert kinds["rollout.promoted"] + kinds["rollout.rolled_back"] == 1
    assert kinds["rollout.advanced"] >= 1
    starts = [one["data"]["run"] for one in outgoing.documents if "retrain.started" in one["type"]]
    ends = [one["data"]["run"] for one in outgoing.documents if "retrain.ended" in one["type"]]
    assert ends == starts


def test_telemetry_is_as_the_catalogue_says(outgoing: Outgoing) -> None:
    metrics = outgoing.named("MetricData")
    for name, said in metrics:
        assert set(said) == set(METRICS[name].attributes), name
    assert {name for name, _ in metrics} >= set(METRICS) - OF_OTHERS
    for name, said in outgoing.named("RemoteDependencyData"):
        assert set(said) == set(SPANS[name].attributes)
    for name, said in outgoing.named("EventData"):
        assert set(said) - {"logger_name"} <= set(EVENTS[name].attributes)
    kinds = Counter(name for name, _ in outgoing.named("EventData"))
    assert sum(kinds.values()) == len(outgoing.documents)
    assert {item["data"]["baseType"] for item in outgoing.insights.received} == {
        "MetricData", "RemoteDependencyData", "EventData",
    }  # fmt: skip


def test_no_value_row_or_person_is_in_the_telemetry(outgoing: Outgoing) -> None:
    """Every text is a name of fleet.yaml, a version, or a word of the code."""
    fleet = story.fleet()
    words = {*fleet.models, *(f"oncall:{team}" for team in fleet.teams), FLEET, "driftwarden"}
    words |= {f"credit-{n}" for n in range(1, 4)}
    words |= {kind_of(kind) for kinds in (FACTS, EFFECTS) for kind in kinds._shapes.values()}
    words |= {"paid", "postponed", "refused", "failed", "page", "ticket", "deadletter"}
    words |= {word for shape in CATALOGUE.values() for one in shape.fields for word in one.words}
    for item in outgoing.insights.received:
        assert set(item["data"]["baseData"]["properties"].values()) <= words


def test_effects_are_timed_once_for_each_attempt(outgoing: Outgoing) -> None:
    spans = Counter(said["effect"] for _, said in outgoing.named("RemoteDependencyData"))
    found = outgoing.insights.of("MetricData")
    paid: Counter[str] = Counter()
    timed: Counter[str] = Counter()
    for one in found:
        metric, kind = one["metrics"][0], one["properties"].get("effect", "")
        if metric["name"] == "driftwarden.effects.paid":
            paid[kind] += int(metric["value"])
        if metric["name"] == "driftwarden.effect.duration":
            timed[kind] += metric["count"]
    assert paid == timed
    # Spans wait in a queue that drops what comes too fast; this story is slow enough.
    assert spans == paid

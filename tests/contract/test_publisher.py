"""What every host's publisher does: one document, whoever publishes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from engine.errors import Refused
from fleet.ports import Publisher
from fleet.published import CATALOGUE, Event, Field, document, schema
from hosts.azure.cloud import Cloud
from hosts.azure.eventgrid.publisher import AzurePublisher
from hosts.local.publisher import FilePublisher
from tests.doubles.eventgrid import Topic
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

NOW = datetime(2024, 3, 4, 10, 0, 0, 250_000, tzinfo=UTC)


@dataclass
class Opened:
    """A publisher, and what a reader of its events sees: each id once."""

    publisher: Publisher
    everything: Callable[[], list[dict[str, Any]]]

    def read(self) -> list[dict[str, Any]]:
        return list({event["id"]: event for event in self.everything()}.values())


@pytest.fixture(params=["local", "azure"])
def opened(
    request: pytest.FixtureRequest, tmp_path: Path, certificates: Authority
) -> Iterator[Opened]:
    if request.param == "local":
        file = tmp_path / "events.jsonl"

        def lines() -> list[dict[str, Any]]:
            found = file.read_text().splitlines() if file.exists() else []
            events = [json.loads(line) for line in found]
            return [{n: v for n, v in event.items() if n != "key"} for event in events]

        yield Opened(FilePublisher(file), lines)
        return
    credential = LoopbackCredential()
    with Topic(certificates, lambda: credential.bearer) as topic:
        cloud = Cloud(credential, trusted=str(certificates.bundle))
        publisher = AzurePublisher(cloud, topic.endpoint)
        yield Opened(publisher, lambda: topic.received)
        publisher.close()


def value(field: Field) -> object:
    """Something that a field may say."""
    known: dict[str, object] = {"integer": 3, "number": 0.25, "array": ("größe", "x")}
    return known.get(field.shape, field.words[0] if field.words else "ja – „so“")


@pytest.mark.parametrize("event", list(Event))
def test_every_type_arrives_as_documented(opened: Opened, event: Event) -> None:
    shape = CATALOGUE[event]
    fields = {field.name: value(field) for field in shape.fields}
    opened.publisher.publish("m:k", event, "m", fields, NOW)
    (found,) = opened.read()
    expected = document("m:k", event, "m", fields, NOW)
    moment = datetime.fromisoformat(found.pop("time"))
    assert moment == datetime.fromisoformat(str(expected.pop("time"))) == NOW
    assert found == expected
    Draft202012Validator(schema(shape)).validate(found["data"])


def test_an_event_that_is_repeated_is_the_same_event(opened: Opened) -> None:
    shape = CATALOGUE[Event.ALERT_FIRING]
    fields = {field.name: value(field) for field in shape.fields}
    for key in ("m:1", "m:2", "m:1"):
        opened.publisher.publish(key, shape.event, "m", dict(fields), NOW)
    assert [event["id"] for event in opened.read()] == ["m:1", "m:2"]


def test_what_may_be_null_may_be_null(opened: Opened) -> None:
    shape = CATALOGUE[Event.RETRAIN_ENDED]
    fields = {field.name: None if field.nullable else value(field) for field in shape.fields}
    opened.publisher.publish("m:k", shape.event, "m", fields, NOW)
    (found,) = opened.read()
    assert (found["data"]["version"], found["data"]["cost"]) == (None, None)
    Draft202012Validator(schema(shape)).validate(found["data"])


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("nonsense", "not in the catalogue"), ("retrain.started", "lacks run, trigger, reason, days")],
)
def test_what_the_catalogue_does_not_know_is_refused(
    opened: Opened, kind: str, reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        opened.publisher.publish("m:k", kind, "m", {}, NOW)
    assert opened.read() == []

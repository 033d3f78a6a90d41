"""The catalogue of published events: names, schemas, and the document made of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from jsonschema import Draft202012Validator, ValidationError

from engine.errors import Refused
from fleet.published import CATALOGUE, DIALECT, Event, Field, Published, document, schema

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
ALERT: dict[str, object] = {
    "alert": "drift-3", "kind": "drift", "severity": "page", "reason": "x drifted",
    "features": ("x", "y"),
}  # fmt: skip


def test_every_type_is_in_the_catalogue_under_its_own_schema() -> None:
    assert set(CATALOGUE) == set(Event)
    assert len({shape.uri for shape in CATALOGUE.values()}) == len(CATALOGUE)
    for event, shape in CATALOGUE.items():
        assert shape.event is event
        assert shape.about in {field.name for field in shape.fields}
        assert len({field.name for field in shape.fields}) == len(shape.fields)
        assert shape.description.endswith(".")


@pytest.mark.parametrize("shape", CATALOGUE.values(), ids=str)
def test_a_schema_is_one_of_2020_12_with_a_stable_uri(shape: Published) -> None:
    found = schema(shape)
    Draft202012Validator.check_schema(found)
    assert found["$schema"] == DIALECT
    assert found["$id"] == shape.uri == f"urn:driftwarden:{shape.event}:{shape.version}"
    assert shape.file == f"{shape.event}.{shape.version}.schema.json"


def test_a_document_is_a_cloud_event_that_json_can_say() -> None:
    made = document("demand:alert:1", "alert.firing", "demand", ALERT, NOW)
    assert json.loads(json.dumps(made)) == made
    assert made == {
        "specversion": "1.0",
        "id": "demand:alert:1",
        "source": "/driftwarden/models/demand",
        "type": "Driftwarden.alert.firing",
        "subject": "alerts/drift-3",
        "time": "2024-03-04T10:00:00.000000Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:driftwarden:alert.firing:1",
        "data": {**ALERT, "features": ["x", "y"]},
    }


@pytest.mark.parametrize(
    "change",
    [
        {"severity": "shout"},
        {"severity": None},
        {"features": [1]},
        {"reason": 3},
    ],
)
def test_a_schema_refuses_what_its_fields_cannot_say(change: dict[str, object]) -> None:
    validator = Draft202012Validator(schema(CATALOGUE[Event.ALERT_FIRING]))
    plain = {**ALERT, "features": ["x"]}
    validator.validate(plain)
    validator.validate({**plain, "new": "a field that came later"})
    with pytest.raises(ValidationError):
        validator.validate({**plain, **change})


@pytest.mark.parametrize("name", list(ALERT))
def test_a_document_lacks_no_field(name: str) -> None:
    fewer = {field: said for field, said in ALERT.items() if field != name}
    with pytest.raises(Refused, match=rf"event k: alert\.firing lacks {name}; see docs/events\.md"):
        document("k", "alert.firing", "demand", fewer, NOW)


def test_a_type_nobody_documented_is_refused() -> None:
    with pytest.raises(Refused, match=r"event k: type 'alert\.forgotten' is not in the catalogue"):
        document("k", "alert.forgotten", "demand", {}, NOW)


def test_a_new_version_is_another_schema() -> None:
    shape = CATALOGUE[Event.RETRAIN_STARTED]
    later = replace(shape, version=2, fields=(*shape.fields, Field("by", "Who.", nullable=True)))
    assert later.uri.endswith(":2")
    assert later.file == "retrain.started.2.schema.json"
    assert schema(later)["properties"]["by"]["type"] == ["string", "null"]

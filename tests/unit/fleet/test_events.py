"""Events normalised: two schemas, any spelling, every type, and what is malformed."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import Refused
from engine.step import Delivery
from fleet.events import delivery, event
from fleet.facts import Asked, Collection, LogGrew, Registered, Unrecognised
from fleet.policies import Fleet

CONTAINER = "/blobServices/default/containers/logs/blobs/"
INPUTS = "modelDataCollector/shop-demand/v1/model_inputs/2024/03/04/10/100000-ab.jsonl"


def grid(kind: str, data: Any = None, **more: Any) -> dict[str, Any]:
    """An event in Event Grid's own schema."""
    return {
        "id": "e1", "eventType": kind, "topic": "/subscriptions/s", "subject": "",
        "eventTime": "2024-03-04T10:00:00Z", "dataVersion": "1", "data": data or {}, **more,
    }  # fmt: skip


def cloud(kind: str, data: Any = None, **more: Any) -> dict[str, Any]:
    """The same as a CloudEvent."""
    return {
        "id": "e1", "specversion": "1.0", "type": kind, "source": "/subscriptions/s",
        "subject": "", "data": data or {}, **more,
    }  # fmt: skip


def sent(document: dict[str, Any], fleet: Fleet) -> Delivery | None:
    return delivery(event(document), fleet)


def blob(path: str, size: Any = 10, schema: Any = grid) -> dict[str, Any]:
    data = {"contentLength": size}
    found: dict[str, Any] = schema("Microsoft.Storage.BlobCreated", data, subject=CONTAINER + path)
    return found


BLOB = "Microsoft.Storage.BlobCreated"
REGISTERED = "Microsoft.MachineLearningServices.ModelRegistered"


@pytest.mark.parametrize("schema", [grid, cloud])
@pytest.mark.parametrize(
    ("kind", "data", "partition", "fact"),
    [
        (
            "Driftwarden.LabelsArrived",
            {"model": "demand", "blob": "labels/a.jsonl", "size": 7},
            "demand",
            LogGrew("labels/a.jsonl", 7, Collection.labels),
        ),
        (
            "Driftwarden.RetrainRequested",
            {"model": "demand", "reason": "new prices"},
            "demand",
            Asked("event", "/subscriptions/s", "new prices", "e1"),
        ),
        (
            "Driftwarden.RetrainRequested",
            {"model": "fraud"},
            "fraud",
            Asked("event", "/subscriptions/s", "Driftwarden.RetrainRequested", "e1"),
        ),
        (
            "Microsoft.MachineLearningServices.DatasetDriftDetected",
            {"Model": "demand"},
            "demand",
            Asked(
                "event", "/subscriptions/s",
                "Microsoft.MachineLearningServices.DatasetDriftDetected", "e1",
            ),
        ),
        (
            REGISTERED,
            {"ModelName": "demand", "ModelVersion": 7},
            "demand",
            Registered("7"),
        ),
        (
            REGISTERED,
            {
                "modelName": "demand", "modelVersion": "v2",
                "modelTags": {
                    "driftwarden.shadow_waived_by": "m.okafor", "driftwarden.reason": "hurry",
                },
            },
            "demand",
            Registered("v2", "registered", "m.okafor", "hurry"),
        ),
        ("Contoso.Lunch", {"a": 1}, "fleet", Unrecognised("Contoso.Lunch", "/subscriptions/s")),
    ],
)  # fmt: skip
def test_every_type_in_both_schemas(
    fleet: Fleet, schema: Any, kind: str, data: dict[str, Any], partition: str, fact: Any
) -> None:
    assert sent(schema(kind, data), fleet) == Delivery(partition, f"{kind}:e1", fact)


@pytest.mark.parametrize("schema", [grid, cloud])
@pytest.mark.parametrize(
    ("path", "fact"),
    [
        (INPUTS, LogGrew(INPUTS, 10, Collection.inputs, "v1")),
        (
            "modelDataCollector/shop-demand/v2/model_outputs/a.parquet",
            LogGrew(
                "modelDataCollector/shop-demand/v2/model_outputs/a.parquet", 10,
                Collection.outputs, "v2",
            ),
        ),
        (
            "traffic/shop-demand/2024/a.jsonl",
            LogGrew("traffic/shop-demand/2024/a.jsonl", 10, Collection.traffic),
        ),
    ],
)  # fmt: skip
def test_log_files_go_to_the_model_of_their_endpoint(
    fleet: Fleet, schema: Any, path: str, fact: LogGrew
) -> None:
    assert sent(blob(path, schema=schema), fleet) == Delivery("demand", f"{BLOB}:e1", fact)


@pytest.mark.parametrize(
    "path", ["backup/a.bin", "modelDataCollector/shop-demand/v1/model_inputs/a.txt", "traffic/a"]
)
def test_other_files_say_nothing(fleet: Fleet, path: str) -> None:
    assert sent(blob(path), fleet) is None


def test_an_empty_file_says_nothing(fleet: Fleet) -> None:
    assert sent(blob(INPUTS, 0), fleet) is None


def test_a_version_of_our_own_run_says_nothing(fleet: Fleet) -> None:
    data = {"ModelName": "demand", "ModelVersion": "r1", "ModelTags": {"driftwarden.run": "x"}}
    assert sent(grid(REGISTERED, data), fleet) is None


def test_keys_are_known_whatever_their_case(fleet: Fleet) -> None:
    document = {
        "ID": "e1", "EventType": BLOB, "Subject": CONTAINER + INPUTS,
        "Data": {"ContentLength": 3},
    }  # fmt: skip
    found = sent(document, fleet)
    assert found == Delivery("demand", f"{BLOB}:e1", LogGrew(INPUTS, 3, Collection.inputs, "v1"))


def test_announcements_of_one_file_at_two_sizes_are_two_deliveries(fleet: Fleet) -> None:
    first, second = (sent({**blob(INPUTS, size), "id": f"e{size}"}, fleet) for size in (10, 20))
    assert first is not None
    assert second is not None
    assert first.id != second.id


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, "event: 'id' is missing; every event carries one"),
        ({"id": 3, "type": "x"}, "event: 'id' is missing; every event carries one"),
        ({"id": "", "type": "x"}, "event: 'id' is missing; every event carries one"),
        ({"id": "e1"}, "event e1: 'eventType' (or CloudEvents 'type') is missing"),
        ({"id": "e1", "type": 4}, "event e1: 'eventType' (or CloudEvents 'type') is missing"),
        (
            {"id": "e1", "type": "x", "data": [1]},
            "event e1: 'data' is list, an object is expected",
        ),
        (
            {"id": "e1", "type": "x", "data": "text"},
            "event e1: 'data' is str, an object is expected",
        ),
        (
            grid(BLOB, {"contentLength": 1}, subject="nowhere"),
            "event e1: subject 'nowhere' names no blob",
        ),
        (blob(INPUTS, -1), "event e1: data.contentlength is -1, a byte count is expected"),
        (blob(INPUTS, "9"), "event e1: data.contentlength is '9', a byte count is expected"),
        (blob(INPUTS, True), "event e1: data.contentlength is True, a byte count is expected"),
        (blob(INPUTS, 1.5), "event e1: data.contentlength is 1.5, a byte count is expected"),
        (
            grid(BLOB, {}, subject=CONTAINER + INPUTS),
            "event e1: data.contentlength is None, a byte count is expected",
        ),
        (
            blob(INPUTS.replace("shop-demand", "lost")),
            "event e1: no model in fleet.yaml has logs.endpoint 'lost'",
        ),
        (
            blob("traffic/lost/a.jsonl"),
            "event e1: no model in fleet.yaml has logs.endpoint 'lost'",
        ),
        (grid(REGISTERED, {"modelVersion": "1"}), "event e1: data.modelname is missing"),
        (
            grid(REGISTERED, {"modelName": "nobody", "modelVersion": "1"}),
            "event e1: model 'nobody' is not in fleet.yaml",
        ),
        (grid(REGISTERED, {"modelName": "demand"}), "event e1: data.modelversion is missing"),
        (
            grid(REGISTERED, {"modelName": "demand", "modelVersion": "a/b"}),
            "version 'a/b': use letters, digits, '.', '_' and '-', at most 63 characters",
        ),
        (
            grid(REGISTERED, {"modelName": "demand", "modelVersion": "1", "modelTags": [1]}),
            "event e1: 'modelTags' is not an object",
        ),
        (
            grid("Driftwarden.LabelsArrived", {"blob": "a", "size": 1}),
            "event e1: data.model is missing",
        ),
        (
            grid("Driftwarden.LabelsArrived", {"model": "nobody", "blob": "a", "size": 1}),
            "event e1: model 'nobody' is not in fleet.yaml",
        ),
        (
            grid("Driftwarden.LabelsArrived", {"model": "demand", "size": 1}),
            "event e1: data.blob is missing",
        ),
        (
            grid("Driftwarden.LabelsArrived", {"model": "demand", "blob": "a", "size": "big"}),
            "event e1: data.size is 'big', a byte count is expected",
        ),
        (
            grid("Driftwarden.RetrainRequested", {"model": True}),
            "event e1: data.model is missing",
        ),
    ],
)
def test_what_is_malformed_is_refused_with_its_reason(
    fleet: Fleet, document: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        sent(document, fleet)
    assert str(refused.value) == reason

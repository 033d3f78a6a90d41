from __future__ import annotations

import json
from datetime import UTC, datetime

import azure.functions as func
import pytest

from engine.errors import Refused
from hosts.local.functions.webhook import decode, parse_elements, validation_code

GRID = {
    "id": "831e1650-001e-001b-66ab-eeb76e069631",
    "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a",
    "subject": "/blobServices/default/containers/c/blobs/x.jsonl",
    "eventType": "Microsoft.Storage.BlobCreated",
    "eventTime": "2013-06-26T18:41:00.9584103Z",
    "data": {"api": "FlushWithClose", "eTag": "0x1"},
    "dataVersion": "2",
    "metadataVersion": "1",
}
CLOUD = {
    "specversion": "1.0",
    "type": "Microsoft.MachineLearningServices.ModelRegistered",
    "source": "/subscriptions/s/workspaces/w",
    "id": "A234-1234-1234",
    "time": "2013-04-05T17:31:00Z",
    "subject": "models/churn:3",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "data": {"modelName": "churn"},
}


def test_an_array_is_a_batch_and_an_object_one_event() -> None:
    assert parse_elements({}, json.dumps([GRID, CLOUD]).encode()) == [GRID, CLOUD]
    assert parse_elements({}, json.dumps(CLOUD).encode()) == [CLOUD]
    assert parse_elements({}, b"[]") == []
    assert parse_elements({}, b"\xef\xbb\xbf[{}]") == [{}]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"\xff\xfe\x00",
        b'"text"',
        b"3",
        b"null",
        b"[{}, 3]",
        b"[[]]",
        b"[" * 100_000,
    ],
)
def test_what_no_retry_can_mend_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        parse_elements({}, body)


def test_binary_mode() -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-type": "Driftwarden.LabelsArrived",
        "ce-source": "/labels",
        "ce-id": "7",
        "ce-team": "growth",
        "content-type": "application/json",
        "user-agent": "test",
    }
    [element] = parse_elements(headers, b'{"n": 3}')
    event = decode(element)
    assert isinstance(event, func.CloudEvent)
    assert (event.type, event.source, event.id) == ("Driftwarden.LabelsArrived", "/labels", "7")
    assert (event.get_json(), event.extension_attrs) == ({"n": 3}, {"team": "growth"})
    assert event.datacontenttype == "application/json"


def test_event_grid_schema_becomes_an_event_grid_event() -> None:
    event = decode(dict(GRID))
    assert isinstance(event, func.EventGridEvent)
    assert event.event_type == "Microsoft.Storage.BlobCreated"
    assert event.event_time == datetime(2013, 6, 26, 18, 41, 0, 958410, tzinfo=UTC)
    assert (event.id, event.topic, event.subject) == (GRID["id"], GRID["topic"], GRID["subject"])
    assert event.get_json() == {"api": "FlushWithClose", "eTag": "0x1"}


def test_specversion_makes_a_cloud_event_whatever_the_annotation() -> None:
    event = decode(dict(CLOUD))
    assert isinstance(event, func.CloudEvent)
    assert event.type == CLOUD["type"]
    assert event.extension_attrs == {"traceparent": CLOUD["traceparent"]}


def test_a_malformed_object_is_delivered_with_gaps() -> None:
    event = decode({"hello": 1, "data": [1]})
    assert isinstance(event, func.EventGridEvent)
    assert (event.id, event.event_type, event.event_time) == (None, None, None)
    assert event.get_json() == [1]


@pytest.mark.parametrize("time", ["yesterday", 5, "2013-13-01T00:00:00Z"])
def test_an_unreadable_time_fails_before_the_function(time: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        decode(GRID | {"eventTime": time})


def test_validation_code() -> None:
    body = [
        {"eventType": "x", "data": {"validationCode": "512d38b6", "validationUrl": "https://u"}}
    ]
    assert validation_code(json.dumps(body).encode()) == "512d38b6"
    for wrong in (b"[]", b"{}", b"[3]", b'[{"data": {}}]', b'[{"data": {"validationCode": 3}}]'):
        with pytest.raises(Refused, match="validationCode"):
            validation_code(wrong)

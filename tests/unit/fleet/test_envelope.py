"""The envelope of an event: what both schemas have in common, and what is malformed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.errors import Refused
from fleet.envelope import Event, event


def grid(kind: str, **more: object) -> dict[str, object]:
    """An event in Event Grid's own schema."""
    return {"id": "e1", "eventType": kind, "topic": "/s", "subject": "", "data": {}, **more}


def cloud(kind: str, **more: object) -> dict[str, object]:
    """The same as a CloudEvent."""
    return {"id": "e1", "type": kind, "source": "/s", "subject": "", "data": {}, **more}


def test_both_schemas_say_the_same() -> None:
    expected = Event("e1", "x", "/s", "y", datetime(2024, 3, 4, 10, tzinfo=UTC), {"size": 3})
    data = {"Size": 3}
    assert event(grid("x", subject="y", eventTime="2024-03-04T10:00:00Z", data=data)) == expected
    assert event(cloud("x", subject="y", time="2024-03-04T11:00:00+01:00", data=data)) == expected


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
        ("text", "event: an object is expected, not str"),
        (None, "event: an object is expected, not NoneType"),
        ({"id": "e1", "type": "x", "data": 0}, "event e1: 'data' is int, an object is expected"),
        (
            {"id": "e1\n", "type": "x"},
            "event: 'id' has control characters or half a surrogate pair",
        ),
        (
            {"id": "\ud83d", "type": "x"},
            "event: 'id' has control characters or half a surrogate pair",
        ),
        ({"id": "e" * 2049, "type": "x"}, "event: 'id' has 2049 characters, 2048 at most"),
        (
            grid("x" * 3000),
            "event e1: the type has 3000 characters, 2048 at most",
        ),
        (grid("x", topic=["t"]), "event e1: 'topic' is list, text is expected"),
        (grid("x", subject=7), "event e1: 'subject' is int, text is expected"),
        (grid("x", eventTime="noon"), "event e1: the time 'noon' is not an ISO 8601 instant"),
        (cloud("x", time=5), "event e1: the time 5 is not an ISO 8601 instant"),
        (
            grid("x", eventTime="0001-01-01T00:00:00+14:00"),
            "event e1: the time '0001-01-01T00:00:00+14:00' is not an ISO 8601 instant",
        ),
    ],
)
def test_what_is_malformed_is_refused_with_its_reason(document: object, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        event(document)
    assert str(refused.value) == reason

"""Published events as CloudEvents in a file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.errors import Unavailable
from hosts.local.publisher import FilePublisher

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
STARTED = {"run": "r1", "trigger": "drift", "reason": "it drifted", "days": 7}


def test_an_event_is_written_once_as_a_cloud_event(tmp_path: Path) -> None:
    publisher = FilePublisher(tmp_path / "events.jsonl")
    for _ in range(2):
        publisher.publish("demand:k", "retrain.started", "demand", dict(STARTED), NOW)
    (line,) = (tmp_path / "events.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "key": "demand:k",
        "specversion": "1.0",
        "id": "demand:k",
        "source": "/driftwarden/models/demand",
        "type": "Driftwarden.retrain.started",
        "subject": "runs/r1",
        "time": "2024-03-04T10:00:00.000000Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:driftwarden:retrain.started:1",
        "data": STARTED,
    }


def test_a_file_that_cannot_be_written_is_tried_again_later(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    publisher = FilePublisher(tmp_path / "taken" / "events.jsonl")
    with pytest.raises(Unavailable, match=r"events\.jsonl: "):
        publisher.publish("k", "retrain.started", "demand", dict(STARTED), NOW)
    folder = FilePublisher(tmp_path)
    with pytest.raises(Unavailable, match="Is a directory"):
        folder.publish("k", "retrain.started", "demand", dict(STARTED), NOW)

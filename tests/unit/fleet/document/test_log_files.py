"""Where a model's files are and how they are heard of, as fleet.yaml says it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from fleet.document.logs import Logs


@pytest.mark.parametrize(
    ("said", "poll"),
    [
        ("off", None),
        ("'off'", None),
        ("no", None),
        ("0", timedelta()),
        ("30s", timedelta(seconds=30)),
        ("PT1H", timedelta(hours=1)),
    ],
)
def test_how_often_files_are_looked_for(said: str, poll: timedelta | None) -> None:
    assert Logs(endpoint="shop", **yaml.safe_load(f"poll: {said}")).poll == poll


def test_by_default_files_are_looked_for_each_minute_where_azure_ml_writes() -> None:
    logs = Logs(endpoint="shop")
    assert (logs.poll, logs.events, logs.payloads) == (timedelta(minutes=1), True, False)
    assert (logs.container, logs.path) == (None, "modelDataCollector")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"poll": "2h"}, "one hour at most"),
        ({"poll": True}, "True has no unit"),
        ({"poll": 5}, "5 has no unit"),
        ({"poll": False, "events": False}, "no file would ever be read"),
        ({"container": "Logs"}, "lower-case letters"),
        ({"container": "a--b"}, "single hyphens"),
        ({"container": "ab"}, "3 to 63"),
        ({"container": "a" * 64}, "3 to 63"),
        ({"path": ""}, "not a folder"),
        ({"path": "a/../b"}, "not a folder"),
        ({"path": "a//b"}, "not a folder"),
        ({"path": "a\nb"}, "not a folder"),
    ],
)
def test_what_could_never_be_read_is_refused(more: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Logs.model_validate({"endpoint": "shop", **more})

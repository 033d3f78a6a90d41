"""The state of a rollout, as it is stored."""

from __future__ import annotations

from pydantic import TypeAdapter

from retrain.rollout.state import Rollout
from tests.unit.retrain.rollout.timeline import starts


def test_the_state_survives_json() -> None:
    adapter = TypeAdapter(Rollout)
    for rollout in starts():
        assert adapter.validate_json(adapter.dump_json(rollout)) == rollout

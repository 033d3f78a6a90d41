"""The state of a rollout, as it is stored."""

from __future__ import annotations

from pydantic import TypeAdapter

from retrain.rollout.state import Rollout
from tests.unit.retrain.rollout.timeline import starts


def test_the_state_survives_json() -> None:
    adapter = TypeAdapter(Rollout)
    for rollout in starts():
        assert adapter.validate_json(adapter.dump_json(rollout)) == rollout


def test_a_rollout_stored_before_strategies_had_names_is_a_canary() -> None:
    adapter = TypeAdapter(Rollout)
    for rollout in starts():
        stored = adapter.dump_python(rollout, mode="json")
        assert stored.pop("strategy") == "canary"
        assert adapter.validate_python(stored) == rollout

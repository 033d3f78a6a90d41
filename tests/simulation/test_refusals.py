"""What is refused for good is written down, and the story goes on without it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine import journal
from engine.errors import Refused
from engine.step import Delivery
from fleet.model.facts import Unrecognised
from fleet.model.state import Model
from monitoring.alerts.lifecycle import Phase as Alarm
from retrain.ports import TrainingJob
from retrain.run import Phase
from tests.simulation import outside, story
from tests.simulation.boundary import Boundary
from tests.simulation.play import Conditions, Play, opening

PROMOTION = Conditions(story.STORIES["promotion"], doubled=False)


def played() -> tuple[Play, Model]:
    play = Play(PROMOTION, opening(), Boundary())
    play.run()
    return play, play.loop.head(story.MODEL).state


def test_a_run_that_the_trainer_refuses_has_failed_and_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: outside.Trainer, job: TrainingJob) -> None:
        raise Refused("no compute of that name")

    monkeypatch.setattr(outside.Trainer, "submit", refuse)
    _, model = played()
    assert model.training.run is not None
    assert (model.training.run.phase, model.training.run.reason) == (
        Phase.failed,
        "no compute of that name",
    )
    assert model.alerting.alerts["run"].phase is Alarm.FIRING


def test_a_guard_that_the_policy_leaves_out_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = story.FLEET_YAML.replace("alpha: 0.2", "alpha: 0.2, guards: [large_loss]")
    monkeypatch.setattr(story, "FLEET_YAML", fewer)
    story.fleet.cache_clear()
    try:
        _, model = played()
    finally:
        story.fleet.cache_clear()
    assert model.promotion.rollout is not None
    assert [guard.name for guard in model.promotion.rollout.guards] == ["large_loss"]
    # Only labels tell of the canary now, a day later than its requests were answered.
    assert model.promotion.rollout.phase == "bake"


def test_a_fact_that_a_partition_does_not_take_is_parked_and_stops_nothing() -> None:
    stage = opening()
    play = Play(PROMOTION, stage, Boundary())
    at = datetime(2024, 3, 4, tzinfo=UTC)
    for number in range(3):
        play.loop.deliver(Delivery(story.MODEL, f"odd-{number}", Unrecognised("x", "y")), at)
    play.run()
    assert play.loop.head(story.MODEL).state.champion == "credit-2"
    records = journal.read(stage.outside.store, story.MODEL)
    lines = [line for record in records for line in record.lines]
    refused = [line["id"] for line in lines if line["what"] == "refused"]
    assert sorted(refused) == ["odd-0", "odd-1", "odd-2"]

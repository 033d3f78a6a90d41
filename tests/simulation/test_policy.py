"""A changed document is taken over at the host's start, however often it goes to and fro."""

from __future__ import annotations

import pytest

from tests.simulation import story
from tests.simulation.boundary import Boundary
from tests.simulation.play import Conditions, Play, opening


def test_a_policy_that_was_taken_back_may_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = opening()
    first = story.FLEET_YAML
    other = first.replace("min_new_days: 4", "min_new_days: 5")
    taken = []
    for text in (first, other, first, other):
        monkeypatch.setattr(story, "FLEET_YAML", text)
        story.fleet.cache_clear()
        stage.at = None
        play = Play(Conditions(story.STORIES["promotion"]), stage, Boundary())
        play.run(lambda stage: True)
        taken.append(
            play.loop.head(story.MODEL).state.policy == story.fleet().models["credit"].hash
        )
    story.fleet.cache_clear()
    assert taken == [True] * 4

"""A crash at every I/O boundary of two whole stories, deliveries doubled and shuffled, and raced."""

from __future__ import annotations

import pytest

from tests.simulation import story as tale
from tests.simulation.play import Conditions
from tests.simulation.sweep import undisturbed


@pytest.mark.parametrize("name", tale.STORIES)
def test_the_story_ends_as_it_is_told(name: str) -> None:
    story = tale.STORIES[name]
    ended = undisturbed(Conditions(story, doubled=False)).outcome
    assert ended["champion"] == story.champion
    assert ended["rollout"][0] == story.outcome

"""The stages of a rollout and the split that each holds."""

from __future__ import annotations

from retrain.rollout.stages import traffic
from retrain.rollout.state import Elapsed, Policy, Rules, StagePolicy
from tests.unit.retrain.rollout.timeline import DAY, RULES, SECOND, T, play


def test_the_stages_are_pinned_when_the_rollout_starts() -> None:
    shorter = Rules(Policy(steps=(StagePolicy(weight=5, hold=DAY),)), RULES.judge, RULES.gate)
    assert traffic(play(SECOND, (T + 2.5 * DAY, Elapsed()), rules=shorter)) == traffic(SECOND)

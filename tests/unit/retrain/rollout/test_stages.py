"""The way to production as a tuple of stages, and which tuples are refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from retrain.rollout.stages import (
    EDGES,
    STRATEGIES,
    Exit,
    Policy,
    Stage,
    StagePolicy,
    canary,
    check,
    edges,
    first_live,
    places,
)
from retrain.rollout.state import ENDS, Phase

DAY = timedelta(days=1)
SHADOW = Stage(Phase.shadow, 0, mirror=True, hold=7 * DAY, exit=Exit.gate)
TENTH = Stage(Phase.canary, 10, mirror=False, hold=2 * DAY, exit=Exit.counted)
HALF = Stage(Phase.canary, 50, mirror=False, hold=DAY, exit=Exit.counted)
BAKE = Stage(Phase.bake, 100, mirror=False, hold=DAY, exit=Exit.cleared)


def test_the_canary_is_a_shadow_its_steps_and_a_bake() -> None:
    steps = (StagePolicy(weight=10, hold=2 * DAY), StagePolicy(weight=50, hold=DAY))
    found = canary(Policy(shadow=7 * DAY, steps=steps, bake=DAY))
    assert found == (SHADOW, TENTH, HALF, BAKE)
    assert [stage.split for stage in found] == [False, True, True, False]
    assert places(found) == [
        (Phase.shadow, 0),
        (Phase.canary, 0),
        (Phase.canary, 1),
        (Phase.bake, 1),
    ]
    assert first_live(found) == 1


def test_the_legal_moves_follow_from_the_stages() -> None:
    assert {
        Phase.waiting: {Phase.shadow, Phase.canary, Phase.stopped},
        Phase.shadow: {Phase.canary, Phase.stopped},
        Phase.canary: {Phase.bake, Phase.rolled_back, Phase.stopped},
        Phase.bake: {Phase.promoted, Phase.rolled_back, Phase.stopped},
        Phase.promoted: frozenset(),
        Phase.rolled_back: frozenset(),
        Phase.stopped: frozenset(),
    } == EDGES
    assert {phase for phase, after in EDGES.items() if not after} == ENDS


def test_moves_of_several_ways_are_laid_together() -> None:
    found = edges([(SHADOW, TENTH, BAKE), (TENTH, HALF)])
    assert found[Phase.waiting] == {Phase.shadow, Phase.canary, Phase.stopped}
    assert found[Phase.shadow] == {Phase.canary, Phase.stopped}
    assert found[Phase.canary] == {
        Phase.bake,
        Phase.promoted,
        Phase.rolled_back,
        Phase.stopped,
    }


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        (
            (Stage(Phase.shadow, 0, mirror=False, hold=DAY, exit=Exit.gate), TENTH),
            "stage 1 (shadow, 0 %): exit rule gate compares on mirrored traffic",
        ),
        (
            (Stage(Phase.shadow, 0, mirror=False, hold=DAY, exit=Exit.counted), TENTH),
            "stage 1 (shadow, 0 %): exit rule counted needs two live arms at once",
        ),
        (
            (SHADOW, Stage(Phase.bake, 100, mirror=False, hold=DAY, exit=Exit.counted)),
            "stage 2 (bake, 100 %): exit rule counted needs two live arms at once",
        ),
        (
            (TENTH, Stage(Phase.bake, 100, mirror=False, hold=DAY, exit=Exit.gate)),
            "stage 2 (bake, 100 %): exit rule gate compares on mirrored traffic",
        ),
        ((SHADOW, BAKE), "stage 2 (bake, 100 %): exit rule cleared needs two live arms by then"),
        (
            (SHADOW, Stage(Phase.canary, 10, mirror=True, hold=DAY, exit=Exit.counted)),
            "stage 2 (canary, 10 %): a live challenger cannot score mirrored traffic as well",
        ),
        (
            (Stage(Phase.shadow, 5, mirror=False, hold=DAY, exit=Exit.counted),),
            "stage 1 (shadow, 5 %): a shadow, and no other stage, has weight 0",
        ),
        (
            (TENTH, BAKE, BAKE),
            "stage 3 (bake, 100 %): only stages with two live arms may share a phase",
        ),
        ((SHADOW,), "no stage gives the challenger live traffic"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_stage_that_could_never_be_left_is_refused(stages: tuple[Stage, ...], words: str) -> None:
    with pytest.raises(ValueError) as refused:
        check(stages)
    assert str(refused.value) == words


def test_the_stages_are_checked_when_the_policy_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    check((SHADOW, TENTH, HALF, BAKE))
    check((TENTH,))
    assert Policy.strategy in STRATEGIES
    monkeypatch.setitem(STRATEGIES, Policy.strategy, lambda policy: (SHADOW, BAKE))
    with pytest.raises(ValidationError, match="exit rule cleared needs two live arms by then"):
        Policy()

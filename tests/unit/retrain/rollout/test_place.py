"""Where a rollout stands, what traffic it wants there and when time moves it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from retrain.ports import Traffic
from retrain.rollout.place import enter, leave, stage_of, stages_of, traffic, wake_at
from retrain.rollout.stages import (
    Policy,
    Rules,
    StagePolicy,
)
from retrain.rollout.state import (
    Elapsed,
    Phase,
    Rollout,
)
from tests.unit.retrain.rollout.timeline import (
    BAKE,
    CANARY,
    DAY,
    RULES,
    SECOND,
    WAITING,
    T,
    begin,
    play,
)

SHORTER = Policy(shadow=3 * DAY, steps=(StagePolicy(weight=5, hold=DAY),), bake=2 * DAY)


def test_the_steps_are_pinned_when_the_rollout_starts() -> None:
    rules = Rules(SHORTER, RULES.judge, RULES.gate)
    later = play(SECOND, (T + 2.5 * DAY, Elapsed()), rules=rules)
    assert traffic(later, SHORTER) == Traffic({"v1": 50, "v2": 50})
    assert [(stage.weight, stage.hold) for stage in stages_of(later, SHORTER)] == [
        (0, 3 * DAY),
        (10, 2 * DAY),
        (50, 2 * DAY),
        (100, 2 * DAY),
    ]
    assert [stage.weight for stage in stages_of(WAITING, SHORTER)] == [0, 5, 100]


@pytest.mark.parametrize(
    ("rollout", "weight", "split", "due"),
    [
        (WAITING, None, None, []),
        (begin().rollout, 0, Traffic({"v1": 100}, shadow=("v2",)), [7, 10, 17]),
        (CANARY, 10, Traffic({"v1": 90, "v2": 10}), [2, 5]),
        (SECOND, 50, Traffic({"v1": 50, "v2": 50}), [4, 7]),
        (BAKE, 100, Traffic({"v1": 0, "v2": 100}), [5, 8]),
        (replace(BAKE, phase=Phase.promoted), None, Traffic({"v2": 100}), []),
        (replace(BAKE, phase=Phase.rolled_back), None, Traffic({"v1": 100}), []),
        (replace(CANARY, phase=Phase.stopped), None, Traffic({"v1": 100}), []),
    ],
    ids=lambda value: f"{value.phase}-{value.stage}" if isinstance(value, Rollout) else "",
)
def test_traffic_and_time_follow_from_the_stage(
    rollout: Rollout, weight: int | None, split: Traffic | None, due: list[int]
) -> None:
    policy = RULES.rollout
    stage = stage_of(rollout, policy)
    assert (stage.weight if stage is not None else None) == weight
    assert traffic(rollout, policy) == split
    now, woken = T + 4 * DAY if rollout == BAKE else rollout.since, []
    while (at := wake_at(rollout, policy, now)) is not None:
        woken.append((at - T) / DAY)
        now = at
    assert woken == due


def test_each_stage_is_entered_with_its_own_number_and_count() -> None:
    stages = stages_of(CANARY, RULES.rollout)
    shadowed = enter(WAITING, stages, 0, "begun", T)
    assert (shadowed.phase, shadowed.stage, shadowed.changes) == (Phase.shadow, 0, ())
    passed = shadowed
    seen = []
    for day in range(1, 4):
        passed = leave(replace(passed, heard=9), RULES.rollout, "held", T + day * DAY)
        seen.append((passed.phase, passed.stage, passed.heard, len(passed.changes)))
    assert seen == [(Phase.canary, 0, 0, 1), (Phase.canary, 1, 0, 2), (Phase.bake, 1, 0, 3)]
    done = leave(passed, RULES.rollout, "cleared", T + 4 * DAY)
    assert (done.phase, done.stage, done.since) == (Phase.promoted, 1, T + 3 * DAY)

"""When a stage is left, and where to."""

from __future__ import annotations

import pytest

from retrain.ports import Traffic
from retrain.rollout.exits import EXITS
from retrain.rollout.stages import (
    Exit,
    Policy,
    Rules,
)
from retrain.rollout.state import (
    Approve,
    Elapsed,
    Phase,
    ShadowEvidence,
)
from retrain.rollout.step import step
from tests.unit.retrain.rollout.timeline import (
    CANARY,
    DAY,
    FIRST_DAY,
    RULES,
    SECOND,
    T,
    begin,
    counts,
    outcome,
    play,
    shadow,
)


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (shadow(0.05), "shadow failed: worse than the champion"),
        (shadow(-0.01, days=3), "shadow inconclusive: too little evidence"),
    ],
)
def test_a_shadow_not_passed_stops(evidence: ShadowEvidence, words: str) -> None:
    done = step(begin().rollout, evidence, RULES, T + 7 * DAY)
    assert outcome(done) == (Phase.stopped, Traffic({"v1": 100}))
    assert words in done.rollout.reason


def test_the_shadow_is_looked_at_once_and_only_at_its_end() -> None:
    early = play(begin().rollout, (T + 6 * DAY, shadow(-0.05)))
    assert (early.phase, early.shadow_result) == (Phase.shadow, None)
    held = play(early, (T + 7 * DAY, Elapsed()), frozen=True)
    assert held.shadow_result is not None
    again = play(held, (T + 7.1 * DAY, shadow(0.05)), frozen=True)
    assert again.shadow_result == held.shadow_result
    assert again.shadow_days == held.shadow_days
    assert play(again, (T + 7.2 * DAY, Elapsed())).phase is Phase.canary


def test_a_shadow_without_labels_waits_then_stops() -> None:
    begun = begin().rollout
    waiting = step(begun, Elapsed(), RULES, T + 7 * DAY)
    assert (waiting.rollout.phase, waiting.wake_at) == (Phase.shadow, T + 10 * DAY)
    done = step(begun, Elapsed(), RULES, T + 10 * DAY)
    assert done.rollout.phase is Phase.stopped
    assert "shadow inconclusive: too little evidence: 0 rows" in done.rollout.reason


def test_labels_one_day_late_are_waited_for() -> None:
    partly = play(begin().rollout, (T + 7 * DAY, shadow(-0.01, T + 6 * DAY, days=6)))
    assert partly.phase is Phase.shadow
    assert play(partly, (T + 8 * DAY, shadow(-0.01))).phase is Phase.canary


APPROVED = Rules(Policy(approval=True), RULES.judge, RULES.gate)


def test_an_approval_is_awaited_where_the_policy_asks_for_one() -> None:
    begun = begin(rules=APPROVED).rollout
    looked = play(begun, (T + 7 * DAY, shadow(-0.01)), rules=APPROVED)
    assert (looked.phase, looked.approved_by) == (Phase.shadow, ())
    assert play(looked, (T + 9 * DAY, Approve("ann")), rules=APPROVED).phase is Phase.canary
    ended = play(looked, (T + 17 * DAY, Elapsed()), rules=APPROVED)
    assert (ended.phase, ended.reason) == (
        Phase.stopped,
        "shadow passed, but nobody approved it in time (rollout.approval_wait)",
    )
    early = play(begun, (T + DAY, Approve("ann")), (T + 7 * DAY, shadow(-0.01)), rules=APPROVED)
    assert early.phase is Phase.canary


def test_silence_never_promotes_and_never_rolls_back() -> None:
    """No evidence at all: the stage waits for it, then the rollout stops."""
    waiting = step(CANARY, Elapsed(), RULES, T + 2 * DAY)
    assert (waiting.rollout, waiting.effects) == (CANARY, ())
    assert waiting.wake_at == T + 5 * DAY
    done = step(CANARY, Elapsed(), RULES, T + 5 * DAY)
    assert outcome(done) == (Phase.stopped, Traffic({"v1": 100}))
    assert done.rollout.reason == (
        "no live request of the challenger was counted in the stage of 10 %"
    )


def test_requests_without_a_cleared_guard_stop_at_the_end() -> None:
    rollout = CANARY
    for day, weight in enumerate((10, 10, 50, 50)):
        seen = counts(T + day * DAY, weight, (0.0, 0.0))
        rollout = play(rollout, (T + (day + 1) * DAY, seen))
    done = step(rollout, Elapsed(), RULES, T + 5 * DAY)
    assert outcome(done) == (Phase.stopped, Traffic({"v1": 100}))
    assert "no powered guard cleared" in done.rollout.reason
    assert "large_loss insufficient" in done.rollout.reason


def test_the_bake_waits_for_labels_still_to_come() -> None:
    """At the end of the bake the labels of the last canary day are missing."""
    almost = play(SECOND, (T + 3 * DAY, counts(T + 2 * DAY, 50)), (T + 4 * DAY, Elapsed()))
    assert almost.phase is Phase.bake
    waiting = step(almost, Elapsed(), RULES, T + 5 * DAY)
    assert (waiting.rollout.phase, waiting.wake_at) == (Phase.bake, T + 8 * DAY)
    done = step(waiting.rollout, counts(T + 3 * DAY, 50), RULES, T + 5.5 * DAY)
    assert done.rollout.phase is Phase.promoted


def test_labels_that_never_come_end_the_wait() -> None:
    silent = play(CANARY, FIRST_DAY, (T + 2 * DAY, Elapsed()))
    silent = play(
        silent,
        (T + 3 * DAY, counts(T + 2 * DAY, 50, guard="errors", rates=(0.001, 0.001))),
        (T + 4 * DAY, Elapsed()),
    )
    assert silent.phase is Phase.bake
    assert play(silent, (T + 7.9 * DAY, Elapsed())).phase is Phase.bake
    assert play(silent, (T + 8 * DAY, Elapsed())).phase is Phase.stopped


def test_every_exit_has_a_rule() -> None:
    assert set(EXITS) == set(Exit)

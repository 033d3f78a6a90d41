"""The way of a challenger, told as timelines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Refused
from retrain import gate
from retrain.ports import Traffic
from retrain.registry import Stage
from retrain.rollout.place import traffic
from retrain.rollout.plan import Expectation
from retrain.rollout.stages import (
    EDGES,
)
from retrain.rollout.state import (
    Abort,
    ChampionGone,
    Elapsed,
    Evidence,
    Observation,
    Outset,
    Phase,
    Rollout,
    SetTraffic,
    Tag,
)
from retrain.rollout.step import start, step
from tests.unit.retrain.rollout.timeline import (
    BAKE,
    CANARY,
    CRASH,
    DAY,
    FIRST_DAY,
    OUTSET,
    RULES,
    SECOND,
    WAITING,
    WAIVED,
    T,
    begin,
    counts,
    observations,
    outcome,
    play,
    shadow,
    starts,
)


def test_a_good_challenger_goes_all_the_way() -> None:
    begun = begin()
    assert begun.effects == (
        SetTraffic("ro-1:shadow:0:traffic", Traffic({"v1": 100}, shadow=("v2",))),
        Tag("ro-1:shadow:0:tag:v2", "v2", Stage.staging, {"driftwarden.rollout": "ro-1"}),
    )
    assert begun.wake_at == T + 7 * DAY
    passed = step(begun.rollout, shadow(-0.01), RULES, T + 8 * DAY)
    assert passed.rollout.phase is Phase.canary
    assert passed.effects == (SetTraffic("ro-1:canary:0:traffic", Traffic({"v1": 90, "v2": 10})),)
    assert (SECOND.phase, SECOND.stage) == (Phase.canary, 1)
    assert traffic(SECOND, RULES.rollout) == Traffic({"v1": 50, "v2": 50})
    assert (BAKE.phase, traffic(BAKE, RULES.rollout)) == (Phase.bake, Traffic({"v1": 0, "v2": 100}))
    done = step(BAKE, Elapsed(), RULES, T + 5 * DAY)
    assert outcome(done) == (Phase.promoted, Traffic({"v2": 100}))
    assert [(tag.version, tag.stage) for tag in done.effects if isinstance(tag, Tag)] == [
        ("v1", Stage.archived),
        ("v2", Stage.production),
    ]
    assert "large_loss cleared" in done.rollout.reason
    assert "errors unpowered" in done.rollout.reason


def test_the_plan_is_made_and_said_at_the_start() -> None:
    """80 an hour: 2 d at 10 % and 2 d at 50 % are 2,304 requests on the challenger."""
    plan = begin().rollout.plan
    assert plan is not None
    assert [o.expected_bad for o in plan.outlooks] == pytest.approx([2.304, 230.4])
    assert [g.powered for g in begin().rollout.guards] == [False, True]
    assert "errors: unpowered" in begin().rollout.reason


def test_harm_rolls_back_at_once() -> None:
    done = step(CANARY, counts(T, 10, CRASH), RULES, T + timedelta(hours=1))
    assert outcome(done) == (Phase.rolled_back, Traffic({"v1": 100}))
    assert done.rollout.reason == (
        "large_loss rejected: 180 of 200 (90 %) bad on the challenger, "
        "180 of 1,800 (10 %) on the champion"
    )
    assert done.wake_at is None


def test_harm_seen_late_in_the_bake_rolls_back() -> None:
    late = replace(counts(T + 3 * DAY, 50, CRASH), id="corrected")
    assert step(BAKE, late, RULES, T + 4.5 * DAY).rollout.phase is Phase.rolled_back


def test_an_unpowered_guard_that_sees_harm_rolls_back() -> None:
    seen = counts(T, 10, CRASH, guard="errors")
    assert step(CANARY, seen, RULES, T + DAY).rollout.phase is Phase.rolled_back


def test_a_waiver_names_the_operator_and_skips_the_shadow() -> None:
    begun = begin(WAIVED)
    assert begun.rollout.phase is Phase.canary
    assert begun.rollout.reason == "shadow waived by ann"
    assert [type(effect) for effect in begun.effects] == [SetTraffic, Tag]


def test_an_unknown_guard_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(Refused, match="no guard named 'speed', it has errors, large_loss"):
        step(CANARY, counts(T, 10, guard="speed"), RULES, T + DAY)
    with pytest.raises(Refused, match="no guard named speed"):
        start(WAITING, Outset("v1", (Expectation("speed", 0.1),), 1.0), RULES, T)


def test_a_freeze_holds_every_move_ahead_but_no_rollback() -> None:
    assert begin(frozen=True).rollout == WAITING
    assert begin(frozen=True).effects == ()
    held = play(CANARY, FIRST_DAY, (T + 9 * DAY, Elapsed()), frozen=True)
    assert (held.phase, held.stage) == (Phase.canary, 0)
    ended = play(BAKE, (T + 9 * DAY, Elapsed()), frozen=True)
    assert ended.phase is Phase.bake
    assert play(ended, (T + 9 * DAY, Elapsed())).phase is Phase.promoted
    harmed = play(CANARY, (T + DAY, counts(T, 10, CRASH)), frozen=True)
    assert harmed.phase is Phase.rolled_back


@pytest.mark.parametrize(
    ("rollout", "phase", "split"),
    [
        (WAITING, Phase.stopped, None),
        (begin().rollout, Phase.stopped, Traffic({"v1": 100})),
        (CANARY, Phase.rolled_back, Traffic({"v1": 100})),
        (BAKE, Phase.rolled_back, Traffic({"v1": 100})),
    ],
    ids=lambda value: str(getattr(value, "phase", "")),
)
def test_an_operator_may_end_it_in_every_phase_even_frozen(
    rollout: Rollout, phase: Phase, split: Traffic | None
) -> None:
    done = step(rollout, Abort("ann", "enough"), RULES, T + DAY, frozen=True)
    assert outcome(done) == (phase, split)
    assert done.rollout.reason == "by ann: enough"


def test_a_replaced_champion_stops_the_comparison() -> None:
    done = step(CANARY, ChampionGone("v9"), RULES, T + DAY)
    assert outcome(done) == (Phase.stopped, Traffic({"v9": 100}))
    assert done.rollout.reason == "the champion v1 was replaced by v9"
    assert step(CANARY, ChampionGone("v1"), RULES, T + DAY).rollout == CANARY
    waiting = step(WAITING, ChampionGone("v9"), RULES, T)
    assert (waiting.rollout.champion, waiting.effects) == ("v9", ())


def test_a_successor_that_is_the_challenger_itself_keeps_it() -> None:
    done = step(CANARY, ChampionGone("v2"), RULES, T + DAY)
    assert outcome(done) == (Phase.stopped, Traffic({"v2": 100}))
    assert not [tag for tag in done.effects if isinstance(tag, Tag)]


def test_the_champion_cannot_challenge_itself() -> None:
    with pytest.raises(Refused, match="v2 is the champion already"):
        start(WAITING, replace(OUTSET, champion="v2"), RULES, T)


def test_a_challenger_twice_as_bad_is_rolled_back_within_the_canary() -> None:
    rollout = CANARY
    for day, weight in enumerate((10, 10, 50, 50)):
        seen = counts(T + day * DAY, weight, (0.1, 0.2))
        rollout = play(rollout, (T + (day + 1) * DAY, seen))
    assert rollout.phase is Phase.rolled_back


def test_every_edge_is_walked_and_no_other() -> None:
    walked: dict[Phase, set[Phase]] = {phase: set() for phase in Phase}
    for rollout in (WAITING, WAIVED):
        walked[Phase.waiting].add(begin(rollout).rollout.phase)
    for rollout in starts():
        for seen in observations():
            for days in (1, 2, 5, 8, 30):
                owed = step(rollout, seen, RULES, T + days * DAY)
                before = rollout.phase
                for effect in owed.effects:
                    # A step may pass several phases; the keys of its effects tell which.
                    after = Phase(effect.key.split(":")[1])
                    if after is not before:
                        walked[before].add(after)
                    before = after
    assert walked == {phase: set(EDGES[phase]) for phase in Phase}


def test_a_step_repeated_owes_nothing_new() -> None:
    for rollout in starts():
        for seen in observations():
            for days in (0, 1, 2, 5, 8, 30):
                for frozen in (False, True):
                    now = T + days * DAY
                    if isinstance(seen, Evidence) and seen.end > now:
                        continue
                    once = step(rollout, seen, RULES, now, frozen=frozen)
                    again = step(once.rollout, seen, RULES, now, frozen=frozen)
                    assert again.effects == ()
                    assert again.rollout == once.rollout
                    assert once.wake_at is None or once.wake_at > now


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.sampled_from(list(observations())), st.booleans()),
        max_size=25,
    )
)
def test_traffic_asked_for_last_is_the_traffic_of_the_state(
    line: list[tuple[int, Observation, bool]],
) -> None:
    begun = begin()
    rollout, now = begun.rollout, T
    last = [e.traffic for e in begun.effects if isinstance(e, SetTraffic)][-1]
    keys: dict[str, object] = {}
    for hours, seen, frozen in line:
        now += timedelta(hours=hours)
        done = step(rollout, seen, RULES, now, frozen=frozen)
        rollout = done.rollout
        for effect in done.effects:
            assert keys.setdefault(effect.key, effect) == effect
            last = effect.traffic if isinstance(effect, SetTraffic) else last
    assert traffic(rollout, RULES.rollout) == last
    if rollout.phase is Phase.promoted:
        assert any(guard.cleared and guard.powered for guard in rollout.guards)
        assert not any(guard.rejected for guard in rollout.guards)
        assert rollout.waived_by is not None or (
            rollout.shadow_result is not None
            and rollout.shadow_result.verdict is gate.Verdict.passed
        )

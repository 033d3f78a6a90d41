"""What a rollout learns, and what it leaves out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from retrain import gate
from retrain.rollout import judge
from retrain.rollout.evidence import evidence_from
from retrain.rollout.judge import Interval
from retrain.rollout.stages import Rules
from retrain.rollout.state import Evidence, Phase
from tests.unit.retrain.rollout.timeline import (
    CANARY,
    CRASH,
    DAY,
    FIRST_DAY,
    RULES,
    SECOND,
    WAITING,
    WAIVED,
    T,
    begin,
    counts,
    play,
    shadow,
)


def test_days_outside_the_shadow_do_not_count() -> None:
    extra = shadow(-0.01)
    foreign = gate.DayLoss(date(2013, 7, 8), 900, 900.0, 162.0)
    looked = play(begin().rollout, (T + 8 * DAY, replace(extra, days=(*extra.days, foreign))))
    assert looked.shadow_result is not None
    assert looked.shadow_result.paired is not None
    assert looked.shadow_result.paired.days == 7


def test_evidence_repeated_counts_once() -> None:
    once = play(CANARY, FIRST_DAY)
    assert play(once, FIRST_DAY, FIRST_DAY) == once
    assert once.guards[1].bad_c == pytest.approx(20.0)


def test_intervals_of_mixed_weights_or_of_the_warm_up_are_left_out() -> None:
    straddling = Evidence(
        "large_loss", "x", T + 1.5 * DAY, T + 2.5 * DAY, Interval(600, 1400, 200, 190)
    )
    mixed = play(SECOND, (T + 3 * DAY, straddling))
    assert (mixed.left_out, mixed.guards, mixed.phase) == (1, SECOND.guards, Phase.canary)
    warm = Rules(RULES.rollout, judge.Policy(guards=("errors", "large_loss")), RULES.gate)
    begun = begin(WAIVED, warm).rollout
    assert evidence_from(begun, warm.judge) == T + timedelta(minutes=5)
    cold = replace(counts(T, 10, CRASH), end=T + timedelta(minutes=5))
    after = play(begun, (T + DAY, cold), rules=warm)
    assert (after.left_out, after.phase) == (1, Phase.canary)
    assert evidence_from(WAITING, warm.judge) is None

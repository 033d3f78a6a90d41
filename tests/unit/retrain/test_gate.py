"""The gate: verdicts by their rules."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from retrain.gate import DayLoss, Need, Policy, Verdict, gate, shadow_verdict

POLICY = Policy(margin=0.01)
FIRST = date(2013, 5, 1)


def week(*means: float, rows: int = 900, champion: float = 0.18) -> tuple[DayLoss, ...]:
    return tuple(
        DayLoss(FIRST + timedelta(days=i), rows, mean * rows, champion * rows)
        for i, mean in enumerate(means)
    )


BETTER = week(-0.02, -0.03, -0.01, -0.02, -0.025, -0.015, -0.02)
EQUAL = week(0.001, -0.001, 0.002, -0.002, 0.0, 0.001, -0.001)
WORSE = week(0.04, 0.05, 0.03, 0.04, 0.045, 0.035, 0.04)
NOISY = week(0.05, -0.05, 0.06, -0.06, 0.04, -0.05, 0.05)


@pytest.mark.parametrize(
    ("days", "need", "verdict", "words"),
    [
        (BETTER, Need(), Verdict.passed, "better than the champion"),
        (EQUAL, Need(), Verdict.failed, "no other reason to change"),
        (EQUAL, Need(degraded=True), Verdict.passed, "the champion is degraded"),
        (EQUAL, Need(stale=True), Verdict.passed, "the champion is stale"),
        (EQUAL, Need(asked_by="ann"), Verdict.passed, "asked for by ann"),
        (WORSE, Need(asked_by="ann"), Verdict.failed, "worse than the champion"),
        (NOISY, Need(asked_by="ann"), Verdict.inconclusive, "not shown to be as good"),
        (BETTER[:4], Need(), Verdict.inconclusive, "too little evidence: 3600 rows on 4 days"),
        ((), Need(asked_by="ann"), Verdict.inconclusive, "too little evidence: 0 rows"),
    ],
)
def test_verdicts(days: tuple[DayLoss, ...], need: Need, verdict: Verdict, words: str) -> None:
    for decision in (gate(days, {}, need, POLICY), shadow_verdict(days, need, POLICY)):
        assert decision.verdict is verdict
        assert words in decision.reason


def test_few_rows_decide_nothing() -> None:
    thin = week(-0.02, -0.03, -0.01, -0.02, -0.025, rows=30)
    assert gate(thin, {}, Need(), POLICY).verdict is Verdict.inconclusive


def test_the_margin_may_be_a_share_of_the_champions_loss() -> None:
    decision = gate(EQUAL, {}, Need(stale=True), Policy(margin_share=0.05))
    assert decision.margin == pytest.approx(0.009)
    assert decision.verdict is Verdict.passed
    strict = gate(EQUAL, {}, Need(stale=True), Policy(margin_share=0.001))
    assert strict.margin == pytest.approx(0.00018)
    assert strict.verdict is Verdict.inconclusive


def test_the_worst_segment_fails_the_gate_and_is_named() -> None:
    segments = {"EWR": BETTER, "JFK": WORSE, "LGA": week(0.06, 0.07, 0.05, 0.06, 0.06, 0.07, 0.06)}
    decision = gate(BETTER, segments, Need(), POLICY)
    assert decision.verdict is Verdict.failed
    assert decision.worst_segment == "LGA"
    assert (
        "worse in segment LGA: loss per row +0.06143 against the champion's (96.6667 %"
        in decision.reason
    )


def test_a_thin_or_noisy_segment_proves_nothing() -> None:
    segments = {"JFK": WORSE[:3], "LGA": NOISY}
    assert gate(BETTER, segments, Need(), POLICY).verdict is Verdict.passed


def test_more_segments_ask_for_more_certainty() -> None:
    """Lower end at 90 % is over the bound of 0.027 alone, not among forty."""
    doubtful = week(0.06, 0.02, 0.07, 0.03, 0.05, 0.04, 0.05)
    assert gate(BETTER, {"a": doubtful}, Need(), POLICY).verdict is Verdict.failed
    many = {"a": doubtful} | {f"s{i}": BETTER for i in range(39)}
    assert gate(BETTER, many, Need(), POLICY).verdict is Verdict.passed


def constant(days: tuple[DayLoss, ...], mean: float) -> tuple[DayLoss, ...]:
    return tuple(DayLoss(d.day, d.rows, d.difference, d.champion, mean * d.rows) for d in days)


def test_a_challenger_that_knows_nothing_never_passes() -> None:
    """Its loss is 0.16: 0.0 % better than a constant's 0.16, 11.1 % better than 0.18."""
    decision = gate(constant(BETTER, 0.16), {}, Need(), POLICY)
    assert decision.verdict is Verdict.failed
    assert (
        "its loss is 0.0 % below a constant forecast's, and 1.0 % below is needed"
        in decision.reason
    )
    assert gate(constant(BETTER, 0.18), {}, Need(), POLICY).verdict is Verdict.passed

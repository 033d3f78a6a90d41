"""The canary judge against values worked out by hand and identities of the formula."""

from __future__ import annotations

import math
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from engine.errors import Refused
from retrain.rollout.judge import (
    Guard,
    Interval,
    Policy,
    Verdict,
    clear_grid,
    dispersion,
    evidence,
    powered,
    psi_grid,
    update,
    verdict,
)

POLICY = Policy()


def after(*intervals: Interval, guard: Guard | None = None, policy: Policy = POLICY) -> Guard:
    guard = Guard("errors", powered=True) if guard is None else guard
    for interval in intervals:
        guard = update(guard, interval, policy)
    return guard


def test_the_grids_are_log_spaced_between_their_ends() -> None:
    grid = psi_grid(POLICY)
    assert grid[0] == pytest.approx(1.15)
    assert grid[-1] == pytest.approx(20.0)
    steps = {round(math.log(b / a), 12) for a, b in pairwise(grid)}
    assert len(steps) == 1
    assert clear_grid(POLICY)[0] == pytest.approx(0.5)
    assert clear_grid(POLICY)[-1] == pytest.approx(1.5 / 1.15)
    assert max(clear_grid(POLICY)) < POLICY.margin


def test_one_interval_by_hand() -> None:
    """p = 100/1000, k = 5, X = 3: LR(20) = 20^3 / (1 + 0.1 * 19)^5 = 8000 / 2.9^5 = 39.0034."""
    guard = after(Interval(n_c=100, n_s=900, k=5, x=3))
    assert math.exp(guard.harm[-1]) == pytest.approx(8000 / 205.11149, abs=1e-6)
    assert math.exp(guard.harm[0]) == pytest.approx(1.15**3 / 1.015**5, rel=1e-12)
    # Against the margin: LR(0.5) = (0.5/1.5)^3 * (1.05 / 0.95)^5.
    assert math.exp(guard.safe[0]) == pytest.approx((1 / 27) * (1.05 / 0.95) ** 5, rel=1e-12)


def test_intervals_with_different_weights_multiply() -> None:
    """The product is taken per ψ first, then mixed: not the product of mixtures."""
    first, second = Interval(100, 900, 5, 1), Interval(500, 500, 8, 5)
    guard = after(first, second)
    by_hand = [
        (1 * math.log(psi) - 5 * math.log(1 + 0.1 * (psi - 1)))
        + (5 * math.log(psi) - 8 * math.log(1 + 0.5 * (psi - 1)))
        for psi in psi_grid(POLICY)
    ]
    assert guard.harm == pytest.approx(by_hand, abs=1e-12)
    expected = logsumexp(by_hand) - math.log(len(by_hand))
    assert evidence(guard.harm) == pytest.approx(expected, abs=1e-12)


def test_three_crashes_on_a_tenth_of_the_traffic_reject() -> None:
    """X = k = 3 at p = 0.1: the mean of ψ³ / (1 + 0.1(ψ-1))³ over the grid is over 20."""
    two, three = after(Interval(100, 900, 2, 2)), after(Interval(100, 900, 3, 3))
    mean = sum((psi / (0.9 + 0.1 * psi)) ** 3 for psi in psi_grid(POLICY)) / 24
    assert mean > 20
    assert not two.rejected
    assert three.rejected
    assert verdict(three) is Verdict.rejected


@pytest.mark.parametrize(
    "silent",
    [
        Interval(0, 0, 0, 0),
        Interval(100, 900, 0, 0),
        Interval(0, 1000, 12, 0),
        Interval(1000, 0, 12, 12),
    ],
    ids=["no requests", "no bad event", "no challenger", "no champion"],
)
def test_silence_is_no_evidence_either_way(silent: Interval) -> None:
    before = after(Interval(100, 900, 5, 1))
    now = after(*[silent] * 50, guard=before)
    assert now.harm == pytest.approx(before.harm, abs=1e-9)
    assert now.safe == pytest.approx(before.safe, abs=1e-9)
    assert (now.rejected, now.cleared) == (before.rejected, before.cleared)


def test_both_latches_stay() -> None:
    bad, good = Interval(100, 900, 10, 9), Interval(500, 500, 40, 10)
    rejected = after(bad, *[good] * 5)
    assert evidence(rejected.harm) < math.log(20)
    assert rejected.rejected
    assert rejected.cleared
    assert verdict(rejected) is Verdict.rejected
    cleared = after(*[good] * 2, *[Interval(500, 500, 40, 22)] * 4)
    assert cleared.cleared
    assert verdict(cleared) is Verdict.cleared


def test_unpowered_neither_clears_nor_hides_harm() -> None:
    weak = Guard("errors", expected=3.0, powered=False)
    assert verdict(weak) is Verdict.unpowered
    good = after(*[Interval(500, 500, 40, 10)] * 3, guard=weak)
    assert good.cleared
    assert verdict(good) is Verdict.unpowered
    assert verdict(after(Interval(100, 900, 9, 9), guard=weak)) is Verdict.rejected


def test_power_is_a_matter_of_expected_bad_events() -> None:
    assert powered(13.0, POLICY)
    assert not powered(12.99, POLICY)
    assert not powered(None, POLICY)


def test_without_any_bad_event_a_guard_is_insufficient() -> None:
    assert verdict(after(Interval(100, 900, 0, 0))) is Verdict.insufficient
    assert verdict(after(Interval(100, 900, 2, 0))) is Verdict.inconclusive


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 9), st.integers(0, 9)),
        max_size=12,
    )
)
def test_order_does_not_matter_and_counts_add(rows: list[tuple[int, int, int, int]]) -> None:
    intervals = [Interval(c + x, s + y, x + y, x) for c, s, x, y in rows]
    one, two = after(*intervals), after(*reversed(intervals))
    assert one.harm == pytest.approx(two.harm, abs=1e-9)
    assert one.bad_c == sum(x for _, _, x, _ in rows)
    assert one.n_s == sum(s + y for _, s, _, y in rows)


def test_dispersion_divides_the_log_increments() -> None:
    plain = after(Interval(100, 900, 5, 3))
    calm = after(Interval(100, 900, 5, 3), guard=Guard("errors", powered=True, dispersion=4.0))
    assert [4 * value for value in calm.harm] == pytest.approx(plain.harm)
    assert [4 * value for value in calm.safe] == pytest.approx(plain.safe)


def test_dispersion_of_history_by_hand() -> None:
    """Two halves, k = 100 each: (60-50)²/25 = 4 and (55-50)²/25 = 1, so 2.5."""
    history = [Interval(500, 500, 100, 60), Interval(500, 500, 100, 55), Interval(0, 9, 3, 0)]
    assert dispersion(history) == pytest.approx(2.5)
    assert dispersion([Interval(500, 500, 100, 50)]) == 1.0
    assert dispersion([]) == 1.0


@pytest.mark.parametrize("counts", [(5, 5, 3, 4), (5, 5, -1, 0), (2, 9, 5, 3), (9, 2, 5, 1)])
def test_impossible_counts_are_refused(counts: tuple[float, float, float, float]) -> None:
    with pytest.raises(Refused, match="bad events cannot be negative or more than"):
        Interval(*counts)


def test_the_policy_has_the_documented_defaults() -> None:
    assert (POLICY.alpha, POLICY.margin, POLICY.min_expected_bad) == (0.05, 1.5, 13)
    assert POLICY.warm_up == timedelta(minutes=5)

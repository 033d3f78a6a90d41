"""What is said before a canary starts."""

from __future__ import annotations

import math
import re
from datetime import timedelta

import pytest

from retrain.rollout.judge import Policy, psi_grid
from retrain.rollout.plan import Expectation, Exposure, plan

DAY = timedelta(days=1)
STAGES = (Exposure(10, 2 * DAY), Exposure(50, 2 * DAY))
POLICY = Policy(warm_up=timedelta(0))


def test_expected_bad_events_by_hand() -> None:
    """40 an hour: 2 days at 10 % are 192 requests, 2 at 50 % 960; a tenth of 1,152 is bad."""
    (outlook,) = plan([Expectation("large_loss", 0.1)], 40, STAGES, POLICY).outlooks
    assert outlook.expected_bad == pytest.approx(115.2)
    assert outlook.powered


def test_time_to_find_a_doubled_rate_by_hand() -> None:
    """In one stage the log ratio grows linearly, so the moment is where the mixture meets 20."""
    stage = (Exposure(50, 4 * DAY),)
    (outlook,) = plan([Expectation("errors", 0.1)], 10, stage, POLICY).outlooks
    assert outlook.finds_double_after is not None

    def mixture(hours: float) -> float:
        x, k = 10 * 0.5 * 0.1 * 2 * hours, 10 * 0.1 * 1.5 * hours
        terms = [x * math.log(psi) - k * math.log(1 + (psi - 1) / 2) for psi in psi_grid(POLICY)]
        return sum(math.exp(term) for term in terms) / len(terms)

    found = outlook.finds_double_after / timedelta(hours=1)
    assert mixture(found) >= 20 > mixture(found - 1.0)


def test_an_unpowered_guard_is_said_beforehand() -> None:
    outlook = plan([Expectation("errors", 0.001)], 40, STAGES, POLICY)
    (guard,) = outlook.guards()
    assert not guard.powered
    assert guard.expected == pytest.approx(1.152)
    assert outlook.reason() == (
        "errors: unpowered, 1.2 bad events expected on the challenger, 13 are needed; "
        "no guard is powered, so this rollout cannot end in a promotion"
    )


def test_an_unknown_rate_is_unpowered() -> None:
    (guard,) = plan([Expectation("errors", None)], 4000, STAGES, POLICY).guards()
    assert (guard.powered, guard.expected) == (False, None)


def test_no_traffic_promises_nothing() -> None:
    (outlook,) = plan([Expectation("errors", 0.1)], 0, STAGES, POLICY).outlooks
    assert (outlook.powered, outlook.clears_after, outlook.finds_double_after) == (
        False,
        None,
        None,
    )


def test_the_warm_up_is_taken_off_the_first_stages() -> None:
    warm = Policy(warm_up=3 * DAY)
    (outlook,) = plan([Expectation("large_loss", 0.1)], 40, STAGES, warm).outlooks
    assert outlook.expected_bad == pytest.approx(48.0)


def test_an_equal_challenger_is_cleared_later_when_the_counts_scatter() -> None:
    calm, wild = (
        plan([Expectation("large_loss", 0.1, spread)], 120, STAGES, POLICY).outlooks[0]
        for spread in (1.0, 2.0)
    )
    assert calm.clears_after is not None
    assert wild.clears_after is not None
    assert calm.clears_after < wild.clears_after


def test_the_reason_tells_how_long() -> None:
    said = plan([Expectation("large_loss", 0.1)], 40, STAGES, POLICY).reason()
    assert said.startswith(
        "large_loss: 115 bad events expected on the challenger; expected time to clear an equal "
    )
    assert re.search(r"to reject one with twice the bad rate \d+\.\d [hd]$", said)

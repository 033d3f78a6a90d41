"""What an effect is free of: the sampling of many levels, and the certainty of many rows."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.drift.assessment import assess
from monitoring.drift.significance import benjamini_hochberg
from monitoring.drift.sketch import Sketch
from monitoring.drift.verdict import Policy, Verdict
from tests.statistical.streams import FEATURES, Drift, Setting, World
from tests.statistical.tally import (
    BATCH,
    RATE,
    assert_rate_at_least,
    assert_rate_at_most,
    everywhere,
    held,
    judged,
)

POLICY = Policy()
MANY = FEATURES - 1  # the feature of 500 levels
ALIKE = Setting(1_000)
DOUBLED = Setting(1_000, drift=Drift(10, level=(0.05, 0.10)))


def many_levels(setting: Setting, windows: int, seed: int, part: int = 0) -> list[int]:
    """Windows in which the effect of 500 levels is over the threshold, and in which flagged."""
    rng = np.random.default_rng((seed, part))
    over = seen = 0
    for start in range(0, windows, BATCH):
        world = World(rng, setting)
        scores = judged(world.windows(min(BATCH, windows - start)))
        over += int((scores.effect[:, MANY] > POLICY.threshold).sum())
        seen += int((benjamini_hochberg(scores.p)[:, MANY] <= RATE).sum())
    return [over, seen]


def test_five_hundred_levels_sample() -> None:
    over, _ = many_levels(ALIKE, 60, 1)
    assert_rate_at_most(over, 60, 0.001)
    _, seen = many_levels(DOUBLED, 60, 1)
    assert_rate_at_least(seen, 60, 0.88)


@pytest.mark.slow
def test_five_hundred_levels_alike_are_no_effect() -> None:
    over = sum(sum(one[0] for one in everywhere(many_levels, ALIKE, 3_400, s)) for s in (1, 2, 3))
    assert_rate_at_most(over, 10_200, 0.001)


@pytest.mark.slow
def test_a_doubled_level_among_five_hundred_is_flagged() -> None:
    seen = sum(sum(one[1] for one in everywhere(many_levels, DOUBLED, 600, s)) for s in (1, 2, 3))
    assert_rate_at_least(seen, 1_800, 0.88)


@pytest.mark.parametrize("windows", [3, pytest.param(200, marks=pytest.mark.slow)])
def test_certain_but_harmless_is_at_most_drifting(windows: int) -> None:
    """+.14 sd is a psi of 0.02; with 100,000 rows on either side nothing is more certain."""
    rng = np.random.default_rng(9)
    for _ in range(windows):
        world = World(rng, Setting(100_000, m=100_000, drift=Drift(10, shift=0.14)))
        drawn = world.windows(1)
        own, slices, window = held(drawn, 0)
        reference, current = (Sketch(own.ruler.id, 100_000, side) for side in (slices[0], window))
        report = assess(own.ruler, reference, current, POLICY)
        moved = [report.features[place] for place in drawn.moved]
        assert all(one.p_value < 1e-105 for one in moved)
        assert all(0.012 < one.effect < 0.028 for one in moved)
        assert Verdict.DRIFTED not in {one.verdict for one in report.features}

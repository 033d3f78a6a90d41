"""Thresholds learnt from a feature's own history: how often calm windows exceed them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binom

from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import merge, sketch
from monitoring.drift.thresholds import learnt, raised
from monitoring.drift.verdict import Policy

FLOOR = 1e-9
Draw = Callable[[np.random.Generator, int], np.ndarray]
# Sampling alone, the same around a steady difference, and days that differ in location.
LAWS: dict[str, tuple[Draw, float]] = {
    "sampling": (lambda rng, n: rng.chisquare(9, n) - 9, 0.01),
    "a steady difference": (lambda rng, n: rng.noncentral_chisquare(9, 20, n) - 9, 0.01),
    "exponential": (lambda rng, n: rng.exponential(size=n), 0.0125),
    "days that differ": (lambda rng, n: rng.chisquare(1, n), 0.027),
}


@pytest.mark.usefixtures("heavy")
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("windows", [8, 20, 60])
def test_calm_windows_seldom_exceed_what_was_learnt(law: str, windows: int) -> None:
    draw, rate = LAWS[law]
    rng, trials = np.random.default_rng(windows), 3_000
    over = sum(float(draw(rng, 1)[0]) > learnt(draw(rng, windows), FLOOR) for _ in range(trials))
    assert over <= binom.ppf(1 - 1e-6, trials, rate)


@pytest.mark.parametrize("law", ["a steady difference", "exponential", "days that differ"])
def test_what_was_learnt_is_of_the_size_of_the_true_quantile(law: str) -> None:
    draw, _ = LAWS[law]
    rng = np.random.default_rng(2)
    true = float(np.quantile(draw(rng, 200_000), 0.99))
    typical = float(np.median([learnt(draw(rng, 60), FLOOR) for _ in range(300)]))
    assert 0.7 * true < typical < 1.6 * true


def test_a_few_days_of_drift_teach_little() -> None:
    rng = np.random.default_rng(3)
    calm = rng.exponential(size=60)
    struck = np.concatenate([calm[:57], [100.0, 200.0, 300.0]])
    assert learnt(struck, FLOOR) < 1.5 * learnt(calm, FLOOR)


def test_the_floor_holds() -> None:
    assert learnt([0.01] * 20, floor=0.1) == 0.1
    assert learnt([-0.02] * 20, floor=0.1) == 0.1
    assert learnt([4.0] * 20, floor=0.1) == 4.0


def test_windows_without_a_value_teach_nothing() -> None:
    known = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    assert learnt([*known, None, float("nan")], floor=0.1) == 0.1
    assert learnt([*known, 8.0, None], floor=0.1) == learnt([*known, 8.0], floor=0.1) > 8.0


def test_the_effects_of_days_raise_the_thresholds_that_they_reach() -> None:
    rng = np.random.default_rng(4)

    def day(shift: float) -> pa.Table:
        return pa.table({"x": rng.normal(shift, 1, 800), "y": rng.normal(size=800)})

    calm = [day(0.0) for _ in range(20)]
    ruler = Ruler.of(pa.concat_tables(calm))
    usual = merge(ruler, (sketch(one, ruler) for one in calm))
    moved = [sketch(day(0.4 + rng.normal(0, 0.03)), ruler) for _ in range(12)]
    found = raised(ruler, usual, moved, Policy())
    assert list(found) == ["x"]
    # A shift of .4 sd is a psi of .16; what is learnt is a high quantile of such days.
    assert 0.15 < found["x"] < 0.5
    assert raised(ruler, usual, moved[:7], Policy()) == {}
    assert raised(ruler, usual, moved, Policy(threshold=1.0)) == {}
    assert raised(ruler, usual, [sketch(one, ruler) for one in calm], Policy()) == {}

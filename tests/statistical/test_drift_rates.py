"""How often drift is found where there is none, and how often where there is some.

Each rate is bounded by exact binomial quantiles, one chance in a million on either side. The
generators know nothing of the product: 60 continuous, 15 discrete, 5 zero-inflated and 20
categorical features with 2 to 500 levels, a reference of 10,000 rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binom

from monitoring.drift.binning import Ruler
from monitoring.drift.report import Report, assess
from monitoring.drift.sketch import sketch
from monitoring.drift.verdict import Policy

M = 10_000
LEVELS = (2, 2, 3, 3, 4, 5, 5, 6, 8, 8, 10, 12, 15, 20, 20, 50, 50, 105, 300, 500)
ALLOWED = 0.06


@dataclass
class World:
    """Parameters of one model's features; rows come in clumps and days differ if asked."""

    rng: np.random.Generator
    clump: int = 1
    day: float = 0.0
    mix: float = 0.0
    missing: float = 0.0
    rates: np.ndarray = field(init=False)
    zeros: np.ndarray = field(init=False)
    shares: list[np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        self.rates = self.rng.uniform(0.3, 8, 15)
        self.zeros = self.rng.uniform(0.3, 0.95, 5)
        weights = [1 / np.arange(1, size + 1) ** self.rng.uniform(0.5, 1.3) for size in LEVELS]
        self.shares = [weight / weight.sum() for weight in weights]

    def rows(self, n: int, shift: float = 0.0, scale: float = 1.0, moved: int = 0) -> pa.Table:
        """One day's rows; the first `moved` continuous features have drifted."""
        columns: dict[str, object] = {}
        for index in range(60):
            x = self._clumped(self.rng.normal(size=n), n) + self.day * self.rng.normal()
            x = x * scale + shift if index < moved else x
            x = np.exp(x) if index % 3 == 1 else x
            columns[f"x{index}"] = np.where(self.rng.random(n) < self.missing, np.nan, x)
        for index, rate in enumerate(self.rates):
            today = rate * np.exp(self.day * self.rng.normal())
            columns[f"p{index}"] = self._clumped(self.rng.poisson(today, n), n)
        for index, zero in enumerate(self.zeros):
            spend = np.where(self.rng.random(n) < zero, 0.0, self.rng.exponential(size=n))
            columns[f"z{index}"] = self._clumped(spend, n)
        for index, share in enumerate(self.shares):
            today = share * np.exp(self.mix * self.rng.normal(size=len(share)))
            codes = self.rng.choice(len(share), n, p=today / today.sum())
            names = pa.array([f"l{level}" for level in range(len(share))])
            columns[f"c{index}"] = pa.DictionaryArray.from_arrays(
                pa.array(self._clumped(codes, n).astype(np.int32)), names
            )
        return pa.table(columns)

    def _clumped(self, values: np.ndarray, n: int) -> np.ndarray:
        return np.repeat(values[: -(-n // self.clump)], self.clump)[:n]


def judged(world: World, n: int, slices: int, **drift: float) -> Report:
    """One window of a fresh model against a fresh reference, which is made of days if sliced."""
    days = [world.rows(M // max(slices, 1)) for _ in range(max(slices, 1))]
    reference = pa.concat_tables(days)
    ruler = Ruler.of(reference)
    parts = [sketch(day, ruler) for day in days] if slices else []
    current = sketch(world.rows(n, **drift), ruler)
    return assess(ruler, sketch(reference, ruler), current, Policy(), parts)


def flagged(report: Report, start: str = "") -> list[str]:
    return [
        one.name
        for one in report.features
        if one.q_value is not None and one.q_value <= 0.05 and one.name.startswith(start)
    ]


def assert_rate_at_most(hits: int, trials: int, rate: float) -> None:
    most = int(binom.ppf(1 - 1e-6, trials, rate))
    assert hits <= most, f"{hits} of {trials}, at most {most} at a rate of {rate}"


def assert_rate_at_least(hits: int, trials: int, rate: float) -> None:
    least = int(binom.ppf(1e-6, trials, rate))
    assert hits >= least, f"{hits} of {trials}, at least {least} at a rate of {rate}"


NULLS = [
    pytest.param(200, 0, {}, id="200 rows"),
    pytest.param(1_000, 0, {}, id="1,000 rows"),
    pytest.param(1_000, 0, {"missing": 0.1}, id="a tenth missing"),
    pytest.param(10_000, 0, {}, id="as many rows as the reference"),
    pytest.param(500, 20, {"clump": 5}, id="rows in clumps of five"),
    pytest.param(500, 20, {"day": 0.2}, id="days differ by a fifth of a deviation"),
    pytest.param(500, 20, {"mix": 0.3}, id="days differ in their mix of categories"),
    pytest.param(1_000, 10, {"day": 0.1, "mix": 0.2}, id="ten slices only"),
]


def null_windows(n: int, slices: int, kind: dict[str, float], trials: int) -> None:
    rng = np.random.default_rng(n + slices)
    reports = [judged(World(rng, **kind), n, slices) for _ in range(trials)]
    assert_rate_at_most(sum(bool(flagged(one)) for one in reports), trials, ALLOWED)


@pytest.mark.parametrize(("n", "slices", "kind"), NULLS)
def test_windows_without_drift_sample(n, slices, kind):
    null_windows(n, slices, kind, 6 if slices else 15)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "slices", "kind"), NULLS)
def test_windows_without_drift(n, slices, kind):
    null_windows(n, slices, kind, 120 if slices else 300)


def test_days_that_differ_flag_everything_when_slices_are_withheld():
    """The design effects earn their keep: without them, days of .2 sd are drift every time."""
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(5):
        world = World(rng, day=0.2)
        reference = pa.concat_tables([world.rows(500) for _ in range(20)])
        ruler = Ruler.of(reference)
        current = sketch(world.rows(500), ruler)
        hits += bool(flagged(assess(ruler, sketch(reference, ruler), current, Policy())))
    assert hits == 5


# Ten of a hundred features drift; shares found by the reference implementation of the recipe.
POWER = [
    pytest.param(1_000, {"shift": 0.1}, 0.32, id="mean +.1 sd"),
    pytest.param(200, {"shift": 0.25}, 0.53, id="mean +.25 sd, 200 rows"),
    pytest.param(1_000, {"scale": 1.1}, 0.48, id="scale x 1.1"),
]


@pytest.mark.parametrize(("n", "drift", "share"), POWER)
def test_power_sample(n, drift, share):
    power(n, drift, share, 12)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "drift", "share"), POWER)
def test_power(n, drift, share):
    power(n, drift, share, 150)


def power(n: int, drift: dict[str, float], share: float, trials: int) -> None:
    rng = np.random.default_rng(n)
    moved = {f"x{index}" for index in range(10)}
    found = sum(
        len(moved & set(flagged(judged(World(rng), n, 0, moved=10, **drift))))
        for _ in range(trials)
    )
    assert_rate_at_least(found, 10 * trials, share)

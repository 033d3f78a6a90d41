"""Thousands of levels: no drift is found where there is none, and a level that comes or goes is.

Shares fall by Zipf's law, or are Dirichlet's, whose levels are unequal by chance: few hold most of
the rows, most are seen once or never. Every window of 1,000 rows has a fresh reference of 10,000,
and the one feature is a family of its own.

A text column with more than half as many levels as rows names rows and is ignored, and so are
20,000 levels of equal or nearly equal chances, or Zipf's with a power of .8. Dirichlet's shares are
therefore those of about 2,000 levels that matter, however many there are; Zipf's have a power of 1.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from os import cpu_count

import numpy as np
import pyarrow as pa
import pytest

from monitoring.drift.ruler import Ruler
from monitoring.drift.scoring import score
from monitoring.drift.sketch import sketch
from tests.statistical.tally import assert_rate_at_least, assert_rate_at_most

M, N = 10_000, 1_000
ALONE, HUNDRED = 0.05, 0.05 / 100
SEEDS, WINDOWS, FEW = 20, 200, 25
MATTER = 2_000


@dataclass(frozen=True)
class Levels:
    """So many levels; the power of Zipf's law, or 0 for Dirichlet's of some concentration."""

    size: int
    power: float = 0.0
    each: float = 0.0

    def law(self, rng: np.random.Generator) -> np.ndarray:
        """Shares in an order that says nothing."""
        if not self.power:
            return rng.dirichlet(np.full(self.size, self.each or MATTER / self.size))
        weight = 1 / np.arange(1, self.size + 1) ** self.power
        return rng.permutation(weight / weight.sum())


JUDGED = {
    "2,000 by Zipf": Levels(2_000, power=1.0),
    "20,000 by Zipf": Levels(20_000, power=1.0),
    "200,000 by Zipf": Levels(200_000, power=1.0),
    "2,000 by Dirichlet": Levels(2_000),
    "20,000 by Dirichlet": Levels(20_000),
    "200,000 by Dirichlet": Levels(200_000),
}
IGNORED = {
    "20,000 by Dirichlet": Levels(20_000, each=1.0),
    "200,000 by Dirichlet": Levels(200_000, each=1.0),
    "200,000 equal ones": Levels(200_000, each=1e6),
}


@dataclass
class World:
    """The law of one column, with one more level that is rare, frequent or absent."""

    rng: np.random.Generator
    levels: Levels

    def __post_init__(self) -> None:
        self.below = np.cumsum(self.levels.law(self.rng))
        self.names = pa.array([f"l{one}" for one in range(self.levels.size)] + ["other"])

    def rows(self, number: int, other: float = 0.0) -> pa.Table:
        """Draw rows, of which a share is at the other level."""
        codes = np.searchsorted(self.below, self.rng.random(number) * self.below[-1])
        codes = np.where(self.rng.random(number) < other, self.levels.size, codes)
        return pa.table({"x": self.names.take(pa.array(codes))})

    def p(self, before: float = 0.0, after: float = 0.0, n: int = N) -> float:
        """p of one window against a fresh reference, with those shares of the other level."""
        reference = self.rows(M, before)
        ruler = Ruler.of(reference)
        sides = (reference, self.rows(n, after))
        counts = (sketch(side, ruler).counts[None] for side in sides)
        return float(score(ruler, *counts).p[0, 0])


def flagged(name: str, seed: int, windows: int, n: int) -> int:
    """Windows without drift that are flagged."""
    world = World(np.random.default_rng((51, seed)), JUDGED[name])
    return sum(world.p(n=n) <= ALONE for _ in range(windows))


def seen(name: str, seed: int, windows: int) -> tuple[int, int]:
    """Windows in which a level that is new, or has vanished, is seen among a hundred features."""
    world = World(np.random.default_rng((52, seed)), JUDGED[name])
    new = sum(world.p(after=0.05) <= HUNDRED for _ in range(windows))
    return new, sum(world.p(before=0.05) <= HUNDRED for _ in range(windows))


names = pytest.mark.parametrize("name", JUDGED)
sampled = pytest.mark.parametrize("name", ["20,000 by Zipf", "20,000 by Dirichlet"])


@sampled
def test_levels_without_drift_sample(name: str) -> None:
    assert_rate_at_most(flagged(name, 0, 20, N), 20, 0.06)


@pytest.mark.slow
@pytest.mark.parametrize("n", [N, M])
@names
def test_levels_without_drift(name: str, n: int) -> None:
    """As many rows as the reference has are more than the bar asks; a fourth of the windows do."""
    windows = WINDOWS if n == N else WINDOWS // 4
    todo = [name] * SEEDS, range(SEEDS), [windows] * SEEDS, [n] * SEEDS
    with ProcessPoolExecutor(cpu_count(), mp_context=get_context("spawn")) as pool:
        loud = sum(pool.map(flagged, *todo))
    assert_rate_at_most(loud, SEEDS * windows, 0.06)


@sampled
def test_a_level_that_is_new_or_has_vanished_is_seen_sample(name: str) -> None:
    new, gone = seen(name, 0, 5)
    assert_rate_at_least(new, 5, 0.95)
    assert_rate_at_least(gone, 5, 0.95)


@pytest.mark.slow
@names
def test_a_level_that_is_new_or_has_vanished_is_seen(name: str) -> None:
    found = [seen(name, seed, FEW) for seed in range(SEEDS)]
    for number in np.sum(found, axis=0).tolist():
        assert_rate_at_least(number, SEEDS * FEW, 0.95)


@pytest.mark.parametrize("name", IGNORED)
def test_a_level_for_every_other_row_is_ignored_and_said_to_be(name: str) -> None:
    world = World(np.random.default_rng(53), IGNORED[name])
    ruler = Ruler.of(world.rows(M))
    assert not ruler.features
    (ignored,) = ruler.ignored
    assert "nearly unique" in ignored.reason

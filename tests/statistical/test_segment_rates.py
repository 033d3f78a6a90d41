"""How often segments are said to drift where nothing does, and whether drift hidden in one is seen.

A hundred features as elsewhere (60 continuous, 15 with ties, 5 zero-inflated, 20 categorical of 2
to 500 levels) in ten segments of a tenth of the rows each, every one with a law of its own. Counts
are drawn straight from the laws of the bins, which know nothing of the product: a sketch holds
nothing else. Every window has a fresh reference and is judged with the product's policy, the total
and all segments together; rates are bounded by exact binomial quantiles, one chance in a million.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from monitoring.drift.assessment import assess_segments
from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.report import Report
from monitoring.drift.ruler import Ruler
from monitoring.drift.segments import merge_all
from monitoring.drift.sketch import Sketch
from monitoring.drift.verdict import Policy
from tests.statistical.streams import FINE
from tests.statistical.tally import assert_rate_at_least, assert_rate_at_most

LEVELS = (2, 2, 3, 3, 4, 5, 5, 6, 8, 8, 10, 12, 15, 20, 20, 50, 50, 105, 300, 500)
SEGMENTS = 10
NUMERIC, MOVED = 80, 10
ALLOWED, SEEN = 0.06, 0.90
POLICY = Policy(segments=("carrier",))


@dataclass
class World:
    """The laws of one model's features.

    apart: standard deviation of the segments' means; day, own: that of a day's mean over all
    segments, and of a day's mean in each segment by itself.
    """

    rng: np.random.Generator
    apart: float = 0.3
    day: float = 0.0
    own: float = 0.0

    def __post_init__(self) -> None:
        fine = ndtri(FINE)
        ties = [np.sort(ndtri(self.rng.uniform(0.1, 0.9, k))) for k in self.rng.integers(2, 7, 15)]
        zeros = [ndtri(z + (1 - z) * np.arange(0, 10) / 10) for z in self.rng.uniform(0.3, 0.95, 5)]
        cuts = [ndtri(np.cumsum(self._shares(size))[:-1].clip(0, 1 - 1e-12)) for size in LEVELS]
        self.edges = [*[fine] * 60, *ties, *zeros, *cuts]
        self.means = self.apart * self.rng.normal(size=(len(self.edges), SEGMENTS))
        self.ruler = Ruler(
            {
                f"x{index}": CategoricalBins(tuple(f"l{level}" for level in range(len(edges) + 1)))
                if index >= NUMERIC
                else NumericBins(tuple(map(float, range(len(edges)))), tails=(edges is fine,) * 2)
                for index, edges in enumerate(self.edges)
            }
        )

    def _shares(self, size: int) -> np.ndarray:
        weight = 1 / np.arange(1, size + 1) ** self.rng.uniform(0.5, 1.3)
        return weight / weight.sum()

    def days(self, days: int, n: int, shift: float = 0.0) -> list[dict[str | None, Sketch]]:
        """Days of `n` rows; the first features of the first segment have moved by `shift`."""
        rows = self.rng.multinomial(n, [1 / SEGMENTS] * SEGMENTS, days)
        parts = []
        for index, edges in enumerate(self.edges):
            mean = self.means[index] + self.day * self.rng.normal(size=(days, 1))
            mean = mean + self.own * self.rng.normal(size=(days, SEGMENTS))
            mean[:, 0] += shift if index < MOVED else 0.0
            law = np.diff(ndtr(edges - mean[..., None]), prepend=0.0, append=1.0).clip(0)
            parts.append(self.rng.multinomial(rows, law))
            # Nothing is missing, and no level is one that the reference never saw.
            rest = 1 if index < NUMERIC else 2
            parts.append(np.zeros((days, SEGMENTS, rest), np.int64))
        counts = np.concatenate(parts, -1)
        return [self._named(*one) for one in zip(rows, counts, strict=True)]

    def _named(self, rows: np.ndarray, counts: np.ndarray) -> dict[str | None, Sketch]:
        found: dict[str | None, Sketch] = {
            f"carrier={number}": Sketch(self.ruler.id, int(n), own)
            for number, (n, own) in enumerate(zip(rows, counts, strict=True))
        }
        return {None: Sketch(self.ruler.id, int(rows.sum()), counts.sum(0)), **found}


def judged(world: World, days: int, rows: int, n: int, shift: float = 0.0) -> Report:
    """One window of `n` rows against `days` of `rows` each, or against as many without slices."""
    slices = world.days(max(days, 1), rows)
    reference = merge_all(world.ruler, slices)
    (window,) = world.days(1, n, shift)
    held = {name: [one[name] for one in slices] for name in reference}
    return assess_segments(world.ruler, reference, window, POLICY, held if days else {})


def flagged(report: Report) -> set[tuple[str, str | None]]:
    return {
        (one.name, one.segment)
        for one in report.features
        if one.q_value is not None and one.q_value <= POLICY.fdr
    }


CALM = [
    pytest.param((0, 10_000, 1_000), {}, 4, 600, id="independent rows"),
    pytest.param((0, 10_000, 10_000), {}, 4, 600, id="as many rows as the reference"),
    pytest.param((20, 500, 500), {"day": 0.1}, 2, 100, id="days differ"),
    pytest.param((20, 500, 500), {"own": 0.2}, 2, 100, id="segments' days differ"),
    pytest.param((28, 5_000, 5_000), {"day": 0.03, "own": 0.05}, 1, 100, id="large days"),
]


def calm_windows(sizes: Sequence[int], kind: dict[str, float], trials: int, seed: int) -> None:
    rng = np.random.default_rng((seed, *sizes))
    found = [bool(flagged(judged(World(rng, **kind), *sizes))) for _ in range(trials)]
    assert_rate_at_most(sum(found), trials, ALLOWED)


@pytest.mark.parametrize(("sizes", "kind", "few", "many"), CALM[::2])
def test_no_segment_drifts_where_nothing_does_sample(
    sizes: tuple[int, ...], kind: dict[str, Any], few: int, many: int
) -> None:
    calm_windows(sizes, kind, few, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("sizes", "kind", "few", "many"), CALM)
def test_no_segment_drifts_where_nothing_does(
    sizes: Any, kind: Any, few: Any, many: Any, seed: Any
) -> None:
    calm_windows(sizes, kind, many, seed)


HIDDEN = [
    pytest.param((0, 10_000, 10_000), {}, id="independent rows"),
    pytest.param((28, 10_000, 10_000), {"day": 0.03, "own": 0.05}, id="days differ"),
]


def hidden_drift(sizes: Sequence[int], kind: dict[str, float], trials: int) -> None:
    """+.5 sd in a tenth of the rows: seen there, nowhere else, and of no account in the total."""
    rng = np.random.default_rng((4, *sizes))
    seen, told, wrong = 0, 0, 0
    for _ in range(trials):
        days, rows, n = sizes
        report = judged(World(rng, **kind), days, rows, n, 0.5)
        found = flagged(report)
        moved = {f"x{index}" for index in range(MOVED)}
        seen += sum((name, "carrier=0") in found for name in moved)
        told += sum(
            one.segment is None and one.name in moved and one.verdict != "stable"
            for one in report.features
        )
        wrong += sum(name not in moved for name, _ in found) / max(len(found), 1) > 0.5
    assert_rate_at_least(seen, MOVED * trials, SEEN)
    assert_rate_at_most(told, MOVED * trials, 0.05)
    assert_rate_at_most(wrong, trials, ALLOWED)


@pytest.mark.parametrize(("sizes", "kind"), HIDDEN[1:])
def test_drift_that_the_total_hides_is_found_in_its_segment_sample(
    sizes: tuple[int, ...], kind: dict[str, float]
) -> None:
    hidden_drift(sizes, kind, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("sizes", "kind"), HIDDEN)
def test_drift_that_the_total_hides_is_found_in_its_segment(sizes: Any, kind: Any) -> None:
    hidden_drift(sizes, kind, 100)

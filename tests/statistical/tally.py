"""Judge drawn windows with the product and count, on every core; bounds on rates."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from scipy.stats import binom

from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.ruler import Ruler
from monitoring.drift.scoring import Scores, join, score
from monitoring.drift.significance import benjamini_hochberg
from tests.statistical.streams import NUMERIC, Setting, Windows, World

RATE = 0.05
CHUNK = 200
BATCH = 20


@dataclass(frozen=True)
class Tally:
    """Windows, those of them with any feature flagged, and flagged ones among those that drift."""

    windows: int
    loud: int
    moved: int
    found: int


def judged(ruler: Ruler, drawn: Windows) -> Scores:
    """Score every window against its own reference."""
    if drawn.slices is None:
        return score(ruler, drawn.reference, drawn.current)
    each = [
        score(ruler, drawn.reference[[one]], drawn.current[[one]], drawn.slices[:, one])
        for one in range(len(drawn.current))
    ]
    return join(each)


def ruled(world: World) -> Ruler:
    """The product's ruler of that many bins; which edges they have makes no difference."""
    return Ruler(
        {
            f"f{place}": NumericBins(tuple(map(float, range(size - 1))))
            if place < NUMERIC
            else CategoricalBins(tuple(f"l{level}" for level in range(size)))
            for place, size in enumerate(world.sizes)
        }
    )


def tally(setting: Setting, windows: int, seed: int, part: int = 0) -> Tally:
    """Count flags over fresh windows; every twenty of them are of another model."""
    rng = np.random.default_rng((seed, part, setting.n, setting.slices))
    counts = np.zeros(3, int)
    for start in range(0, windows, BATCH):
        world = World(rng, setting)
        drawn = world.windows(min(BATCH, windows - start))
        flags = benjamini_hochberg(judged(ruled(world), drawn).p) <= RATE
        counts += [flags.any(-1).sum(), flags[:, drawn.moved].size, flags[:, drawn.moved].sum()]
    return Tally(windows, *counts.tolist())


def spread(setting: Setting, windows: int, seed: int) -> Tally:
    """The same on every core."""
    return Tally(*np.sum(everywhere(_counts, setting, windows, seed), axis=0).tolist())


def everywhere(
    count: Callable[[Setting, int, int, int], list[int]], setting: Setting, windows: int, seed: int
) -> list[list[int]]:
    """Run `count` on parts of the windows, on every core."""
    parts = range(-(-windows // CHUNK))
    sizes = [min(CHUNK, windows - part * CHUNK) for part in parts]
    same = [setting] * len(sizes), sizes, [seed] * len(sizes), parts
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return list(pool.map(count, *same))


def _counts(setting: Setting, windows: int, seed: int, part: int) -> list[int]:
    found = tally(setting, windows, seed, part)
    return [found.windows, found.loud, found.moved, found.found]


def assert_rate_at_most(hits: int, trials: int, rate: float) -> None:
    """A rate above it would give so many once in a million."""
    most = int(binom.ppf(1 - 1e-6, trials, rate))
    print(f"{hits} of {trials} = {hits / trials:.4f}, at most {rate}")
    assert hits <= most, f"{hits} of {trials}, at most {most} at a rate of {rate}"


def assert_rate_at_least(hits: int, trials: int, rate: float) -> None:
    """A rate below it would give so few once in a million."""
    least = int(binom.ppf(1e-6, trials, rate))
    print(f"{hits} of {trials} = {hits / trials:.4f}, at least {rate}")
    assert hits >= least, f"{hits} of {trials}, at least {least} at a rate of {rate}"

"""Judge drawn windows with the product and count, on every core; bounds on rates."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from typing import Any

import numpy as np
from scipy.stats import binom

from monitoring.drift.binning import Bins, CategoricalBins, NumericBins
from monitoring.drift.levels import FEW_LEVELS
from monitoring.drift.ruler import Ruler
from monitoring.drift.scoring import Scores, join, score
from monitoring.drift.significance import benjamini_hochberg
from tests.statistical.streams import CONTINUOUS, FEATURES, NUMERIC, TIED, Setting, Windows, World

RATE = 0.05
CHUNK = 200
BATCH = 20
EVERY = range(FEATURES)


@dataclass(frozen=True)
class Tally:
    """Windows, those of them with any feature flagged, and flagged ones among those that drift."""

    windows: int
    loud: int
    moved: int
    found: int


class Laid:
    """The product's own ruler of one reference, and where counts of the streams' bins go in it.

    totals: counts of the reference by feature, missing values last; places: of which features.
    """

    def __init__(self, totals: Sequence[np.ndarray], places: Sequence[int] = EVERY) -> None:
        features: dict[str, Bins] = {}
        spots: list[Any] = []
        begin = 0
        for place, counts in zip(places, totals, strict=True):
            features[f"f{place}"], own = _measured(place, counts[:-1])
            size = features[f"f{place}"].size
            spots += [begin + own, [begin + size]]
            begin += size + 1
        self.ruler = Ruler(features)
        self._spots: np.ndarray = np.concatenate(spots)

    def laid(self, counts: Sequence[np.ndarray]) -> np.ndarray:
        """Counts by feature, (..., bins), as the ruler has them: (..., width)."""
        raw = np.concatenate(counts, -1)
        found = np.zeros((*raw.shape[:-1], self.ruler.width), np.int64)
        places: Any = (..., self._spots)
        np.add.at(found, places, raw)
        return found


def _measured(place: int, counts: np.ndarray) -> tuple[Bins, np.ndarray]:
    """The product's bins of a feature, and which of them holds each of the stream's."""
    if place >= NUMERIC and _many(counts):
        return _leveled(counts)
    return _known(place, tuple((counts > 0).tolist()))


def _many(counts: np.ndarray) -> bool:
    return counts.shape[-1] > FEW_LEVELS + 1


@cache
def _known(place: int, seen: tuple[bool, ...]) -> tuple[Bins, np.ndarray]:
    """Bins that depend on nothing but which values or levels the reference has seen."""
    size = len(seen)
    if place < CONTINUOUS:
        return NumericBins(tuple(map(float, range(size - 1))), tails=(True, True)), np.arange(size)
    if place < TIED:
        values = np.arange(float(size))
        bins = NumericBins.of_sorted(np.repeat(values[list(seen)], 100))
        return bins, np.searchsorted(bins.edges, values)
    if place < NUMERIC:
        edges = (-1e-300, *map(float, range(size - 1)))
        return NumericBins(edges, atoms=(0.0,), tails=(False, True)), 1 + np.arange(size)
    return _leveled(100 * np.array(seen))


def _leveled(counts: np.ndarray) -> tuple[Bins, np.ndarray]:
    names = [f"l{level}" for level in range(len(counts))]
    known = {name: int(count) for name, count in zip(names, counts, strict=True) if count}
    levels = CategoricalBins.of(known)
    return levels, np.array([levels.place(name) for name in names])


def held(
    drawn: Windows, window: int, places: Sequence[int] = EVERY
) -> tuple[Laid, np.ndarray, np.ndarray]:
    """Ruler of one window's reference; counts of its slices, (slices, width), and of the window."""
    slices = [drawn.slices[place][:, window] for place in places]
    own = Laid([part.sum(0) for part in slices], places)
    return own, own.laid(slices), own.laid([drawn.current[place][window] for place in places])


def judged(drawn: Windows) -> Scores:
    """Score every window against its own reference."""
    if drawn.sliced:  # design effects are shared by all features of a window
        own = [held(drawn, window) for window in range(len(drawn.current[0]))]
        return join([score(one.ruler, a.sum(0)[None], c[None], a) for one, a, c in own])
    wide = [place for place in EVERY if place >= NUMERIC and _many(drawn.current[place])]
    narrow = [place for place in EVERY if place not in wide]
    parts = [_alike(drawn, places) for places in (narrow, wide)]
    order = np.argsort([*narrow, *wide])
    columns = zip(
        *([getattr(one, name) for name in Scores.__slots__] for one in parts), strict=True
    )
    return Scores(*(np.concatenate(pair, 1)[:, order] for pair in columns))


def _alike(drawn: Windows, places: Sequence[int]) -> Scores:
    """Score some features of every window, all windows with one ruler at once."""
    found: dict[tuple[Bins, ...], list[tuple[int, Ruler, np.ndarray, np.ndarray]]] = {}
    for window in range(len(drawn.current[0])):
        own, slices, current = held(drawn, window, places)
        key = tuple(own.ruler.features.values())
        found.setdefault(key, []).append((window, own.ruler, slices.sum(0), current))
    scores = []
    for same in found.values():
        a, c = np.stack([one[2] for one in same]), np.stack([one[3] for one in same])
        scores.append(score(same[0][1], a, c))
    order = np.argsort([window for same in found.values() for window, *_ in same])
    every = join(scores)
    return Scores(*(getattr(every, name)[order] for name in Scores.__slots__))


def tally(setting: Setting, windows: int, seed: int, part: int = 0) -> Tally:
    """Count flags over fresh windows; every twenty of them are of another model."""
    rng = np.random.default_rng((seed, part, setting.n, setting.slices))
    counts = np.zeros(3, int)
    for start in range(0, windows, BATCH):
        world = World(rng, setting)
        drawn = world.windows(min(BATCH, windows - start))
        flags = benjamini_hochberg(judged(drawn).p) <= RATE
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

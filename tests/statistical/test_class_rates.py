"""How often weekends are drift, and a stuck feed is seen, when days are told apart by class.

A hundred features: 60 continuous, 15 with ties, 5 zero-inflated, 20 categorical of 2 to 500 levels.
Counts are drawn straight from the law of the bins, which knows nothing of the product: a sketch
holds nothing else. Weekends move the first 20 features by .3 standard deviations, and every day
moves each of them by a little of its own, if asked. Every window has a fresh reference of four to
eight weeks and is judged with the product's policy; rates are bounded by exact binomial quantiles,
one chance in a million on either side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from monitoring.calendars import Calendar, DayClass
from monitoring.calendars import Policy as CalendarPolicy
from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.classes import blend, choose, class_of, fallbacks
from monitoring.drift.ruler import Ruler
from monitoring.drift.scoring import score
from monitoring.drift.significance import benjamini_hochberg
from monitoring.drift.sketch import Sketch, merge
from monitoring.drift.stuck import stuck
from monitoring.drift.verdict import SEVERITY, Policy, stream
from tests.statistical.streams import FINE
from tests.statistical.tally import assert_rate_at_least, assert_rate_at_most

CALENDAR = Calendar(CalendarPolicy(zone="Europe/Berlin"))
KNOWN = datetime(2024, 3, 1, tzinfo=UTC)
POLICY = Policy(classes=True)
LEVELS = (2, 2, 3, 3, 4, 5, 5, 6, 8, 8, 10, 12, 15, 20, 20, 50, 50, 105, 300, 500)
NUMERIC = 80
MOVED, EFFECT, ALLOWED = 20, 0.3, 0.06
SATURDAY, TUESDAY = date(2024, 3, 2), date(2024, 2, 27)


@dataclass
class World:
    """The laws of one model's features; a day shifts each by `day` standard deviations."""

    rng: np.random.Generator
    day: float = 0.0

    def __post_init__(self) -> None:
        fine = ndtri(FINE)
        ties = [np.sort(ndtri(self.rng.uniform(0.1, 0.9, k))) for k in self.rng.integers(2, 7, 15)]
        zeros = [ndtri(z + (1 - z) * np.arange(0, 10) / 10) for z in self.rng.uniform(0.3, 0.95, 5)]
        self.edges = [fine] * 60 + ties + zeros
        self.cuts = [
            np.sort(ndtri(self.rng.uniform(0.1, 0.9, 1)))
            if size == 2
            else ndtri(np.cumsum(_zipf(size, self.rng.uniform(0.5, 1.3)))[:-1].clip(0, 1 - 1e-12))
            for size in LEVELS
        ]
        features = {
            f"x{index}": NumericBins(
                tuple(map(float, range(len(edges)))), tails=(edges is fine,) * 2
            )
            for index, edges in enumerate(self.edges)
        }
        levels = {
            f"c{index}": CategoricalBins(tuple(f"l{level}" for level in range(size)))
            for index, size in enumerate(LEVELS)
        }
        self.ruler = Ruler({**features, **levels})

    def days(self, n: int, shifts: Sequence[float]) -> list[Sketch]:
        """Days of `n` rows each; by day, how far the first 20 features have moved."""
        parts = []
        for index, edges in enumerate([*self.edges, *self.cuts]):
            shift = self.day * self.rng.normal(size=len(shifts))
            shift += np.asarray(shifts) if index < MOVED else 0.0
            inner = ndtr(edges - shift[:, None])
            law = np.diff(inner, prepend=0.0, append=1.0).clip(0)
            parts.append(self.rng.multinomial(n, law))
            # Nothing is missing, and no level is one that the reference never saw.
            parts.append(np.zeros((len(shifts), 1 if index < NUMERIC else 2), np.int64))
        counts = np.concatenate(parts, 1)
        return [Sketch(self.ruler.id, n, row) for row in counts]


def _zipf(size: int, power: float) -> np.ndarray:
    weight = 1 / np.arange(1, size + 1) ** power
    return weight / weight.sum()


@dataclass
class Story:
    """A reference of whole weeks, and windows after it."""

    world: World
    weeks: int
    n: int

    def __post_init__(self) -> None:
        days = [TUESDAY - timedelta(days=back) for back in range(7 * self.weeks)]
        self.classes = [class_of(CALENDAR, day, KNOWN) for day in days]
        shifts = [EFFECT if one is DayClass.WEEKEND else 0.0 for one in self.classes]
        self.slices = self.world.days(self.n, shifts)

    def window(self, shift: float) -> Sketch:
        return self.world.days(self.n, [shift])[0]

    def held(self, day: date) -> list[Sketch]:
        chosen = choose(fallbacks(CALENDAR, day, KNOWN), self.classes, POLICY.class_days)
        return [self.slices[place] for place in chosen.places]

    def flagged(self, window: Sketch, held: Sequence[Sketch], *, sliced: bool = True) -> int:
        """Features that are flagged, as an assessment does it."""
        return int(self.flags(window, held, sliced=sliced).sum())

    def flags(self, window: Sketch, held: Sequence[Sketch], *, sliced: bool = True) -> np.ndarray:
        total = merge(self.world.ruler, held)
        slices = np.stack([one.counts for one in held]) if sliced else None
        found = score(self.world.ruler, total.counts[None], window.counts[None], slices)
        return benjamini_hochberg(found.p)[0] <= POLICY.fdr

    def stuck(self, window: Sketch) -> tuple[str, ...]:
        weekdays = [
            one
            for one, kind in zip(self.slices, self.classes, strict=True)
            if kind is DayClass.WEEKDAY
        ]
        return stuck(self.world.ruler, window, self.held(SATURDAY), weekdays, POLICY)[0]


def stories(trials: int, seed: int, day: float, weeks: int, n: int) -> Iterator[Story]:
    rng = np.random.default_rng((seed, weeks, n, round(1000 * day)))
    for _ in range(trials):
        yield Story(World(rng, day), weeks, n)


WEEKENDS = [
    pytest.param(0.0, 4, 1_000, id="days alike"),
    pytest.param(0.03, 4, 1_000, id="days differ"),
    pytest.param(0.03, 4, 350, id="ten thousand rows of reference"),
    pytest.param(0.03, 8, 1_000, id="eight weeks"),
]


def flagged_weekends(day: float, weeks: int, n: int, trials: int, seed: int) -> None:
    found = [
        one.flagged(one.window(EFFECT), one.held(SATURDAY)) > 0
        for one in stories(trials, seed, day, weeks, n)
    ]
    assert_rate_at_most(sum(found), trials, ALLOWED)


@pytest.mark.parametrize(("day", "weeks", "n"), WEEKENDS[1:2])
def test_weekends_are_no_drift_sample(day: float, weeks: int, n: int) -> None:
    flagged_weekends(day, weeks, n, 24, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("day", "weeks", "n"), WEEKENDS[:2])
def test_weekends_are_no_drift(day: float, weeks: int, n: int, seed: int) -> None:
    flagged_weekends(day, weeks, n, 6_700, seed)


@pytest.mark.slow
@pytest.mark.parametrize(("day", "weeks", "n"), WEEKENDS[2:])
def test_weekends_of_other_references_are_no_drift(day: float, weeks: int, n: int) -> None:
    flagged_weekends(day, weeks, n, 2_000, 1)


def pooled(trials: int) -> None:
    """A reference of all days is wrong in one way or the other: loud, or nearly blind."""
    loud, seen, blind = 0, 0, 0
    for one in stories(trials, 5, 0.03, 4, 1_000):
        loud += one.flagged(one.window(EFFECT), one.slices, sliced=False) > 0
        drift = one.window(EFFECT + 0.25)
        seen += int(one.flags(drift, one.held(SATURDAY))[:MOVED].sum())
        blind += int(one.flags(drift, one.slices)[:MOVED].sum())
    assert_rate_at_least(loud, trials, 0.84)
    assert_rate_at_least(seen, MOVED * trials, 0.95)
    assert_rate_at_most(blind, MOVED * trials, 0.6)


def test_what_all_days_together_would_say_of_weekends_sample() -> None:
    pooled(12)


@pytest.mark.slow
def test_what_all_days_together_would_say_of_weekends() -> None:
    pooled(500)


def fed_on(trials: int, day: float, n: int) -> None:
    """A weekend as always is not stuck; a Friday's rows on a Saturday are, in most features."""
    wrong, seen = 0, 0
    for one in stories(trials, 6, day, 4, n):
        wrong += bool(one.stuck(one.window(EFFECT)))
        seen += len(one.stuck(one.window(0.0))) >= MOVED // 2
    assert_rate_at_most(wrong, trials, 0.001)
    assert_rate_at_least(seen, trials, 0.95)


@pytest.mark.parametrize(("day", "n"), [(0.03, 1_000)])
def test_a_feed_that_is_stuck_on_weekdays_sample(day: float, n: int) -> None:
    fed_on(10, day, n)


@pytest.mark.slow
@pytest.mark.parametrize(("day", "n"), [(0.0, 1_000), (0.03, 1_000), (0.03, 10_000)])
def test_a_feed_that_is_stuck_on_weekdays(day: float, n: int) -> None:
    fed_on(1_500, day, n)


# Thursday to Monday of the week after, with two weekends.
ON = [False, False, True, True, *[False] * 5, True, True, False]


def drift_of_weekends(trials: int, day: float) -> None:
    """+.25 sd on weekends only: drifting within two of them, and never drifted."""
    only = 0
    for one in stories(trials, 7, day, 4, 1_000):
        states = _streamed(one)
        only += int(((states > 0).any(0) & (states < 2).all(0))[:MOVED].sum())
    assert_rate_at_least(only, MOVED * trials, 0.95)


def _streamed(one: Story) -> np.ndarray:
    """State of every feature at every window: stable, drifting, drifted as 0, 1, 2."""
    ruler = one.world.ruler
    held = {on: one.held(SATURDAY if on else TUESDAY) for on in (True, False)}
    totals = {on: merge(ruler, part) for on, part in held.items()}
    windows = one.world.days(one.n, [EFFECT + 0.25 if on else 0.0 for on in ON])
    flags = [one.flags(window, held[on]) for window, on in zip(windows, ON, strict=True)]
    states = []
    for last in range(2, len(ON)):
        three = range(last - 2, last + 1)
        mixed = blend([(totals[ON[place]], one.n) for place in three])
        merged = merge(ruler, [windows[place] for place in three])
        effects = score(ruler, mixed.counts[None], merged.counts[None]).effect[0]
        verdicts = [
            stream([bool(flags[place][index]) for place in three], effect, POLICY, 0.1).verdict
            for index, effect in enumerate(effects)
        ]
        states.append([SEVERITY.index(verdict) for verdict in verdicts])
    return np.array(states)


@pytest.mark.parametrize("day", [0.03])
def test_drift_on_weekends_only_sample(day: float) -> None:
    drift_of_weekends(2, day)


@pytest.mark.slow
@pytest.mark.parametrize("day", [0.0, 0.03])
def test_drift_on_weekends_only(day: float) -> None:
    drift_of_weekends(150, day)

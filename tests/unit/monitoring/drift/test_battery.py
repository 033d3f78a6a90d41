"""What every measure of drift has to do, whatever it measures; a new one is listed here first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from monitoring.drift.cells import effect, ordered, unordered
from monitoring.drift.divergence import js, kl, psi
from monitoring.drift.significance import categorical_p, missing_p, numeric_p

SHIFTS = (0.05, 0.1, 0.2, 0.4, 0.8)


@dataclass(frozen=True)
class Measure:
    """A function of two arrays of counts, (..., bins) each, and what is due of it.

    law: shares of the reference; rest: whether the first bin is `rest`, which a reference never
    fills; symmetric: whether both sides may change places.
    """

    call: Callable[[np.ndarray, np.ndarray], np.ndarray]
    law: tuple[float, ...] = (0.1,) * 10
    rest: bool = False
    symmetric: bool = True

    def counts(self, rows: int, shift: float = 0.0) -> np.ndarray:
        """Counts as they are expected, of the law tilted along its bins by that much."""
        law = np.array(self.law)
        place = np.arange(len(law)) - law @ np.arange(len(law))
        tilted = law * np.exp(shift * place / np.sqrt(law @ place**2))
        counts = np.round(rows * tilted / tilted.sum())
        return np.append(0.0, counts) if self.rest else counts

    def drawn(self, rng: np.random.Generator, rows: int, windows: int) -> np.ndarray:
        """Counts of so many windows of no drift, each a model of one feature."""
        counts = rng.multinomial(rows, self.law, (windows, 1)).astype(float)
        return np.concatenate([np.zeros((windows, 1, 1)), counts], -1) if self.rest else counts

    def __call__(self, reference: np.ndarray, current: np.ndarray) -> float:
        """Measure one feature of one model."""
        return float(self.call(reference[None].astype(float), current[None].astype(float))[0])


ZIPF = tuple((1 / np.arange(1, 31) / (1 / np.arange(1, 31)).sum()).tolist())
DISTANCES = {
    "psi": Measure(psi),
    "kl": Measure(kl, symmetric=False),
    "js": Measure(js),
    "effect of bins in order": Measure(lambda a, c: effect(a, c, ordered)),
    "effect of levels": Measure(lambda a, c: effect(a, c, unordered), ZIPF, True, False),
}
TESTS = {
    "numeric": Measure(numeric_p),
    "numeric with ties": Measure(numeric_p, (0.6, 0.05, 0.05, 0.2, 0.1)),
    "numeric of two values": Measure(numeric_p, (0.9, 0.1)),
    "categorical": Measure(categorical_p, ZIPF, True, False),
    "categorical of two levels": Measure(categorical_p, (0.7, 0.3), True, False),
    "missing": Measure(missing_p, (0.05, 0.95)),
}

distances = pytest.mark.parametrize("measure", DISTANCES.values(), ids=DISTANCES)
significances = pytest.mark.parametrize("measure", TESTS.values(), ids=TESTS)
both = pytest.mark.parametrize(
    "measure", [*DISTANCES.values(), *TESTS.values()], ids=[*DISTANCES, *TESTS]
)


@distances
def test_what_is_alike_is_no_distance_apart(measure: Measure) -> None:
    whole = measure.counts(10_000)
    assert -1e-2 < measure(whole, whole) <= 0
    assert measure(whole, measure.counts(1_000)) == pytest.approx(0, abs=0.05)


@significances
def test_what_is_alike_has_no_small_p(measure: Measure) -> None:
    assert measure(measure.counts(10_000), measure.counts(1_000)) > 0.5


@distances
def test_distances_grow_with_the_shift(measure: Measure) -> None:
    found = [measure(measure.counts(10_000), measure.counts(1_000, one)) for one in SHIFTS]
    assert (np.diff(found) > 0).all()


@significances
def test_p_falls_with_the_shift_and_with_the_rows(measure: Measure) -> None:
    found = [measure(measure.counts(10_000), measure.counts(1_000, one)) for one in SHIFTS]
    assert (np.diff(found) <= 0).all()
    assert found[-1] < 1e-6
    rows = [measure(measure.counts(100_000), measure.counts(n, 0.2)) for n in (200, 2_000, 20_000)]
    assert (np.diff(rows) < 0).all()


@distances
def test_distances_are_of_shares_and_not_of_rows(measure: Measure) -> None:
    few, many = (
        measure(measure.counts(10 * rows), measure.counts(rows, 0.5)) for rows in (20_000, 200_000)
    )
    assert few == pytest.approx(many, rel=0.05)


@both
def test_an_empty_side_and_a_single_bin_say_nothing(measure: Measure) -> None:
    some, none = measure.counts(1_000), np.zeros_like(measure.counts(1))
    for sides in ((some, none), (none, some), (none, none)):
        assert np.isnan(measure(*sides))
    one = np.zeros_like(some)
    one[-1] = 500
    found = measure(one, 2 * one)
    assert found == 0 if measure in DISTANCES.values() else np.isnan(found)


@both
def test_empty_bins_behind_change_nothing(measure: Measure) -> None:
    sides = measure.counts(10_000), measure.counts(1_000, 0.1)
    padded = [np.append(side, [0.0] * 7) for side in sides]
    assert measure(*padded) == pytest.approx(measure(*sides), rel=1e-9)


@both
def test_many_at_once_are_as_one_by_one(measure: Measure) -> None:
    rng = np.random.default_rng(8)
    a, c = measure.drawn(rng, 5_000, 12), measure.drawn(rng, 300, 12)
    together = measure.call(a, c)
    assert together.shape == (12, 1)
    alone = [[measure(a[i, 0], c[i, 0])] for i in range(12)]
    assert together == pytest.approx(np.array(alone), rel=1e-9)
    assert measure.call(a[:, 0], c[:, 0]) == pytest.approx(together[:, 0], rel=1e-9)


@both
def test_rows_without_end_are_counted(measure: Measure) -> None:
    """No overflow, and no answer out of its range; a warning would be an error."""
    away = measure.counts(200)[::-1].copy()
    for scale in (1, 1e6, 1e12):
        found = measure(scale * measure.counts(1_000), scale * away)
        assert np.isfinite(found)
        assert found <= 1 or measure in DISTANCES.values()


wild = st.lists(st.tuples(*[st.integers(0, 2_000)] * 2), min_size=2, max_size=12)


@both
@settings(deadline=None, max_examples=25)
@given(counts=wild)
def test_any_counts_have_an_answer_or_none(measure: Measure, counts: list[tuple[int, int]]) -> None:
    a, c = np.array(counts[:2] if measure.call is missing_p else counts).T
    if measure.rest:
        a, c = np.append(0, a), np.append(0, c)
    found = measure(a, c)
    if not a.any() or not c.any():
        assert np.isnan(found)
    elif measure in DISTANCES.values():
        floor = len(a) * (1 / a.sum() + 1 / c.sum())
        assert found >= -floor
    else:
        assert np.isnan(found) or 0 <= found <= 1
    if measure.symmetric:
        assert measure(c, a) == pytest.approx(found, rel=1e-6, abs=1e-12, nan_ok=True)


@significances
@pytest.mark.parametrize("rows", [200, 1_000, 20_000])
def test_p_is_no_smaller_than_chance_has_it(measure: Measure, rows: int) -> None:
    """Each feature is a model of its own, so nothing is shared; a chance in a million to fail."""
    rng, windows = np.random.default_rng((9, rows)), 2_000
    p = measure.call(measure.drawn(rng, 10_000, windows), measure.drawn(rng, rows, windows))
    for level in (0.05, 0.01, 0.001):
        assert (p <= level).sum() <= binom.ppf(1 - 1e-6, windows, level)

"""What every measure of drift has to do, whatever it measures; a new one is listed here first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
    fills; symmetric: whether both sides may change places; levels: whether bins have no order.
    """

    call: Callable[[np.ndarray, np.ndarray], np.ndarray]
    law: tuple[float, ...] = (0.1,) * 10
    rest: bool = False
    symmetric: bool = True
    levels: bool = False

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
    "psi": Measure(psi, levels=True),
    "kl": Measure(kl, symmetric=False, levels=True),
    "js": Measure(js, levels=True),
    "effect of bins in order": Measure(lambda a, c: effect(a, c, ordered)),
    "effect of levels": Measure(lambda a, c: effect(a, c, unordered), ZIPF, True, False, True),
}
TESTS = {
    "numeric": Measure(numeric_p),
    "numeric with ties": Measure(numeric_p, (0.6, 0.05, 0.05, 0.2, 0.1)),
    "numeric of two values": Measure(numeric_p, (0.9, 0.1)),
    "categorical": Measure(categorical_p, ZIPF, True, False, True),
    "categorical of two levels": Measure(categorical_p, (0.7, 0.3), True, False, True),
    "missing": Measure(missing_p, (0.05, 0.95), levels=True),
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


def examples(measure: Measure, number: int = 100) -> list[tuple[np.ndarray, np.ndarray]]:
    """Counts of shares of any kind: even ones, a few large, many at nothing on either side."""
    rng = np.random.default_rng(12)
    found: list[Any] = []
    while len(found) < number:
        size = 2 if len(measure.law) == 2 else int(rng.integers(2, 24))
        law = rng.dirichlet(np.full(size, rng.choice([0.1, 0.5, 5.0])))
        other = rng.dirichlet(1e-9 + law * rng.choice([5, 50, 1e6]))
        m, n = (int(rows) for rows in np.exp(rng.uniform(np.log(60), np.log(30_000), 2)))
        a, c = rng.multinomial(m, law).astype(float), rng.multinomial(n, other).astype(float)
        if (np.minimum(a.sum(), c.sum()) > 0) and ((a + c) > 0).sum() > 1:
            found.append((a, c))
    return found


def laid(measure: Measure, side: np.ndarray) -> np.ndarray:
    """Put the empty first bin before levels where there is one."""
    return np.append(0.0, side) if measure.rest else side


@pytest.mark.parametrize(
    "measure",
    [one for one in [*DISTANCES.values(), *TESTS.values()] if one.levels],
    ids=[name for name, one in {**DISTANCES, **TESTS}.items() if one.levels],
)
def test_the_order_of_levels_says_nothing(measure: Measure) -> None:
    rng = np.random.default_rng(13)
    for a, c in examples(measure):
        found = measure(laid(measure, a), laid(measure, c))
        order = rng.permutation(len(a))
        other = measure(laid(measure, a[order]), laid(measure, c[order]))
        assert other == pytest.approx(found, rel=1e-9, abs=1e-12), (a, c, order)


@both
def test_a_mirror_changes_nothing(measure: Measure) -> None:
    for a, c in examples(measure):
        found = measure(laid(measure, a), laid(measure, c))
        mirrored = measure(laid(measure, a[::-1]), laid(measure, c[::-1]))
        assert mirrored == pytest.approx(found, rel=1e-9, abs=1e-12), (a, c)


@both
@pytest.mark.parametrize("place", [0, 1, -1])
def test_what_one_side_alone_has_is_always_seen(measure: Measure, place: int) -> None:
    """A new bin at either end or inside, and the same one gone: further apart with every row."""
    whole = np.array(measure.law)
    without = whole.copy()
    without[place] = 0
    reference = laid(measure, np.round(10_000 * without / without.sum()))
    steps = [0.01, 0.05, 0.2, 0.9]
    windows = []
    for share in steps:
        current = np.round(1_000 * (1 - share) * without / without.sum())
        current[place] = 1_000 * share
        windows.append(laid(measure, current))
    for sides in (
        [(reference, one) for one in windows],
        [(10 * one, reference) for one in windows],
    ):
        found = np.array([measure(*pair) for pair in sides])
        assert not np.isnan(found).any()
        if measure in DISTANCES.values():
            assert (np.diff(found) > 0).all(), found
        else:
            assert (np.diff(found) <= 0).all(), found
            assert found[0] < 0.01, found
            assert found[1] < 1e-9, found


@pytest.mark.parametrize("measure", [Measure(js), Measure(kl)], ids=["js", "kl"])
def test_merging_bins_brings_shares_nearer(measure: Measure) -> None:
    """The data processing inequality, which holds without the half row that kl adds to each bin."""
    rng = np.random.default_rng(14)
    for a, c in examples(measure):
        a, c = 1e9 * (a + 1), 1e9 * (c + 1)
        cells = rng.integers(0, max(len(a) // 2, 1), len(a))
        merged = [np.bincount(cells, side) for side in (a, c)]
        assert measure(*merged) <= measure(a, c) + 1e-9


@both
def test_no_step_of_a_growing_shift_brings_shares_nearer(measure: Measure) -> None:
    for rows in (100, 1_000, 100_000):
        reference = measure.counts(10_000)
        shifts = (
            np.linspace(0, 1.5, 25) if measure in DISTANCES.values() else np.linspace(0.2, 3, 15)
        )
        found = [measure(reference, measure.counts(rows * 1_000, one) / 1_000) for one in shifts]
        steps = np.diff(found) if measure in DISTANCES.values() else -np.diff(found)
        assert (steps >= -1e-9).all(), (rows, found)

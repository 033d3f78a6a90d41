"""Fifty kinds of change, each from invisible to absurd: the verdict never weakens on the way.

Both sides are quantiles of a law, in an order that means nothing, so that nothing varies but the
change. The size of a change rises from the first to the last; the first is none, the last is
always `drifted`. Sizes lie far enough apart for one to be seen before the next.

Kinds that leave the share of every decile, atom and tail as it was cannot be seen and are not here:
rounding to less than a decile, clipping within one, a shuffle of rows, a narrow mode inside a bin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import ndtri

from monitoring.drift.assessment import assess
from monitoring.drift.report import FeatureReport
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import sketch
from monitoring.drift.verdict import SEVERITY, Policy

Column: TypeAlias = pa.Array
Change = Callable[[float, int], tuple[Column, Column]]
M = 10_000
#: Rows of the window; of few only the absurd can be seen, of many most.
WINDOWS = [2_000, *(pytest.param(n, marks=pytest.mark.slow) for n in (60, 20_000))]
CHANGES: dict[str, tuple[Change, Sequence[float]]] = {}


def kind(*sizes: float) -> Callable[[Change], Change]:
    """List a kind of change by its function's name, with its sizes, the first of which is none."""

    def listed(change: Change) -> Change:
        CHANGES[change.__name__.replace("_", " ")] = (change, sizes)
        return change

    return listed


def spots(rows: int) -> np.ndarray:
    """Shares (i + ½)/rows in an order that hangs together with nothing."""
    return np.random.default_rng(rows).permutation((np.arange(rows) + 0.5) / rows)


def normal(rows: int) -> np.ndarray:
    return ndtri(spots(rows))


def skewed(rows: int) -> np.ndarray:
    return np.exp(normal(rows))


def counts(rows: int) -> np.ndarray:
    """Whole numbers from 0 on, each half as frequent as the one before."""
    return np.floor(-np.log2(1 - spots(rows)))


def held(rows: int, share: float, at: float, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """Draw `share` of all rows at one value, the others evenly from low to high."""
    u = spots(rows)
    return np.where(u < share, at, low + (high - low) * (u - share) / max(1 - share, 1e-9))


def levels(rows: int, shares: dict[str, float]) -> Column:
    """Rows of named levels; their shares are brought to one."""
    total = np.cumsum(list(shares.values()))
    codes = np.searchsorted(total / total[-1], spots(rows))
    return pa.array(np.array(list(shares), object)[codes].tolist(), pa.string())


def lost(values: np.ndarray, share: float) -> Column:
    """Take `share` of the values away, whatever they are."""
    where = np.random.default_rng(1).permutation(len(values)) < round(share * len(values))
    return pa.array(values, mask=where)


def numbers(reference: np.ndarray, current: np.ndarray) -> tuple[Column, Column]:
    return pa.array(reference), pa.array(current)


def part(share: float, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Take that share of the rows from `other`, whatever they are."""
    where = np.random.default_rng(2).permutation(len(one)) < round(share * len(one))
    return np.where(where, other, one)


SHOPS = {"a": 0.4, "b": 0.25, "c": 0.15, "d": 0.1, "e": 0.05, "f": 0.05}
SHARES = (0.0, 0.0005, 0.01, 0.04, 0.2, 1.0)

# Continuous features


@kind(0, 0.01, 0.12, 0.3, 1, 100)
def mean_shift(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(normal(M), normal(n) + size)


@kind(0, 0.01, 0.12, 0.3, 1, 100)
def mean_shift_downwards(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(normal(M), normal(n) - size)


@kind(1, 1.01, 1.15, 1.5, 3, 1_000)
def scale_widens(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(normal(M), normal(n) * size)


@kind(1, 0.99, 0.9, 0.7, 0.3, 0)
def scale_narrows_to_nothing(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(normal(M), normal(n) * size)


@kind(*SHARES)
def spike_at_an_inner_value(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(normal(M), part(size, normal(n), np.full(n, 0.1)))


@kind(*SHARES)
def new_sentinel_far_below(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(skewed(M), part(size, skewed(n), np.full(n, -999.0)))


@kind(*SHARES)
def new_sentinel_zero_below_all(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(10 + skewed(M), part(size, 10 + skewed(n), np.zeros(n)))


@kind(*SHARES)
def new_sentinel_at_the_largest_number(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(normal(M), part(size, normal(n), np.full(n, np.finfo(float).max)))


@kind(*SHARES)
def new_sentinel_at_the_reference_maximum(size: float, n: int) -> tuple[pa.Array, ...]:
    reference = normal(M)
    return numbers(reference, part(size, normal(n), np.full(n, reference.max())))


@kind(1, 1.005, 1.1, 1.3, 3, 1_000)
def unit_changes(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(skewed(M), skewed(n) * size)


@kind(1, 0.995, 0.9, 0.75, 0.3, 0.001)
def unit_changes_downwards(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(skewed(M), skewed(n) * size)


@kind(*SHARES)
def unit_changes_in_some_rows(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(skewed(M), part(size, skewed(n), 1_000 * skewed(n)))


@kind(*SHARES)
def sign_flips_in_some_rows(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(skewed(M), part(size, skewed(n), -skewed(n)))


@kind(0, 0.0005, 0.005, 0.02, 0.08, 0.5)
def upper_tail_times_ten_thousand(size: float, n: int) -> tuple[pa.Array, ...]:
    cut = normal(n)
    return numbers(normal(M), np.where(cut > ndtri(1 - size), cut * 1e4, cut))


@kind(0, 0.0005, 0.005, 0.02, 0.08, 0.5)
def lower_tail_times_ten_thousand(size: float, n: int) -> tuple[pa.Array, ...]:
    cut = normal(n)
    return numbers(normal(M), np.where(cut < ndtri(size), cut * 1e4, cut))


@kind(0, 0.0005, 0.03, 0.1, 0.3, 0.9)
def tails_grow_heavy(size: float, n: int) -> tuple[pa.Array, ...]:
    """Cauchy's law takes the place of the normal one in a share of the rows."""
    heavy = np.tan(np.pi * (spots(n) - 0.5)) * 10
    return numbers(normal(M), part(size, normal(n), heavy))


@kind(0, 0.05, 0.7, 1, 2, 20)
def two_modes_part(size: float, n: int) -> tuple[pa.Array, ...]:
    signs = np.where(np.random.default_rng(4).permutation(n) < n / 2, 1, -1)
    return numbers(normal(M), normal(n) * np.sqrt(1 - min(size, 0.99) ** 2) + size * signs)


@kind(1, 0.999, 0.9, 0.75, 0.5, 0.01)
def range_is_truncated_above(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(normal(M), ndtri(size * spots(n)))


@kind(0, 0.001, 0.1, 0.25, 0.5, 0.99)
def range_is_truncated_below(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(normal(M), ndtri(size + (1 - size) * spots(n)))


@kind(1, 0.9995, 0.8, 0.6, 0.3, 0.01)
def values_are_clipped(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(normal(M), np.minimum(normal(n), ndtri(size)))


@kind(0, 0.001, 2, 4, 8, 1_000)
def values_are_rounded_coarsely(size: float, n: int) -> tuple[pa.Array, ...]:
    """To multiples of so many standard deviations: two put a third of the rows at 0."""
    rounded = np.round(normal(n) / size) * size if size else normal(n)
    return numbers(normal(M), rounded)


@kind(*SHARES)
def zeros_flood_in(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(skewed(M), part(size, skewed(n), np.zeros(n)))


@kind(*SHARES)
def one_value_takes_over(size: float, n: int) -> tuple[pa.Array, ...]:
    """At last all values are equal: the median."""
    return numbers(normal(M), part(size, normal(n), np.zeros(n)))


@kind(0, 0.02, 0.1, 0.3, 0.7, 1)
def rows_are_a_few_repeated(size: float, n: int) -> tuple[pa.Array, ...]:
    """So much of the window repeats its first five rows."""
    return numbers(normal(M), part(size, normal(n), np.resize(normal(n)[:5], n)))


# Atoms


@kind(0.4, 0.405, 0.45, 0.55, 0.8, 1)
def atom_grows_at_the_minimum(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(held(M, 0.4, 0), held(n, size, 0))


@kind(0.4, 0.395, 0.35, 0.25, 0.1, 0)
def atom_vanishes_at_the_minimum(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(held(M, 0.4, 0), held(n, size, 0))


@kind(0.4, 0.405, 0.45, 0.55, 0.8, 1)
def atom_grows_inside(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(held(M, 0.4, 0.5), held(n, size, 0.5))


@kind(0.4, 0.395, 0.35, 0.25, 0.1, 0)
def atom_vanishes_inside(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(held(M, 0.4, 0.5), held(n, size, 0.5))


@kind(0.4, 0.405, 0.45, 0.55, 0.8, 1)
def atom_grows_at_the_maximum(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(held(M, 0.4, 1), held(n, size, 1))


@kind(0.4, 0.395, 0.35, 0.25, 0.1, 0)
def atom_vanishes_at_the_maximum(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(held(M, 0.4, 1), held(n, size, 1))


@kind(*SHARES)
def atom_at_the_minimum_turns_sentinel(size: float, n: int) -> tuple[pa.Array, ...]:
    zeros = held(n, 0.4, 0)
    return numbers(
        held(M, 0.4, 0), np.where(zeros == 0, part(size, zeros, np.full(n, -1.0)), zeros)
    )


@kind(*SHARES)
def atom_inside_moves_by_a_hair(size: float, n: int) -> tuple[pa.Array, ...]:
    zeros = held(n, 0.4, 0, -1)
    moved = part(size, zeros, np.full(n, 1e-300))
    return numbers(held(M, 0.4, 0, -1), np.where(zeros == 0, moved, zeros))


# Few values, flags and constants


@kind(0.02, 0.021, 0.035, 0.07, 0.2, 1)
def flag_goes_up(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers((spots(M) < 0.02).astype(int), (spots(n) < size).astype(int))


@kind(0.98, 0.979, 0.965, 0.93, 0.8, 0)
def flag_goes_down(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers((spots(M) < 0.98).astype(int), (spots(n) < size).astype(int))


@kind(0.02, 0.021, 0.035, 0.07, 0.2, 1)
def truth_goes_up(size: float, n: int) -> tuple[pa.Array, ...]:
    return pa.array(spots(M) < 0.02), pa.array(spots(n) < size)


@kind(*SHARES)
def whole_numbers_shift_by_one(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(counts(M).astype(int), part(size, counts(n), counts(n) + 1).astype(int))


@kind(*SHARES)
def many_whole_numbers_shift_by_ten(size: float, n: int) -> tuple[pa.Array, ...]:
    ages = (spots(n) * 80).astype(int)
    return numbers((spots(M) * 80).astype(int), part(size, ages, ages + 10))


@kind(*SHARES)
def new_code_among_few(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(counts(M) % 5, part(size, counts(n) % 5, np.full(n, 7.0)))


@kind(*SHARES)
def constant_begins_to_vary(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(np.full(M, 20.0), part(size, np.full(n, 20.0), 20 + normal(n)))


@kind(*SHARES)
def constant_to_another_constant(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(np.zeros(M), part(size, np.zeros(n), np.ones(n)))


@kind(*SHARES)
def constant_to_a_smaller_constant(size: float, n: int) -> tuple[pa.Array, ...]:
    return numbers(np.full(M, 20), part(size, np.full(n, 20), np.full(n, 19)))


# Levels


@kind(*SHARES)
def new_level(size: float, n: int) -> tuple[pa.Array, ...]:
    return levels(M, SHOPS), levels(
        n, {**{k: v * (1 - size) for k, v in SHOPS.items()}, "new": size}
    )


@kind(1, 0.99, 0.8, 0.5, 0.1, 0)
def largest_level_vanishes(size: float, n: int) -> tuple[pa.Array, ...]:
    return levels(M, SHOPS), levels(n, SHOPS | {"a": 0.4 * size})


@kind(1, 1.01, 1.3, 2, 4, 1_000)
def small_level_grows(size: float, n: int) -> tuple[pa.Array, ...]:
    return levels(M, SHOPS), levels(n, SHOPS | {"f": 0.05 * size})


@kind(*SHARES)
def level_is_renamed(size: float, n: int) -> tuple[pa.Array, ...]:
    return levels(M, SHOPS), levels(n, SHOPS | {"b": 0.25 * (1 - size), "bee": 0.25 * size})


@kind(0, 0.0005, 0.01, 0.1, 0.5, 1)
def two_levels_merge(size: float, n: int) -> tuple[pa.Array, ...]:
    return levels(M, SHOPS), levels(n, SHOPS | {"a": 0.4 + 0.25 * size, "b": 0.25 * (1 - size)})


@kind(*SHARES)
def two_levels_swap(size: float, n: int) -> tuple[pa.Array, ...]:
    there, back = 0.4 - 0.3 * size, 0.1 + 0.3 * size
    return levels(M, SHOPS), levels(n, SHOPS | {"a": there, "d": back})


@kind(*SHARES)
def levels_change_their_case(size: float, n: int) -> tuple[pa.Array, ...]:
    upper = {name.upper(): share * size for name, share in SHOPS.items()}
    return levels(M, SHOPS), levels(n, {k: v * (1 - size) for k, v in SHOPS.items()} | upper)


@kind(*SHARES)
def constant_level_gets_company(size: float, n: int) -> tuple[pa.Array, ...]:
    return levels(M, {"only": 1.0}), levels(n, {"only": 1 - size, "other": size})


@kind(*SHARES)
def level_among_three_hundred_takes_over(size: float, n: int) -> tuple[pa.Array, ...]:
    many = {f"l{i}": 1 / (i + 1) for i in range(300)}
    total = sum(many.values())
    return levels(M, many), levels(n, many | {"l9": 0.1 + size * 100 * total})


# Missing values


@kind(0.05, 0.051, 0.07, 0.12, 0.4, 1)
def missing_share_rises_to_all(size: float, n: int) -> tuple[pa.Array, ...]:
    return lost(normal(M), 0.05), lost(normal(n), size)


@kind(0.4, 0.399, 0.36, 0.3, 0.15, 0)
def missing_share_falls_to_none(size: float, n: int) -> tuple[pa.Array, ...]:
    return lost(normal(M), 0.4), lost(normal(n), size)


@kind(1, 0.9995, 0.985, 0.9, 0.5, 0)
def column_that_was_always_missing_is_filled(size: float, n: int) -> tuple[pa.Array, ...]:
    return pa.nulls(M, pa.float64()), lost(normal(n), size)


@kind(0, 0.0005, 0.01, 0.1, 0.5, 0.99)
def twenty_values_are_left(size: float, n: int) -> tuple[pa.Array, ...]:
    return pa.array(normal(M)), lost(normal(n), size)


@kind(0, 0.0005, 0.01, 0.1, 0.5, 1)
def levels_go_missing(size: float, n: int) -> tuple[pa.Array, ...]:
    found = np.array(levels(n, SHOPS).to_pylist())
    return levels(M, SHOPS), lost(found, size)


@kind(*SHARES)
def numbers_are_imputed_by_the_mean(size: float, n: int) -> tuple[pa.Array, ...]:
    """A third was missing; now so much of it is filled with one value."""
    gaps = normal(n)
    filled = part(1 / 3, gaps, np.where(spots(n) < size, 0.0, np.nan))
    return lost(normal(M), 1 / 3), pa.array(filled, mask=np.isnan(filled))


def judged(reference: Column, current: Column) -> FeatureReport:
    """Report on one feature of its own model."""
    one, other = pa.table({"x": reference}), pa.table({"x": current})
    ruler = Ruler.of(one)
    (report,) = assess(ruler, sketch(one, ruler), sketch(other, ruler), Policy()).features
    return report


kinds = pytest.mark.parametrize("name", CHANGES)
windows = pytest.mark.parametrize("n", WINDOWS)


def test_there_are_forty_kinds_of_change() -> None:
    assert len(CHANGES) >= 40
    assert {len(sizes) for _, sizes in CHANGES.values()} == {6}


@kinds
@windows
def test_a_larger_change_is_never_judged_less(name: str, n: int) -> None:
    change, sizes = CHANGES[name]
    found = [judged(*change(size, n)) for size in sizes]
    told = [(size, str(one.verdict), one.reason) for size, one in zip(sizes, found, strict=True)]
    verdicts = [one.verdict for one in found]
    if name == "column that was always missing is filled":
        # Neither side has a value; one value of sixty is no finding either.
        assert verdicts[0] == "insufficient", told
        known = [verdict != "insufficient" for verdict in verdicts]
        verdicts = verdicts[known.index(True) :]
    else:
        assert verdicts[0] == "stable", told
    assert "insufficient" not in verdicts, told
    places = [SEVERITY.index(verdict) for verdict in verdicts]
    assert places == sorted(places), told
    assert verdicts[-1] == "drifted", told
    assert found[1].verdict != "drifted", told  # one row in two thousand, or a hundredth of an sd
    assert n < 1_000 or verdicts[-2] != "stable", told

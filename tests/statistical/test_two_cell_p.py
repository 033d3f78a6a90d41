"""The p-value of two cells lies between half and twice those of Fisher's exact and chi-square test.

Both are scipy's, two-sided and without correction. Whatever a pair of cells is called, the first or
the second, a number, a truth value, a word, missing or present, and whichever side is the
reference, it is the same table and has the same p-value.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import chi2_contingency, fisher_exact

from monitoring.drift.assessment import assess
from monitoring.drift.ruler import Ruler
from monitoring.drift.scoring import score
from monitoring.drift.significance import categorical_p, missing_p, numeric_p
from monitoring.drift.sketch import sketch
from monitoring.drift.verdict import Policy

SMALLEST = 1e-12
TABLES, THROUGH = 500, 50
#: A one-sided novelty, a flag that goes from 2 to 10 %, a missing share from 5 to 15 %, and others.
KNOWN = (
    ((8_736, 0), (1_303, 41)),
    ((9_800, 200), (900, 100)),
    ((9_500, 500), (850, 150)),
    ((200, 9_800), (0, 1_000)),
    ((5_000, 5_000), (465, 535)),
    ((10_000, 0), (995, 5)),
    ((1_000, 0), (9_950, 50)),
    ((300, 0), (297, 3)),
    ((40, 2), (31, 9)),
    ((500, 500), (46_500, 53_500)),
    # Twice the exact tail is all but twice Fisher's p: an approximation has no room above it.
    ((12, 29), (25, 219)),
    ((6_907, 31_349), (23, 31)),
    ((238, 27_326), (41, 1_670)),
    ((10, 10_988), (30, 86_316)),
)

Table = tuple[tuple[int, int], tuple[int, int]]


def other_p(table: Table) -> tuple[float, float]:
    """Fisher's and chi-square's p-values, the smaller first."""
    first, second = fisher_exact(table).pvalue, chi2_contingency(table, correction=False).pvalue
    return min(first, second), max(first, second)


def grid() -> list[Table]:
    """Tables of 40 to 100,000 rows a side, of shares from nothing to a half, alike or apart."""
    rng, found = np.random.default_rng(21), list(KNOWN)
    while len(found) < TABLES:
        m, n = np.exp(rng.uniform(np.log(40), np.log(100_000), 2)).astype(int).tolist()
        share = float(np.exp(rng.uniform(np.log(1e-4), np.log(0.5))))
        logit = np.log(share / (1 - share)) + rng.normal() * rng.choice([0, 0.1, 0.5, 2.0])
        a, c = int(rng.binomial(m, share)), int(rng.binomial(n, 1 / (1 + np.exp(-logit))))
        if 0 < a + c < m + n and other_p(((a, m - a), (c, n - c)))[0] >= SMALLEST:
            found.append(((a, m - a), (c, n - c)))
    return found


GRID = grid()
BOUNDS = np.array([other_p(table) for table in GRID])
WAYS: dict[str, tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], bool]] = {
    "numeric": (numeric_p, False),
    "categorical": (categorical_p, True),
    "missing": (missing_p, False),
}
#: A combination of several p-values takes none for larger than this.
CERTAIN = partial(np.minimum, 0.99)
ways = pytest.mark.parametrize(("call", "rest"), WAYS.values(), ids=WAYS)


def bare(
    call: Callable[[np.ndarray, np.ndarray], np.ndarray], rest: bool, tables: np.ndarray
) -> np.ndarray:
    """p by table, each a model of one feature; `rest`: behind a first cell that stays empty."""
    sides = tables.astype(float)[:, :, None]
    if rest:
        sides = np.concatenate([np.zeros_like(sides[..., :1]), sides], -1)
    return call(sides[:, 0], sides[:, 1])[:, 0]


@ways
def test_p_lies_between_half_and_twice_that_of_two_known_tests(
    call: Callable[..., Any], rest: bool
) -> None:
    p = bare(call, rest, np.array(GRID))
    within = (p >= BOUNDS[:, 0] / 2) & (p <= 2 * BOUNDS[:, 1])
    off = np.maximum(BOUNDS[:, 0] / p, p / BOUNDS[:, 1])
    print(f"{within.sum()} of {len(GRID)} tables; worst {np.nanmax(off):.3f}")
    assert not np.isnan(p).any()
    assert within.all(), [
        (GRID[i], p[i], *BOUNDS[i]) for i in np.flatnonzero(~within)[np.argsort(-off[~within])][:5]
    ]


@ways
@pytest.mark.parametrize("turn", ["sides", "cells", "both"])
def test_neither_the_order_of_sides_nor_that_of_cells_matters(
    call: Callable[..., Any], rest: bool, turn: str
) -> None:
    tables = np.array(GRID)
    turned = tables[:, ::-1] if turn != "cells" else tables
    turned = turned[..., ::-1] if turn != "sides" else turned
    p = bare(call, rest, tables)
    np.testing.assert_allclose(bare(call, rest, turned), p, rtol=1e-9)


def test_numbers_levels_and_missing_values_have_one_p() -> None:
    found = [CERTAIN(bare(call, rest, np.array(GRID))) for call, rest in WAYS.values()]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9)
    np.testing.assert_allclose(found[2], found[0], rtol=1e-9)


COLUMNS: dict[str, Callable[[np.ndarray], pa.Array]] = {
    "0 and 1": lambda ones: pa.array(ones.astype(np.int8)),
    "1 and 0": lambda ones: pa.array(1 - ones.astype(np.int64)),
    "floats": lambda ones: pa.array(np.where(ones, 7.5, -1e9)),
    "floats mirrored": lambda ones: pa.array(np.where(ones, -7.5, 1e9)),
    "booleans": lambda ones: pa.array(ones),
    "text": lambda ones: pa.array(np.where(ones, "yes", "no").tolist()),
    "text relabelled": lambda ones: pa.array(np.where(ones, "a", "zebra").tolist()),
}


def rows(counts: tuple[int, int]) -> pa.Table:
    """Rows of two values, in every disguise, and a column in which one of the two is missing."""
    ones = np.repeat([False, True], counts)
    columns = {name: make(ones) for name, make in COLUMNS.items()}
    columns["missing"] = pa.array(np.zeros(len(ones)), mask=ones)
    columns["present"] = pa.array(np.zeros(len(ones)), mask=~ones)
    return pa.table(columns)


def test_rows_of_two_values_have_that_p_in_every_disguise() -> None:
    """From rows to p, by ruler, sketch and score; the first of these tables are the known ones."""
    for place in (*range(len(KNOWN)), *range(len(KNOWN), TABLES, TABLES // THROUGH)):
        reference, current = (rows(side) for side in GRID[place])
        ruler = Ruler.of(reference)
        sides = (sketch(side, ruler).counts[None] for side in (reference, current))
        scores = score(ruler, *sides)
        p = dict(zip(ruler.features, scores.p_values[0], strict=True))
        missing = dict(zip(ruler.features, scores.p_missing[0], strict=True))
        found = [p[name] for name in COLUMNS] + [missing["missing"], missing["present"]]
        low, high = BOUNDS[place]
        assert min(low / 2, 0.99) <= found[0] <= 2 * high, GRID[place]
        np.testing.assert_allclose(CERTAIN(found), CERTAIN(found[0]), rtol=1e-9)


def test_a_flag_or_a_missing_share_that_grows_fourfold_has_drifted() -> None:
    """The flag goes from 2 to 10 % (chi-square 4e-11); 95 of 100 values become 85."""
    flag = {
        "flag": np.repeat([0, 1], (9_800, 200)),
        "amount": np.repeat([1.0, np.nan], (9_500, 500)),
    }
    later = {"flag": np.repeat([0, 1], (900, 100)), "amount": np.repeat([1.0, np.nan], (850, 150))}
    reference, current = pa.table(flag), pa.table(later)
    ruler = Ruler.of(reference)
    report = assess(ruler, sketch(reference, ruler), sketch(current, ruler), Policy())
    assert {one.name: str(one.verdict) for one in report.features} == {
        "flag": "drifted",
        "amount": "drifted",
    }

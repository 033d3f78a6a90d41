"""The same rows in another disguise get the same verdict: words, numbers, truth values, mirrors.

From rows to the verdict: ruler, sketches and report. Numbers are judged along their order, which
words do not have; so a number may be judged more severely than the words for it, never less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import ndtri

from monitoring.drift.assessment import assess
from monitoring.drift.report import FeatureReport
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import sketch
from monitoring.drift.verdict import SEVERITY, Policy

M, N = 10_000, 1_000
POLICY = Policy()
rows = pytest.mark.parametrize(
    "n", [N, *(pytest.param(n, marks=pytest.mark.slow) for n in (100, 50_000))]
)
Sides = tuple[np.ndarray, np.ndarray]


def judged(reference: pa.Array, current: pa.Array) -> FeatureReport:
    """Report on one feature of its own model."""
    one, other = pa.table({"x": reference}), pa.table({"x": current})
    ruler = Ruler.of(one)
    (report,) = assess(ruler, sketch(one, ruler), sketch(other, ruler), POLICY).features
    return report


def both(sides: Sides, make: Callable[[np.ndarray], object]) -> FeatureReport:
    """Judge both sides after the same rewriting."""
    return judged(*(pa.array(make(side)) for side in sides))


def words(values: np.ndarray) -> list[str]:
    """Name every value."""
    found, codes = np.unique(values, return_inverse=True)
    names = np.array([f"v{value:g}" for value in found.tolist()], object)
    return list(names[codes])


def coins(share: float, n: int) -> np.ndarray:
    return np.repeat([0, 1], [n - round(share * n), round(share * n)])


def spread(shares: Sequence[float], n: int) -> np.ndarray:
    """Whole numbers from 0 on in those shares."""
    ends = np.round(np.cumsum(shares) / sum(shares) * n).astype(int)
    return np.repeat(np.arange(len(shares)), np.diff(ends, prepend=0))


def spots(n: int) -> np.ndarray:
    return (np.arange(n) + 0.5) / n


FLAGS = [
    *((0.02, 0.10), (0.98, 0.90), (0.98, 0.0), (0.02, 0.0), (0.5, 0.5), (0.5, 0.54), (0.5, 0.8)),
    *((0.0, 0.05), (1.0, 0.95), (0.0, 1.0), (0.0, 0.003), (0.02, 0.05), (0.3, 0.3), (0.3, 0.33)),
]


@pytest.mark.parametrize(("before", "after"), FLAGS)
@rows
def test_a_flag_is_one_flag_in_every_disguise(before: float, after: float, n: int) -> None:
    sides = coins(before, M), coins(after, n)
    disguises: list[Callable[[np.ndarray], object]] = [
        lambda side: side.astype(np.int8),
        lambda side: 1 - side,
        lambda side: np.where(side, 7.5, -1e9),
        lambda side: side == 1,
        lambda side: side == 0,
        lambda side: ["yes" if one else "no" for one in side],
        lambda side: ["a" if one else "b" for one in side],
    ]
    found = [both(sides, one) for one in disguises]
    assert len({one.verdict for one in found}) == 1, [(one.verdict, one.reason) for one in found]
    for name in ("p_value", "psi", "kl", "js", "effect"):
        numbers = np.array([getattr(one, name) for one in found], float)  # none is NaN
        np.testing.assert_allclose(numbers, numbers[0], rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(("before", "after"), FLAGS)
def test_missing_and_present_may_change_places(before: float, after: float) -> None:
    sides = coins(before, M), coins(after, N)
    found = [
        judged(*(pa.array(np.zeros(len(side)), mask=side == gap) for side in sides))
        for gap in (0, 1)
    ]
    told = {str(one.verdict) for one in found}
    if before in (0.0, 1.0) and "insufficient" in told:
        # Where the reference has no value at all, a few are too few for more than this.
        assert told == {"stable", "insufficient"}, [one.reason for one in found]
        return
    assert len(told) == 1, [one.reason for one in found]
    p = np.array([one.p_value for one in found], float)
    np.testing.assert_allclose(p, p[0], rtol=1e-9)


FEW = {
    "a value that grows": ([10, 20, 40, 20, 10], [10, 20, 40, 15, 15]),
    "the smallest vanishes": ([30, 20, 20, 20, 10], [0, 30, 30, 25, 15]),
    "the largest vanishes": ([10, 20, 20, 20, 30], [15, 25, 30, 30, 0]),
    "an inner one vanishes": ([20, 20, 20, 20, 20], [25, 25, 0, 25, 25]),
    "a new one above all": ([50, 30, 20, 0], [45, 30, 20, 5]),
    "a new one below all": ([0, 20, 30, 50], [5, 20, 30, 45]),
    "a new one inside": ([50, 0, 50], [47, 6, 47]),
    "all at a new one": ([50, 50, 0], [0, 0, 100]),
    "one rare value doubles": ([60, 36, 4], [58, 34, 8]),
    "nothing": ([10, 20, 40, 20, 10], [10, 20, 40, 20, 10]),
    "twenty values, two of which swap": ([5] * 18 + [2, 8], [5] * 18 + [8, 2]),
    "a constant begins to vary": ([0, 100, 0], [1, 98, 1]),
}
few = pytest.mark.parametrize("case", FEW.values(), ids=FEW)


@few
@rows
def test_numbers_are_never_judged_less_than_the_words_for_them(
    case: tuple[list[int], ...], n: int
) -> None:
    sides = spread(case[0], M), spread(case[1], n)
    text, number = both(sides, words), both(sides, lambda side: side)
    assert SEVERITY.index(number.verdict) >= SEVERITY.index(text.verdict), (
        text.reason,
        number.reason,
    )
    new = [place for place, share in enumerate(case[0]) if not share and case[1][place]]
    for name in ("psi", "kl", "js") if len(new) < 2 else ():  # new words are one cell, `rest`
        assert getattr(number, name) == pytest.approx(getattr(text, name), rel=1e-9), name


@few
def test_no_size_of_a_change_is_judged_less_in_numbers_than_in_words(
    case: tuple[list[int], ...],
) -> None:
    reference, whole = spread(case[0], M), np.array(case[1], float) / sum(case[1])
    usual = np.array(case[0], float) / sum(case[0])
    for size in np.arange(0, 1.01, 0.12):
        sides = reference, spread((usual + size * (whole - usual)).tolist(), 2_000)
        text, number = both(sides, words), both(sides, lambda side: side)
        found = SEVERITY.index(number.verdict), SEVERITY.index(text.verdict)
        assert found[0] >= found[1], (size, text.reason, number.reason)


@few
def test_what_levels_are_called_makes_no_difference(case: tuple[list[int], ...]) -> None:
    sides = spread(case[0], M), spread(case[1], N)
    found = [both(sides, words), both(sides, lambda side: words(7 * side % 23))]
    for name in ("p_value", "psi", "kl", "js", "effect"):
        one, other = (getattr(report, name) for report in found)
        assert other == pytest.approx(one, rel=1e-9, abs=1e-12), name


def zeros(n: int, share: float, place: float) -> np.ndarray:
    """Rows of which a share is at one place of an even law."""
    u = spots(n)
    return np.where(u < share, place, (u - share) / max(1 - share, 1e-9))


LAWS: dict[str, Sides] = {
    "even": (spots(M), spots(N) ** 1.2),
    "skewed": (np.exp(2 * ndtri(spots(M))), np.exp(0.2 + 2 * ndtri(spots(N)))),
    "atom at the minimum": (zeros(M, 0.4, 0), zeros(N, 0.34, 0)),
    "atom inside": (zeros(M, 0.2, 0.3), zeros(N, 0.25, 0.3)),
    "atom at the maximum": (zeros(M, 0.05, 1), zeros(N, 0.09, 1)),
    "new below all": (spots(M), np.where(spots(N) < 0.02, -5.0, spots(N))),
    "new above all": (spots(M), np.where(spots(N) > 0.98, 5.0, spots(N))),
    "few values": (spread([50, 30, 15, 5], M), spread([48, 28, 16, 8], N)),
    "nothing": (spots(M), spots(N)),
}


@pytest.mark.parametrize("sides", LAWS.values(), ids=LAWS)
def test_a_mirror_changes_no_verdict(sides: Sides) -> None:
    """Bins are closed above, in the mirror below: no value but an atom may stand on an edge."""
    found = [both(sides, lambda side: 1.0 * side), both(sides, lambda side: -1.0 * side)]
    assert found[0].verdict == found[1].verdict, [one.reason for one in found]
    for name in ("psi", "js", "effect"):
        one, other = (getattr(report, name) for report in found)
        assert other == pytest.approx(one, rel=1e-6, abs=1e-9), name
    assert found[1].p_value == pytest.approx(found[0].p_value, rel=1e-6)


CONSTANTS = [0, 1, -1, 20, 0.1, 1e-300, -1e300, 1 / 3, 2**53, 5e-324]


@pytest.mark.parametrize("value", CONSTANTS)
def test_a_constant_that_stays_is_stable_and_one_that_leaves_has_drifted(value: float) -> None:
    same = judged(pa.array([value] * M), pa.array([value] * N))
    assert (same.verdict, same.p_value) == ("stable", None)
    # A fraction is itself in single precision as well, so its next number is a little further.
    step = np.nextafter(value, np.inf) if value == np.rint(value) else value * (1 + 1e-6)
    for other in (value + 1, value - 1, -999, 0.5, step, 2 * value + 3):
        near = max(abs(float(value)), abs(float(other))) < 1e-307
        if float(other) == float(value) or near:  # denormal numbers are as good as 0
            continue
        found = judged(pa.array([float(value)] * M), pa.array([float(other)] * N))
        assert found.verdict == "drifted", (other, found.reason)
        some = [float(value)] * (N - 100) + [float(other)] * 100
        assert judged(pa.array([float(value)] * M), pa.array(some)).verdict == "drifted", other


EMPTY = {
    "numbers": (pa.array(ndtri(spots(M))), pa.nulls(N, pa.float64())),
    "nan": (pa.array(ndtri(spots(M))), pa.array(np.full(N, np.nan))),
    "infinite": (pa.array(ndtri(spots(M))), pa.array(np.full(N, np.inf))),
    "flag": (pa.array(coins(0.5, M)), pa.nulls(N, pa.int64())),
    "truth": (pa.array(coins(0.5, M) == 1), pa.nulls(N, pa.bool_())),
    "words": (pa.array(words(coins(0.5, M))), pa.nulls(N, pa.string())),
    "constant": (pa.array(np.full(M, 3.0)), pa.nulls(N, pa.float64())),
    "only nulls by type": (pa.array(ndtri(spots(M))), pa.nulls(N)),
}


@pytest.mark.parametrize("sides", EMPTY.values(), ids=EMPTY)
def test_a_column_that_is_lost_or_filled_has_drifted(sides: tuple[Any, ...]) -> None:
    full, none = sides
    assert judged(full, none).verdict == "drifted"
    half = pa.concat_arrays([full[::20], none.cast(full.type)[:500]])
    assert judged(full, half).verdict == "drifted"
    filled = judged(pa.nulls(M, full.type), full[::10])
    assert filled.verdict == "drifted", filled.reason
    neither = judged(pa.nulls(M, full.type), none)
    assert neither.verdict in ("stable", "insufficient")


LEFT = [0, 1, 5, 20, 29, 30, 40, 200]


@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize("kind", ["numbers", "words"])
def test_however_few_values_are_left_the_missing_share_has_drifted(kind: str, left: int) -> None:
    full = EMPTY[kind][0]
    spared = pa.concat_arrays([full[:: M // max(left, 1)][:left], pa.nulls(N - left, full.type)])
    found = judged(full, spared)
    assert found.verdict == "drifted", found.reason


SHIFTED: dict[str, Callable[[float, int], object]] = {
    "normal": lambda by, n: ndtri(spots(n)) + by,
    "lognormal": lambda by, n: np.exp(ndtri(spots(n)) + by),
    "integers": lambda by, n: np.round(10 * (ndtri(spots(n)) + by)),
    "few integers": lambda by, n: np.round(ndtri(spots(n)) + by),
    "zero inflated": lambda by, n: np.maximum(ndtri(spots(n)) + by, 0),
    "capped": lambda by, n: np.minimum(ndtri(spots(n)) + by, 1),
    "words in order": lambda by, n: words(np.round(ndtri(spots(n)) + by)),
}


@pytest.mark.parametrize("law", SHIFTED)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_pure_shift_is_never_judged_less_where_it_is_larger(law: str, sign: int) -> None:
    make = SHIFTED[law]
    reference = pa.array(make(0, M))
    found = [judged(reference, pa.array(make(sign * by, N))) for by in np.geomspace(0.05, 20, 12)]
    places = [SEVERITY.index(one.verdict) for one in found]
    assert places == sorted(places), [(str(one.verdict), one.reason) for one in found]
    assert (places[0], places[-1]) == (0, 2)

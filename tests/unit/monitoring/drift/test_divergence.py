"""psi, kl and js against hand-computed answers, scipy, and their identities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from monitoring.drift.divergence import BLOCK_CELLS, divergences, js, kl, psi

pairs = st.integers(2, 12).flatmap(
    lambda size: st.tuples(
        *[
            st.lists(st.integers(0, 10_000), min_size=size, max_size=size).filter(any)
            for _ in range(2)
        ]
    )
)


def shares(reference: list[int], current: list[int]) -> tuple[list[float], ...]:
    """Half-count shares of the bins that are not empty on both sides."""
    used = [(a, c) for a, c in zip(reference, current, strict=True) if a or c]
    m, n, extra = sum(reference), sum(current), len(used) / 2
    return [(a + 0.5) / (m + extra) for a, _ in used], [(c + 0.5) / (n + extra) for _, c in used]


def test_hand_computed() -> None:
    # p = (10.5, 30.5) / 41 and q = (20.5, 20.5) / 41, so psi = 10/41 ln(20.5/10.5 * 30.5/20.5)
    assert psi([10, 30], [20, 20]) == pytest.approx(10 / 41 * math.log(61 / 21), abs=1e-12)
    by_hand = 10.5 / 41 * math.log(21 / 41) + 30.5 / 41 * math.log(61 / 41)
    assert kl([10, 30], [20, 20]) == pytest.approx(by_hand, abs=1e-12)
    # the shares are (1/4, 3/4) and (1/2, 1/2), their middle (3/8, 5/8)
    squared = (
        math.log2(2 / 3) / 4
        + 3 * math.log2(6 / 5) / 4
        + math.log2(4 / 3) / 2
        + math.log2(4 / 5) / 2
    ) / 2
    assert js([10, 30], [20, 20]) == pytest.approx(math.sqrt(squared), abs=1e-12)


@given(pairs)
def test_against_scipy(pair: tuple[list[int], ...]) -> None:
    p, q = shares(*pair)
    assert kl(*pair) == pytest.approx(entropy(p, q), abs=1e-9)
    assert psi(*pair) == pytest.approx(entropy(p, q) + entropy(q, p), abs=1e-9)
    assert js(*pair) == pytest.approx(jensenshannon(*pair, base=2), abs=2e-8)
    assert js(*pair) ** 2 == pytest.approx(jensenshannon(*pair, base=2) ** 2, abs=1e-9)


@given(pairs)
def test_identities(pair: tuple[list[int], ...]) -> None:
    reference, current = pair
    assert psi(*pair) == pytest.approx(kl(*pair) + kl(current, reference), abs=1e-12)
    assert psi(*pair) == pytest.approx(psi(current, reference), abs=1e-12)
    assert js(*pair) == pytest.approx(js(current, reference), abs=1e-12)
    assert 0 <= js(*pair) <= 1
    assert psi(*pair) >= 0
    assert js(reference, reference) == 0
    assert psi(reference, reference) == 0


@given(pairs, st.integers(1, 5))
def test_padding_with_empty_bins_changes_nothing(pair: tuple[list[int], ...], extra: int) -> None:
    padded = [[*side, *[0] * extra] for side in pair]
    whole, wide = divergences(*pair), divergences(*padded)
    for name in ("psi", "kl", "js"):
        assert getattr(wide, name) == pytest.approx(getattr(whole, name), abs=1e-12)


def test_disjoint_supports_are_one_apart() -> None:
    assert js([5, 0, 7, 0], [0, 9, 0, 1]) == 1.0


def test_a_side_without_rows_has_no_value() -> None:
    answer = divergences([[1, 2], [0, 0], [0, 0]], [[0, 0], [3, 4], [0, 0]])
    assert np.isnan(answer.psi).all()
    assert np.isnan(answer.kl).all()
    assert np.isnan(answer.js).all()


def test_nearly_equal_sides_keep_their_digits() -> None:
    # js of (1/2 + e, 1/2 - e) and (1/2, 1/2) is e / sqrt(2 ln 2) to first order
    big = 10**12
    assert js([big + 10, big - 10], [big, big]) == pytest.approx(
        5e-12 / math.sqrt(2 * math.log(2)), rel=1e-3
    )


def test_many_features_at_once_equal_one_by_one() -> None:
    rng = np.random.default_rng(5)
    a, c = rng.poisson(20, (2, BLOCK_CELLS // 20 + 3, 2, 10)) * rng.integers(0, 2, 10)
    whole = divergences(a, c)
    for index in (0, BLOCK_CELLS // 20, len(a) - 1):
        assert whole.psi[index, 1] == pytest.approx(float(psi(a[index, 1], c[index, 1])), abs=1e-12)
        assert whole.js[index, 0] == pytest.approx(float(js(a[index, 0], c[index, 0])), abs=1e-12)

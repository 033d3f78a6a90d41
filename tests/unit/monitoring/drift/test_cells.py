"""Pooling thin bins into cells."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.drift.cells import (
    adjacent_cells,
    dealt_cells,
    effect,
    expected,
    noticed,
    ordered,
    pool,
    scarce_cells,
    unordered,
)

TIES = np.arange(15, dtype=np.uint64)
expectations = st.lists(st.floats(0, 30), min_size=1, max_size=15)


def test_expected_is_the_smaller_samples_share() -> None:
    assert expected(np.array([30.0, 70.0]), np.array([1.0, 9.0])) == pytest.approx(
        [31 * 10 / 110, 79 * 10 / 110]
    )


def test_neighbours_merge_from_both_ends_and_what_is_left_over_joins_the_thinner_side() -> None:
    assert adjacent_cells(np.array([6.0, 2.0, 2.0, 2.0, 9.0, 4.0])).tolist() == [0, 1, 1, 1, 2, 2]
    assert adjacent_cells(np.array([4.0, 9.0, 2.0, 2.0, 2.0, 6.0])).tolist() == [0, 0, 1, 1, 1, 2]
    assert adjacent_cells(np.array([9.0, 2.0, 8.0, 6.0])).tolist() == [0, 1, 1, 2]
    assert adjacent_cells(np.array([7.0, 1.0, 7.0])).tolist() == [0, 0, 0]
    assert adjacent_cells(np.array([1.0, 1.0])).tolist() == [0, 0]


@given(expectations)
def test_cells_of_neighbours_are_contiguous_and_full(drawn: list[float]) -> None:
    counts = np.array(drawn)
    cells = adjacent_cells(counts)
    assert (np.diff(cells) >= 0).all()
    pooled = pool(counts, cells)
    assert pooled.sum() == pytest.approx(counts.sum())
    if counts.sum() >= 5:
        assert (pooled >= 5).all()


def test_rare_levels_are_dealt_into_groups_of_about_five() -> None:
    cells = dealt_cells(np.array([20.0, 3.0, 3.0, 3.0, 3.0, 7.0]), TIES[:6])
    assert pool(np.array([20.0, 3.0, 3.0, 3.0, 3.0, 7.0]), cells).tolist() == [20, 7, 6, 6]


def test_a_few_rare_levels_join_the_smallest_cell() -> None:
    counts = np.array([20.0, 8.0, 1.0, 1.0])
    assert pool(counts, dealt_cells(counts, TIES[: len(counts)])).tolist() == [20, 10]


@given(expectations)
def test_dealing_loses_nothing(drawn: list[float]) -> None:
    counts = np.array(drawn)
    pooled = pool(counts, dealt_cells(counts, TIES[: len(counts)]))
    assert pooled.sum() == pytest.approx(counts.sum())


def test_levels_scarce_on_both_sides_join_rest() -> None:
    # current is one row in eleven: ln(0.01) / ln(1/11) = 1.92, so levels of one row are scarce
    reference = np.array([0.0, 90.0, 1.0, 1.0, 8.0])
    current = np.array([2.0, 8.0, 0.0, 0.0, 0.0])
    assert scarce_cells(reference, current).tolist() == [0, 1, 0, 0, 4]
    assert scarce_cells(reference, current, np.array(5.0)).tolist() == [0, 1, 0, 0, 0]
    assert pool(reference, unordered(reference, current)).sum() == 100


def test_a_level_that_the_reference_knows_well_is_not_scarce_in_a_much_larger_window() -> None:
    reference, current = np.array([0.0, 100.0, 2.0]), np.array([10_000.0, 0.0, 0.0])
    assert scarce_cells(reference, current).tolist() == [0, 1, 0]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=3, max_size=14))
def test_mirrored_bins_merge_to_mirrored_cells(counts: list[tuple[int, ...]]) -> None:
    a, c = np.array(counts, float).T
    for weighing in (expected, noticed):
        ahead, back = ordered(a, c, weighing), ordered(a[::-1], c[::-1], weighing)
        assert pool(a, ahead)[pool(a + c, ahead) > 0].tolist() == (
            pool(a[::-1], back)[pool((a + c)[::-1], back) > 0][::-1].tolist()
        )


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=14),
    st.randoms(use_true_random=False),
)
def test_levels_by_other_names_make_the_same_cells(
    counts: list[tuple[int, ...]], random: Random
) -> None:
    a, c = np.array([(3, 1), *counts], float).T
    order = [0, *random.sample(range(1, len(a)), len(a) - 1)]
    cells, others = unordered(a, c), unordered(a[order], c[order])
    pairs, renamed = (
        sorted(zip(pool(a[own], held), pool(c[own], held), strict=True))
        for own, held in ((slice(None), cells), (order, others))
    )
    assert pairs == renamed


def test_effect_is_psi_of_cells_less_its_mean() -> None:
    reference, current = np.array([[100.0, 300.0]]), np.array([[200.0, 200.0]])
    psi = 100 / 401 * math.log(300.5 / 100.5)
    assert effect(reference, current, ordered)[0] == pytest.approx(psi - 2 / 400, abs=1e-12)


def test_a_new_level_counts_in_the_effect_however_little_was_expected() -> None:
    reference, current = np.array([[0.0, 600, 400]]), np.array([[10.0, 60, 30]])
    p, q = np.array([0.5, 600.5, 400.5]) / 1001.5, np.array([10.5, 60.5, 30.5]) / 101.5
    psi = ((q - p) * np.log(q / p)).sum()
    assert effect(reference, current, unordered)[0] == pytest.approx(psi - 2 * 0.011, abs=1e-12)


def test_effect_of_one_cell_is_zero() -> None:
    assert effect(np.array([[50.0, 0.0]]), np.array([[40.0, 0.0]]), ordered)[0] == 0

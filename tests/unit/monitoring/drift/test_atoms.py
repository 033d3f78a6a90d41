"""Edges of numeric features: deciles, atoms, tails, few values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.drift.atoms import after, before, edges_of, previous

numbers = st.lists(st.floats(-1e6, 1e6), min_size=12, max_size=60, unique=True)


@given(numbers)
def test_edges_of_distinct_numbers_are_numpys_linear_deciles_and_the_tails(
    values: list[float],
) -> None:
    shares = [0.001, *(tenth / 10 for tenth in range(1, 10)), 0.999]
    due = np.unique(np.quantile(values, shares, method="linear"))
    found = edges_of(np.sort(values))
    assert not found.few
    assert set(found.edges) <= set(due.tolist())
    assert set(np.quantile(values, shares[1:-1], method="linear")) <= set(found.edges)


def test_hand_computed_deciles_and_tails() -> None:
    found = edges_of(np.arange(1_001.0))
    assert found.edges == (1, *(100.0 * tenth for tenth in range(1, 10)), 999)
    assert (found.tails, found.atoms, found.few) == ((True, True), (), False)
    assert edges_of(np.empty(0)).edges == ()


def test_a_constant_is_one_value_between_two_open_bins() -> None:
    found = edges_of(np.full(50, 7.0))
    assert (found.edges, found.atoms, found.few) == ((np.nextafter(7, 0), 7.0), (7.0,), True)


def test_an_edge_beyond_the_range_of_floats_is_left_out() -> None:
    values = np.sort(np.concatenate([np.linspace(-1.7e308, -1e308, 40), [1.7e308]]))
    assert all(np.isfinite(edges_of(values).edges))
    assert all(np.isfinite(edges_of(np.full(40, -np.finfo(float).max)).edges))


@pytest.mark.parametrize("atom", [-50.0, 0.0, 0.3, 50.0])
@pytest.mark.parametrize("share", [0.04, 0.2, 0.6])
def test_a_value_that_holds_a_large_share_has_a_bin_of_its_own(atom: float, share: float) -> None:
    rng = np.random.default_rng(3)
    values = np.where(rng.random(4_000) < share, atom, rng.normal(size=4_000))
    found = edges_of(np.sort(values))
    assert found.atoms == (atom,)
    inside = [edge for edge in found.edges if before(np.array(atom)) < edge < after(np.array(atom))]
    assert inside == []
    neighbours = [atom - 1e-6, atom, float(np.float32(atom)), atom + 1e-6]
    below, own, narrow, above = np.searchsorted(found.edges, neighbours)
    assert below < own == narrow < above


def test_a_value_needs_thirty_rows_and_three_and_a_half_percent_to_be_an_atom() -> None:
    rng = np.random.default_rng(4)
    for rows, least in ((400, 30), (2_000, 70)):
        for count, atoms in ((least - 1, ()), (least, (0.0,))):
            values = np.concatenate([np.zeros(count), rng.normal(size=rows - count)])
            assert edges_of(np.sort(values)).atoms == atoms


def test_up_to_thirty_values_of_ten_rows_have_a_bin_each() -> None:
    for distinct, rows, few in ((30, 10, True), (31, 10, False), (25, 9, False), (20, 3, True)):
        values = np.repeat(np.arange(float(distinct)), rows)
        assert edges_of(values).few is few, (distinct, rows)


def test_values_that_were_mostly_seen_once_are_not_all_there_are() -> None:
    assert not edges_of(np.arange(15.0).repeat([1] * 10 + [5] * 5)).few


@pytest.mark.parametrize("rows", [30, 60, 75, 150, 250])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_small_samples_tied_end_has_a_bin_of_its_own(rows: int, mirrored: bool) -> None:
    ties = rows // 4
    values = np.concatenate([np.zeros(ties), np.linspace(1, 9, rows - ties)])
    values = np.sort(-values if mirrored else values)
    found = edges_of(values)
    assert 0.0 in found.atoms
    beyond = np.searchsorted(found.edges, [-999.0, 0.0, 999.0])
    assert beyond[1] != beyond[2 if mirrored else 0]


def test_minus_zero_is_zero() -> None:
    found = edges_of(np.sort(np.array([-0.0, 0.0, 1.0] * 30)))
    assert found.atoms == (0.0, 1.0)
    assert not np.signbit(found.atoms[0])


def test_numbers_closer_than_single_precision_are_one_atom() -> None:
    values = np.sort(np.repeat([0.1, float(np.float32(0.1)), 5.0], 40))
    assert edges_of(values).atoms == (0.1, 5.0)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_an_atoms_bin_holds_its_value(value: float) -> None:
    low, high = before(np.array(value)), after(np.array(value))
    assert low < value <= high or value == -np.finfo(float).max
    assert np.isfinite(low)
    assert previous(value) <= value

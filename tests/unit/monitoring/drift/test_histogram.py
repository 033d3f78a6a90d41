"""Bins of one feature on both sides, and what they are made of."""

from __future__ import annotations

import numpy as np

from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.histogram import BinCount, Histogram


def of(bins: CategoricalBins | NumericBins, reference: list[int], current: list[int]) -> Histogram:
    return Histogram.under(bins, np.array(reference), np.array(current))


def test_a_bin_has_its_label_and_the_rows_of_both_sides() -> None:
    bins = of(NumericBins((0.0,)), [7, 0], [2, 0])
    assert list(bins) == [BinCount("(-inf, 0]", 7, 2), BinCount("(0, inf)", 0, 0)]
    assert bins.columns() == (["(-inf, 0]", "(0, inf)"], [7, 0], [2, 0])
    assert {type(number) for column in bins.columns()[1:] for number in column} == {int}


def test_groups_of_rest_that_are_empty_on_both_sides_are_passed_over() -> None:
    bins = of(CategoricalBins(("a",), groups=3), [5, 0, 0, 0], [4, 0, 1, 0])
    assert [one.label for one in bins] == ["a", "rest 2/3"]
    assert len(bins) == 2


def test_a_level_is_told_where_both_sides_lack_it_whatever_its_name() -> None:
    bins = of(CategoricalBins(("rest area", "rest")), [0, 0, 0], [0, 0, 0])
    assert [one.label for one in bins] == ["rest area", "rest"]


def test_single_bins_are_put_side_by_side() -> None:
    cells = (BinCount("a", 1, 2), BinCount("rest", 0, 0))
    assert tuple(Histogram.of(*cells)) == cells
    assert list(Histogram.of()) == []


def test_labels_and_counts_are_kept_as_they_are() -> None:
    ruled, counts = CategoricalBins(("a", "b")), np.arange(6)
    bins = Histogram.under(ruled, counts[:3], counts[3:])
    assert bins.labels is ruled.labels
    assert np.shares_memory(bins.reference, counts)
    assert np.shares_memory(bins.current, counts)

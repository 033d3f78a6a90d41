"""Labels of numeric bins."""

from __future__ import annotations

import numpy as np

from monitoring.drift.bin_labels import interval_labels

NONE = np.empty(0)


def test_labels_are_half_open_intervals() -> None:
    assert interval_labels((0.5, 2.0), NONE) == ("(-inf, 0.5]", "(0.5, 2]", "(2, inf)")
    assert interval_labels((), NONE) == ("(-inf, inf)",)


def test_an_atom_is_labelled_by_its_value() -> None:
    """The bin of 2.0 is all that lies between its neighbours in double precision."""
    two = np.array([2.0])
    edges = (float(np.nextafter(2.0, 0.0)), 2.0, 7.0)
    assert interval_labels(edges, two) == ("(-inf, 2)", "2", "(2, 7]", "(7, inf)")


def test_labels_that_would_be_the_same_have_more_digits() -> None:
    edges = (1.0, 1.0 + 1e-14, 1.0 + 2e-14, 1.0 + 3e-14)
    labels = interval_labels(edges, NONE)
    assert len(set(labels)) == 5
    assert labels[1] == "(1, 1.00000000000001]"

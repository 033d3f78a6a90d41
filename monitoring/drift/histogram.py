"""Rows of one feature by bin, on both sides; bin objects are created on iteration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitoring.drift.binning import Bins

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BinCount:
    """Rows of both sides in one bin."""

    label: str
    reference: int
    current: int


@dataclass(frozen=True, eq=False, slots=True)
class Histogram:
    """Bins of one feature with the rows of both sides, each array of shape (labels,).

    It refers to the labels of the ruler and the counts of the sketches: an object for each bin of
    each feature in each segment would take fifty times the memory. Bins that are not `named`
    (groups of rare levels, gaps between few values) are skipped while empty on both sides.
    """

    labels: Sequence[str]
    reference: Rows
    current: Rows
    named: npt.NDArray[np.bool_]

    @classmethod
    def under(cls, bins: Bins, reference: Rows, current: Rows) -> Histogram:
        """A histogram of counts by a ruler's bins."""
        return cls(bins.labels, reference, current, bins.named)

    @classmethod
    def of(cls, *bins: BinCount) -> Histogram:
        """A histogram of single bins, all of them named."""
        reference = np.array([one.reference for one in bins], np.int64)
        current = np.array([one.current for one in bins], np.int64)
        return cls([one.label for one in bins], reference, current, np.ones(len(bins), np.bool_))

    def __len__(self) -> int:
        """Number of bins that are not skipped."""
        return len(self._places())

    def __iter__(self) -> Iterator[BinCount]:
        """Make the bins, one after the other."""
        return map(BinCount, *self.columns())

    def columns(self) -> tuple[list[str], list[int], list[int]]:
        """Labels, rows of the reference and rows of the current side, of the same bins."""
        places = self._places()
        labels = [self.labels[place] for place in places.tolist()]
        return labels, self.reference[places].tolist(), self.current[places].tolist()

    def _places(self) -> npt.NDArray[np.intp]:
        return np.flatnonzero((self.reference > 0) | (self.current > 0) | self.named)

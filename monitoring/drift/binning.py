"""Bins of one feature, derived from its reference and fixed from then on."""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from monitoring.drift.atoms import after, edges_of
from monitoring.drift.bin_labels import interval_labels
from monitoring.drift.columns import finite_numbers, level_counts
from monitoring.drift.levels import levels_of
from monitoring.drift.spelling import canonical, is_single, spellings, twin
from monitoring.schema import Kind, nearly_unique, nearly_unique_reason

REST = "rest"

CellMap = npt.NDArray[np.intp]


class Scale(StrEnum):
    """The order of a feature's bins."""

    CONTINUOUS = "continuous"
    ORDINAL = "ordinal"
    NOMINAL = "nominal"


@dataclass(frozen=True)
class NumericBins:
    """Bins (-inf, e0], (e0, e1], …, (e_last, inf) between strictly rising inner edges.

    atoms: values that have a bin of their own. tails: whether the first and the last bin are slices
    of the decile beside them; psi, kl and js merge the two. few: whether the reference has no
    values but the atoms.
    """

    edges: tuple[float, ...]
    atoms: tuple[float, ...] = ()
    tails: tuple[bool, bool] = (False, False)
    few: bool = False

    @property
    def kind(self) -> Kind:
        """Always numeric."""
        return Kind.NUMERIC

    @property
    def scale(self) -> Scale:
        """Ordinal where each value of the reference has a bin."""
        return Scale.ORDINAL if self.few else Scale.CONTINUOUS

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.edges) + 1

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """One interval per bin, e.g. `(0.5, 2]`; of an atom its value, and `(2, 7)` before it."""
        return interval_labels(self.edges, np.array(self.atoms))

    @cached_property
    def shown(self) -> CellMap:
        """Cell of each bin for psi, kl and js: a tail shares the cell of the decile beside it."""
        if self.few:
            return self.tested
        cells = np.arange(self.size)
        cells[1:] -= self.tails[0]
        cells[-1] -= self.tails[1]
        return cells

    @cached_property
    def tested(self) -> CellMap:
        """Cell of each bin for the test and the effect: each bin is a cell.

        A feature of few values has the same cells as its values would have as text: one for all
        other values, then one for each value.
        """
        if not self.few:
            return np.arange(self.size)
        return np.where(self.single, np.cumsum(self.single), 0)

    @cached_property
    def single(self) -> npt.NDArray[np.bool_]:
        """Whether each bin holds an atom."""
        return np.isin((*self.edges, math.inf), after(np.array(self.atoms)))

    @property
    def named(self) -> npt.NDArray[np.bool_]:
        """Whether each bin is listed even when empty: all bins but the gaps between few values."""
        return self.single if self.few else np.ones(self.size, np.bool_)

    @classmethod
    def of(cls, values: npt.NDArray[np.float64]) -> NumericBins:
        """Bins for finite `values` (any order). No values: one bin without edges."""
        return cls.of_sorted(np.sort(values))

    @classmethod
    def of_sorted(cls, values: npt.NDArray[np.float64]) -> NumericBins:
        """Bins for finite rising `values`: `edges_of` them."""
        found = edges_of(values)
        return cls(found.edges, found.atoms, found.tails, found.few)


@dataclass(frozen=True)
class CategoricalBins:
    """One bin per reference level, the most frequent first, and `groups` bins for all others.

    The first `own` levels are tested on their own (None: all). Every other level, with a bin or
    without, belongs to a group by a hash of its name, which is independent of the compared counts.

    With a `salt`, levels are stored as keyed hashes only: the bins, a sketch or a report cannot
    name them. The salt is stored in the ruler's document and nowhere else.
    """

    levels: tuple[str, ...]
    salt: str = ""
    own: int | None = None
    groups: int = 1

    @property
    def kind(self) -> Kind:
        """Always categorical."""
        return Kind.CATEGORICAL

    @property
    def scale(self) -> Scale:
        """Always nominal."""
        return Scale.NOMINAL

    @property
    def size(self) -> int:
        """Number of bins, the groups of `rest` included."""
        return len(self.levels) + self.groups

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The levels, then `rest`, or its groups such as `rest 1/200`."""
        if self.groups == 1:
            return (*self.levels, REST)
        return (*self.levels, *(f"{REST} {one + 1}/{self.groups}" for one in range(self.groups)))

    @cached_property
    def shown(self) -> CellMap:
        """Cell of each bin for psi, kl and js: all groups of `rest` share the last."""
        return np.minimum(np.arange(self.size), len(self.levels))

    @cached_property
    def tested(self) -> CellMap:
        """Cell of each bin for the test and the effect: the groups, then the levels of their own.

        The groups come first; the tests of significance rely on it.
        """
        own = len(self.levels) if self.own is None else self.own
        alone = self.groups + np.arange(own)
        grouped = [self._group(level) for level in self.levels[own:]]
        return np.array([*alone, *grouped, *range(self.groups)], np.intp)

    @property
    def named(self) -> npt.NDArray[np.bool_]:
        """Whether each bin is listed even when empty: the levels."""
        return np.arange(self.size) < len(self.levels)

    def place(self, level: str) -> int:
        """Bin of a level, however its value is spelled."""
        found = self.position.get(self.key(level))
        if found is None:
            found = self._alike(level)
        return len(self.levels) + self._group(self.key(level)) if found is None else found

    def key(self, level: str) -> str:
        """The name of a level in this feature's bins: a keyed hash where there is a salt."""
        return _keyed(level, self.salt) if self.salt else level

    def _group(self, key: str) -> int:
        return zlib.crc32(key.encode()) % self.groups if self.groups > 1 else 0

    def _alike(self, level: str) -> int | None:
        """Bin of another spelling of a level's value.

        A keyed hash cannot be reversed, so only the usual spellings of a redacted level are tried.
        """
        if is_single(level):
            return None
        if self.salt:
            tried = (self.position.get(self.key(other)) for other in spellings(level))
        else:
            tried = (self._values.get(value) for value in (canonical(level), twin(level)))
        return next((place for place in tried if place is not None), None)

    @cached_property
    def position(self) -> dict[str, int]:
        return {level: index for index, level in enumerate(self.levels)}

    @cached_property
    def _values(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for index, level in enumerate(self.levels):
            found.setdefault(canonical(level), index)
        return found

    @classmethod
    def of(cls, counts: Mapping[str, int], salt: str = "") -> CategoricalBins:
        """Bins for the 1,000 most frequent levels (ties by name), and groups for the others."""
        found = levels_of(counts)
        names = tuple(_keyed(level, salt) if salt else level for level in found.ranked)
        return cls(names, salt, found.own, found.groups)


Bins = NumericBins | CategoricalBins


def measure(column: pa.ChunkedArray, kind: Kind, salt: str = "") -> Bins | str:
    """Bins of one reference column, or the reason (a plain string) to ignore it."""
    if kind is Kind.NUMERIC:
        return NumericBins.of(finite_numbers(column))
    counts = level_counts(column)
    rows = counts.total()
    if nearly_unique(len(counts), rows):
        return nearly_unique_reason(len(counts), rows)
    return CategoricalBins.of(counts, salt)


def _keyed(level: str, salt: str) -> str:
    return hashlib.blake2b(level.encode(), key=salt.encode()[:64], digest_size=8).hexdigest()

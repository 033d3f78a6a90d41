"""Rulers: the bins of every feature, fixed once on a reference and never moved afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.errors import Refused
from monitoring.drift.columns import finite_numbers, level_counts
from monitoring.schema import Ignored, Kind, classify, nearly_unique, nearly_unique_reason

FORMAT = 1
DECILES = tuple(tenth / 10 for tenth in range(1, 10))
MAX_LEVELS = 1_000
REST = "rest"


@dataclass(frozen=True)
class NumericBins:
    """Bins (-inf, e0], (e0, e1], …, (e_last, inf) between strictly rising inner edges."""

    edges: tuple[float, ...]

    @property
    def kind(self) -> Kind:
        """Always numeric."""
        return Kind.NUMERIC

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.edges) + 1

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """One interval per bin, e.g. `(0.5, 2]`."""
        ends = ["-inf", *(f"{edge:.12g}" for edge in self.edges), "inf"]
        closing = ["]"] * len(self.edges) + [")"]
        return tuple(
            f"({low}, {high}{close}"
            for low, high, close in zip(ends[:-1], ends[1:], closing, strict=True)
        )

    @classmethod
    def of(cls, values: npt.NDArray[np.float64]) -> NumericBins:
        """Deciles of finite `values` (any order). No values: one bin without edges."""
        return cls.of_sorted(np.sort(values))

    @classmethod
    def of_sorted(cls, values: npt.NDArray[np.float64]) -> NumericBins:
        """Deciles of finite rising `values`: unique(np.quantile(values, .1 … .9, "linear")).

        An edge is left out where two neighbours are so far apart that their distance overflows.
        """
        if not len(values):
            return cls(())
        edges = np.unique(_quantiles(values))
        return cls(tuple(edges[np.isfinite(edges)].tolist()))


@dataclass(frozen=True)
class CategoricalBins:
    """One bin per reference level, the most frequent first, and a last bin `rest` for all others.

    With a `salt`, levels are known by a keyed hash only: neither the ruler, nor a sketch, nor a
    report can name them. The salt stands in the ruler's own document and nowhere else.
    """

    levels: tuple[str, ...]
    salt: str = ""

    @property
    def kind(self) -> Kind:
        """Always categorical."""
        return Kind.CATEGORICAL

    @property
    def size(self) -> int:
        """Number of bins, `rest` included."""
        return len(self.levels) + 1

    @property
    def labels(self) -> tuple[str, ...]:
        """The levels and `rest`."""
        return (*self.levels, REST)

    @cached_property
    def position(self) -> dict[str, int]:
        """Bin index by (keyed) level."""
        return {level: index for index, level in enumerate(self.levels)}

    def key(self, level: str) -> str:
        """Name a level as this feature's sketches may know it."""
        return _keyed(level, self.salt) if self.salt else level

    @classmethod
    def of(cls, counts: Mapping[str, int], salt: str = "") -> CategoricalBins:
        """The 1,000 most frequent levels, ties by name."""
        ranked = sorted(counts, key=lambda level: (-counts[level], level))[:MAX_LEVELS]
        return cls(tuple(_keyed(level, salt) if salt else level for level in ranked), salt)


Bins = NumericBins | CategoricalBins


@dataclass(frozen=True)
class Ruler:
    """The bins of all features of one model, in the order of the reference's columns."""

    features: dict[str, Bins]
    ignored: tuple[Ignored, ...] = ()

    @cached_property
    def starts(self) -> dict[str, int]:
        """Where each feature's counts begin in a sketch: its bins, then one place for missing."""
        sizes = [bins.size + 1 for bins in self.features.values()]
        begins = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if sizes else np.empty(0)
        return dict(zip(self.features, begins.astype(int).tolist(), strict=True))

    @cached_property
    def width(self) -> int:
        """Length of a sketch's vector of counts."""
        return sum(bins.size + 1 for bins in self.features.values())

    @cached_property
    def first(self) -> list[int]:
        """Begin of each feature's counts in a sketch."""
        return list(self.starts.values())

    @cached_property
    def last(self) -> list[int]:
        """Place of each feature's missing count in a sketch."""
        return [self.starts[name] + bins.size for name, bins in self.features.items()]

    @cached_property
    def columns(self) -> dict[Kind, list[int]]:
        """Indices of the features of each kind that occurs."""
        kinds = [bins.kind for bins in self.features.values()]
        return {
            kind: [index for index, other in enumerate(kinds) if other is kind]
            for kind in Kind
            if kind in kinds
        }

    @cached_property
    def places(self) -> dict[Kind, npt.NDArray[np.intp]]:
        """Places of the bins of each kind's features, padded to a rectangle with `width`.

        A categorical feature's first place is its `rest`, as the tests of significance expect.
        """
        names = list(self.features)
        tables = {}
        for kind, columns in self.columns.items():
            sizes = [self.features[names[index]].size for index in columns]
            table = np.full((len(columns), max(sizes)), self.width, np.intp)
            for row, (index, size) in enumerate(zip(columns, sizes, strict=True)):
                bins = np.arange(size) if kind is Kind.NUMERIC else np.arange(-1, size - 1) % size
                table[row, :size] = self.first[index] + bins
            tables[kind] = table
        return tables

    @cached_property
    def id(self) -> str:
        """Hash of the content: only sketches of one ruler add up."""
        return hashlib.sha256(self.to_bytes()).hexdigest()[:16]

    @classmethod
    def of(cls, reference: pa.Table, salts: Mapping[str, str] | None = None) -> Ruler:
        """Measure a reference table; `salts` names the features to redact, each with its salt."""
        kinds, ignored = classify(reference.schema)
        features: dict[str, Bins] = {}
        left_out = list(ignored)
        for name, kind in kinds.items():
            bins = measure(reference.column(name), kind, (salts or {}).get(name, ""))
            if isinstance(bins, str):
                left_out.append(Ignored(name, bins))
            else:
                features[name] = bins
        return cls(features, tuple(left_out))

    def to_bytes(self) -> bytes:
        """Serialise to canonical JSON."""
        features = [_bins_document(name, bins) for name, bins in self.features.items()]
        ignored = [[column.name, column.reason] for column in self.ignored]
        document = {"format": FORMAT, "features": features, "ignored": ignored}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Ruler:
        """Read `to_bytes`. A newer format is `Refused`."""
        document = json.loads(content)
        if document["format"] > FORMAT:
            raise Refused(
                f"ruler: format {document['format']} is newer than {FORMAT}; upgrade Driftwarden"
            )
        features = {entry["name"]: _bins_read(entry) for entry in document["features"]}
        return cls(features, tuple(Ignored(*pair) for pair in document["ignored"]))


def measure(column: pa.ChunkedArray, kind: Kind, salt: str = "") -> Bins | str:
    """Bins of one reference column, or the reason (a plain string) to ignore it."""
    if kind is Kind.NUMERIC:
        return NumericBins.of(finite_numbers(column))
    counts = level_counts(column)
    rows = counts.total()
    if nearly_unique(len(counts), rows):
        return nearly_unique_reason(len(counts), rows)
    return CategoricalBins.of(counts, salt)


def _quantiles(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # Bit for bit np.quantile's linear method, which would partition again what is sorted already:
    # interpolate from the nearer neighbour.
    place = np.asarray(DECILES) * (len(values) - 1)
    below = np.floor(place).astype(np.intp)
    low, high = values[below], values[np.minimum(below + 1, len(values) - 1)]
    share = place - below
    with np.errstate(over="ignore", invalid="ignore"):
        step = high - low
        from_low, from_high = low + step * share, high - step * (1 - share)
    quantiles: npt.NDArray[np.float64] = np.where(share < 0.5, from_low, from_high)
    return quantiles


def _keyed(level: str, salt: str) -> str:
    return hashlib.blake2b(level.encode(), key=salt.encode()[:64], digest_size=8).hexdigest()


def _bins_document(name: str, bins: Bins) -> dict[str, object]:
    if isinstance(bins, NumericBins):
        return {"name": name, "kind": bins.kind, "edges": bins.edges}
    return {"name": name, "kind": bins.kind, "levels": bins.levels, "salt": bins.salt}


def _bins_read(entry: dict[str, object]) -> Bins:
    if entry["kind"] == Kind.NUMERIC:
        return NumericBins(tuple(entry["edges"]))  # type: ignore[arg-type]
    return CategoricalBins(tuple(entry["levels"]), str(entry["salt"]))  # type: ignore[arg-type]

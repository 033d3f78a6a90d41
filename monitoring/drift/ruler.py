"""Rulers: the bins of all features of a model, and the places of their counts in a sketch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.errors import Refused
from monitoring.drift.binning import Bins, CategoricalBins, CellMap, NumericBins, Scale, measure
from monitoring.schema import Ignored, Kind, classify

#: 1: deciles; levels and one `rest`. 2: atoms and tails as well; rare levels fall into groups.
FORMAT = 2


@dataclass(frozen=True)
class Ruler:
    """The bins of all features of one model, in the order of the reference's columns."""

    features: dict[str, Bins]
    ignored: tuple[Ignored, ...] = ()
    format: int = FORMAT

    @cached_property
    def starts(self) -> dict[str, int]:
        """Place of each feature's first count in a sketch: its bins, then one for missing."""
        sizes = [bins.size + 1 for bins in self.features.values()]
        begins = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if sizes else np.empty(0)
        return dict(zip(self.features, begins.astype(int).tolist(), strict=True))

    @cached_property
    def width(self) -> int:
        """Length of a sketch's vector of counts."""
        return sum(bins.size + 1 for bins in self.features.values())

    @cached_property
    def first(self) -> list[int]:
        """Place of each feature's first count in a sketch."""
        return list(self.starts.values())

    @cached_property
    def last(self) -> list[int]:
        """Place of each feature's missing count in a sketch."""
        return [self.starts[name] + bins.size for name, bins in self.features.items()]

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The features of each scale that occurs, as blocks."""
        return tuple(_blocks(self))

    @cached_property
    def id(self) -> str:
        """Hash of the content: only sketches of one ruler add up."""
        return hashlib.sha256(self.to_bytes()).hexdigest()[:16]

    @classmethod
    def of(
        cls,
        reference: pa.Table,
        salts: Mapping[str, str] | None = None,
        kinds: Mapping[str, Kind] | None = None,
    ) -> Ruler:
        """Measure a reference table.

        salts: of the features to redact. kinds: of features whose kind is not that of their
        column's type, such as numbers that name things.
        """
        found, ignored = classify(reference.schema)
        features: dict[str, Bins] = {}
        left_out = list(ignored)
        for name, kind in found.items():
            kind = (kinds or {}).get(name, kind)
            bins = measure(reference.column(name), kind, (salts or {}).get(name, ""))
            if isinstance(bins, str):
                left_out.append(Ignored(name, bins))
            else:
                features[name] = bins
        return cls(features, tuple(left_out))

    def to_bytes(self) -> bytes:
        """Serialise to canonical JSON."""
        features = [
            {"name": name, "kind": bins.kind, **_document(bins, self.format)}
            for name, bins in self.features.items()
        ]
        ignored = [[column.name, column.reason] for column in self.ignored]
        document = {"format": self.format, "features": features, "ignored": ignored}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Ruler:
        """Read `to_bytes`. An older format keeps its bins and id; a newer one is `Refused`."""
        document = json.loads(content)
        if document["format"] > FORMAT:
            raise Refused(
                f"ruler: format {document['format']} is newer than {FORMAT}; upgrade Driftwarden"
            )
        features = {entry["name"]: _bins_read(entry) for entry in document["features"]}
        ignored = tuple(Ignored(*pair) for pair in document["ignored"])
        return cls(features, ignored, document["format"])


@dataclass(frozen=True, eq=False)
class Block:
    """Features of one scale, their bins padded to a rectangle.

    features: their indices. places: of their bins in a sketch, shape (features, bins), padded with
    the ruler's width. shown, tested: cells of these bins for psi, kl and js, and for the test and
    the effect; None where each bin is a cell. atoms: bins of single values; None where none is.
    own: cells of levels that are tested beside groups of others; None where there are no groups.
    """

    scale: Scale
    features: list[int]
    places: npt.NDArray[np.intp]
    shown: CellMap | None
    tested: CellMap | None
    atoms: npt.NDArray[np.bool_] | None
    own: npt.NDArray[np.bool_] | None


def _blocks(ruler: Ruler) -> Iterator[Block]:
    every = list(ruler.features.values())
    for scale in Scale:
        held = [index for index, bins in enumerate(every) if bins.scale is scale]
        if not held:
            continue
        bins = [every[index] for index in held]
        widest = max(one.size for one in bins)
        places = np.full((len(held), widest), ruler.width, np.intp)
        for row, (index, one) in enumerate(zip(held, bins, strict=True)):
            places[row, : one.size] = ruler.first[index] + np.arange(one.size)
        shown, tested = (
            _cells([getattr(one, which) for one in bins], widest) for which in ("shown", "tested")
        )
        yield Block(scale, held, places, shown, tested, _atoms(bins, widest), _own(bins, widest))


def _atoms(bins: list[Bins], widest: int) -> npt.NDArray[np.bool_] | None:
    table = np.zeros((len(bins), widest), np.bool_)
    for row, one in enumerate(bins):
        if isinstance(one, NumericBins):
            table[row, : one.size] = one.single
    return table if table.any() else None


def _own(bins: list[Bins], widest: int) -> npt.NDArray[np.bool_] | None:
    table = np.zeros((len(bins), widest), np.bool_)
    for row, one in enumerate(bins):
        if isinstance(one, CategoricalBins) and one.groups > 1:
            table[row, one.groups : one.tested.max() + 1] = True
    return table if table.any() else None


def _cells(maps: list[CellMap], widest: int) -> CellMap | None:
    if all((cells == np.arange(len(cells))).all() for cells in maps):
        return None
    table = np.zeros((len(maps), widest), np.intp)
    for row, cells in enumerate(maps):
        table[row, : len(cells)] = cells
    return table


def _document(bins: Bins, version: int) -> dict[str, object]:
    if isinstance(bins, NumericBins):
        first: dict[str, object] = {"edges": bins.edges}
        second = {"atoms": bins.atoms, "tails": bins.tails, "few": bins.few}
    else:
        first = {"levels": bins.levels, "salt": bins.salt}
        second = {"own": bins.own, "groups": bins.groups}
    return first if version == 1 else {**first, **second}


def _bins_read(entry: Mapping[str, Any]) -> Bins:
    if entry["kind"] == Kind.NUMERIC:
        tails = tuple(entry.get("tails", (False, False)))
        atoms = tuple(entry.get("atoms", ()))
        return NumericBins(tuple(entry["edges"]), atoms, tails, entry.get("few", False))
    levels, salt = tuple(entry["levels"]), str(entry["salt"])
    return CategoricalBins(levels, salt, entry.get("own"), entry.get("groups", 1))

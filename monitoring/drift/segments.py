"""Segments: the rows of one level of a categorical feature, counted beside all rows.

Sketches are stored by segment, with all rows under None. They add up over batches like sketches,
and one blob holds them all; read as a plain sketch, it gives the sketch of all rows.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring.drift.binning import CategoricalBins
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import FORMAT, Sketch, empty, segment_names, sketch
from monitoring.schema import Kind, kind_of

#: Most segments of one feature; each adds a test of every feature.
MOST = 20
#: Reference rows that a segment needs.
ENOUGH = 200

Segmented = Mapping[str | None, Sketch]
Levels = Mapping[str, Sequence[str]]


def choose(ruler: Ruler, total: Sketch, wanted: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Select the segments by feature: the most frequent levels of the reference.

    total: counts of the reference. Features that are not categorical there have none. The levels of
    a redacted feature are the keyed hashes of its bins.
    """
    return {
        name: _frequent(ruler, total, name)
        for name in wanted
        if name in ruler.features and ruler.features[name].kind is Kind.CATEGORICAL
    }


def choose_in(table: pa.Table, ruler: Ruler, wanted: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Select likewise from the reference's rows."""
    held = [name for name in wanted if name in table.column_names]
    return choose(ruler, sketch(table.select(held), ruler), held)


def names_of(levels: Levels) -> tuple[str, ...]:
    """Names of all segments.

    >>> names_of({"carrier": ("UA", "AA")})
    ('carrier=UA', 'carrier=AA')
    """
    return tuple(f"{name}={level}" for name, held in levels.items() for level in held)


def sketch_all(
    table: pa.Table | pa.RecordBatch, ruler: Ruler, levels: Levels
) -> dict[str | None, Sketch]:
    """Count all rows, and those of each segment, empty segments included."""
    found: dict[str | None, Sketch] = {None: sketch(table, ruler)}
    for name, held in levels.items():
        rows = _rows_of(table, ruler, name, held)
        for level in held:
            own = rows.get(level)
            found[f"{name}={level}"] = empty(ruler) if own is None else sketch(own, ruler)
    return found


def merge_all(ruler: Ruler, several: Iterable[Segmented]) -> dict[str | None, Sketch]:
    """Sum by segment; a sketch without a segment adds nothing to it."""
    total: dict[str | None, Sketch] = {None: empty(ruler)}
    for one in several:
        for name, counted in one.items():
            total[name] = total.get(name, empty(ruler)) + counted
    return total


def to_bytes(segmented: Segmented) -> bytes:
    """Serialise all sketches; without segments in the format of a plain sketch."""
    total = segmented[None]
    parts = {name: one for name, one in segmented.items() if name is not None}
    if not parts:
        return total.to_bytes()
    rows = {name: one.rows for name, one in parts.items()}
    header = {"format": FORMAT, "ruler": total.ruler, "rows": total.rows, "segments": rows}
    counts = np.concatenate([total.counts, *(one.counts for one in parts.values())])
    body = zlib.compress(counts.astype("<i8").tobytes(), 6)
    return json.dumps(header, separators=(",", ":")).encode() + b"\n" + body


def from_bytes(content: bytes) -> dict[str | None, Sketch]:
    """Read `to_bytes`, or a plain sketch. A newer format is `Refused`."""
    total = Sketch.from_bytes(content)
    line, _, body = content.partition(b"\n")
    rows: dict[str, int] = json.loads(line).get("segments", {})
    found: dict[str | None, Sketch] = {None: total}
    if rows:
        counts = np.frombuffer(zlib.decompress(body), "<i8").astype(np.int64)
        parts = counts.reshape(1 + len(rows), -1)[1:]
        for (name, number), part in zip(rows.items(), parts, strict=True):
            found[name] = Sketch(total.ruler, number, part)
    return found


def _frequent(ruler: Ruler, total: Sketch, name: str) -> tuple[str, ...]:
    counts = total.feature(ruler, name)
    labels = ruler.features[name].labels[:-1]
    ranked = sorted(zip(labels, counts.tolist(), strict=False), key=lambda pair: -pair[1])
    return tuple(level for level, rows in ranked[:MOST] if rows >= ENOUGH)


def _rows_of(
    table: pa.Table | pa.RecordBatch, ruler: Ruler, name: str, held: Sequence[str]
) -> dict[str, pa.Table | pa.RecordBatch]:
    """Rows by level of a feature, levels named as in its ruler."""
    bins = ruler.features[name]
    if name not in table.schema.names or not isinstance(bins, CategoricalBins):
        return {}
    column = table.column(name)
    if not isinstance(kind_of(column.type), Kind):
        return {}
    texts = segment_names(column)
    keys = {level: bins.key(level) for level in pc.unique(texts).drop_null().to_pylist()}
    return {key: table.filter(pc.equal(texts, level)) for level, key in keys.items() if key in held}

"""Files of rows, read column by column: Parquet, CSV and JSON Lines, one file or a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pat

from engine.errors import Refused
from hosts.tables.parts import KeyedPart, ParquetPart, Part, copied
from hosts.tables.table_files import (
    codec_in,
    file_format,
    opened,
    refuse_changed,
    stamp,
    table_files,
)
from hosts.tables.unifying import conformed, is_loose, unified
from monitoring.intake.csvfiles import LongRow, csv_batches, csv_texts
from monitoring.intake.limits import LIMITS, Limits, refuse_columns, refuse_expansion
from monitoring.intake.source import BROKEN, Source, first_line
from monitoring.intake.textfiles import json_batches, json_texts
from monitoring.schema import is_text

#: The folder name of Hive and Spark for rows without a key.
NO_KEY = "__HIVE_DEFAULT_PARTITION__"
#: Bytes that a value of one column of a Parquet file takes in memory, at least.
VALUE = 4


class Unreadable(Refused):
    """One column that cannot be read or unified; the others may be fine."""


@dataclass(frozen=True)
class Columns:
    """A table that stays on disk; reading one column at a time bounds the memory.

    `untyped` names columns of text whose type is not inferred yet; `ununified` those whose types
    differ by file, with the reason. `notes` has one line for each thing that was left out.
    """

    name: str
    schema: pa.Schema
    rows: int
    parts: tuple[Part, ...]
    notes: tuple[str, ...]
    untyped: frozenset[str]
    ununified: dict[str, str]

    def column(self, name: str) -> pa.ChunkedArray:
        """Read one column; rows of parts that lack it are null. Raises `Unreadable`."""
        if name in self.ununified:
            raise Unreadable(self.ununified[name])
        dtype = self.schema.field(name).type
        try:
            chunks = [chunk for part in self.parts for chunk in _chunks(part, name, dtype)]
        except BROKEN as error:
            raise Unreadable(f"{self.name}: cannot be read: {first_line(error)}") from error
        if sum(map(len, chunks)) != self.rows:
            raise Unreadable(f"{self.name}: cannot be read: rows are missing from its pages")
        if len({chunk.type for chunk in chunks}) == 1:
            return pa.chunked_array(chunks)
        return pa.chunked_array([conformed(chunk, dtype) for chunk in chunks], dtype)


def open_columns(path: Path, scratch: Path, limits: Limits = LIMITS) -> Columns:
    """Open a file or a folder of files of one format (found recursively).

    CSV and JSON Lines (also packed) are first copied, column-wise, to the folder `scratch`. Of
    folders named like `region=eu`, `region` is a column. Raises `Refused` with one clear line for
    anything that cannot be read.
    """
    notes: list[str] = []
    parts: list[Part] = []
    for file in table_files(path, notes):
        before = stamp(file)
        try:
            parts += _keyed(_parts(_source(file, limits), file, scratch, notes), file, path)
        except BROKEN as error:
            refuse_changed(file, before)
            raise Refused(f"{file}: cannot be read: {first_line(error)}") from error
        refuse_changed(file, before)
    schema, ununified = unified(path, parts)
    untyped = frozenset(
        one.name
        for one in schema
        if is_text(one.type) and any(is_loose(part.schema, one.name) for part in parts)
    )
    rows = sum(part.rows for part in parts)
    return Columns(str(path), schema, rows, tuple(parts), tuple(notes), untyped, ununified)


def read_batches(path: Path, limits: Limits = LIMITS) -> Iterator[pa.RecordBatch]:
    """Stream the rows of a file or folder; the schema may change from batch to batch."""
    for file in table_files(path, []):
        before = stamp(file)
        try:
            yield from _batches(_source(file, limits), file)
        except BROKEN as error:
            refuse_changed(file, before)
            raise Refused(f"{file}: cannot be read: {first_line(error)}") from error
        refuse_changed(file, before)


def _source(file: Path, limits: Limits) -> Source:
    packed = file.stat().st_size if codec_in(file) else 0
    return Source(str(file), lambda: opened(file), packed, limits)


def _batches(source: Source, file: Path) -> Iterator[pa.RecordBatch]:
    kind = file_format(file)
    if kind == "Parquet":
        with pq.ParquetFile(file) as parquet:
            _check(source, file, parquet.schema_arrow, parquet.metadata.num_rows)
            yield from parquet.iter_batches(use_threads=False)
    elif kind == "CSV":
        yield from csv_batches(source)
    else:
        yield from json_batches(source, [])


def _parts(source: Source, file: Path, scratch: Path, notes: list[str]) -> Sequence[Part]:
    kind = file_format(file)
    if kind == "Parquet":
        part = ParquetPart.of(file)
        _check(source, file, part.schema, part.rows)
        return [part]
    if kind == "JSON Lines":
        return list(copied(json_texts(source, notes), scratch))
    try:
        return list(copied(csv_texts(source), scratch))
    except LongRow:
        return list(copied(csv_texts(source, source.limits.line), scratch))


def _check(source: Source, file: Path, schema: pa.Schema, rows: int) -> None:
    """Refuse a Parquet file with a name twice, too many columns or far more rows than bytes."""
    _refuse_repeated(source.name, schema)
    refuse_columns(source.name, schema.names, source.limits)
    refuse_expansion(source.name, file.stat().st_size, rows * VALUE, source.limits)


def _refuse_repeated(name: str, schema: pa.Schema) -> None:
    repeated = [column for column, times in Counter(schema.names).items() if times > 1]
    if repeated:
        raise Refused(f"{name}: two columns are called {repeated[0]!r}")


def _keys(place: Path) -> dict[str, str | None]:
    """Read the keys of a file's folders: `{"region": "eu"}` of `region=eu/part-0.parquet`."""
    pairs = [folder.partition("=") for folder in place.parts[:-1] if "=" in folder[1:]]
    return {unquote(key): None if value == NO_KEY else unquote(value) for key, _, value in pairs}


def _keyed(parts: Sequence[Part], file: Path, path: Path) -> Sequence[Part]:
    keys = _keys(file.relative_to(path))
    return [KeyedPart(part, keys) for part in parts] if keys else parts


def _chunks(part: Part, name: str, dtype: pa.DataType) -> list[pa.Array]:
    if name not in part.schema.names:
        return [pa.nulls(part.rows, dtype)]
    chunks: list[pa.Array] = part.column(name).chunks
    for chunk in chunks:
        if is_text(chunk.type) or pat.is_dictionary(chunk.type):
            chunk.validate(full=True)  # raises on bytes that are not UTF-8
    return chunks

"""Files of rows, read column by column: Parquet, CSV and JSON Lines, one file or a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pat

from engine.errors import Refused
from monitoring.intake.formats import format_of
from monitoring.intake.textfiles import Source, csv_batches, first_line, json_batches
from monitoring.schema import Kind, is_text, kind_of


class Part(Protocol):
    """Some rows of a table, one column of which can be read without the others."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    def column(self, name: str) -> pa.ChunkedArray:
        """Read one column that the schema names."""


@dataclass(frozen=True)
class Columns:
    """A table that stays on disk; reading one column at a time bounds the memory.

    `notes` tells what was left out of it, one line each.
    """

    schema: pa.Schema
    rows: int
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> pa.ChunkedArray:
        """Read one column; rows of parts that lack it are null."""
        dtype = self.schema.field(name).type
        chunks: list[pa.Array] = []
        for part in self.parts:
            if name in part.schema.names:
                chunks += part.column(name).chunks
            else:
                chunks.append(pa.nulls(part.rows, dtype))
        if len({chunk.type for chunk in chunks}) == 1:
            return pa.chunked_array(chunks)
        return pa.chunked_array([_conformed(chunk, dtype) for chunk in chunks], dtype)


def open_columns(path: Path, scratch: Path) -> Columns:
    """Open a file or a folder of files of one format (found recursively).

    CSV and JSON Lines (also gzipped) are first copied, column-wise, to the folder `scratch`.
    Raises `Refused` with one clear line for anything that cannot be read.
    """
    notes: list[str] = []
    try:
        parts = [part for file in _files(path) for part in _parts(file, scratch, notes)]
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: cannot be read: {first_line(error)}") from error
    schema = _unified(path, parts)
    return Columns(schema, sum(part.rows for part in parts), tuple(parts), tuple(notes))


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Stream the rows of a file or folder; the schema may change from batch to batch."""
    for file in _files(path):
        try:
            yield from _batches(file, [])
        except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
            raise Refused(f"{file}: cannot be read: {first_line(error)}") from error


@dataclass(frozen=True)
class ParquetPart:
    """One Parquet file."""

    path: Path
    schema: pa.Schema
    rows: int
    metadata: pq.FileMetaData = field(repr=False)

    def column(self, name: str) -> pa.ChunkedArray:
        """Read one column; strings as dictionaries, which are small and quick to count."""
        coded = [name] if is_text(self.schema.field(name).type) else None
        # A reader of its own: columns are read from several threads.
        with pq.ParquetFile(self.path, metadata=self.metadata, read_dictionary=coded) as file:
            return file.read(columns=[name], use_threads=False).column(name)


@dataclass(frozen=True)
class CopiedPart:
    """Rows of a text file of one schema, in Arrow's file format."""

    path: Path
    schema: pa.Schema
    rows: int

    def column(self, name: str) -> pa.ChunkedArray:
        """Read one column."""
        options = pa.ipc.IpcReadOptions(included_fields=[self.schema.get_field_index(name)])
        with pa.OSFile(str(self.path)) as file:
            return pa.ipc.open_file(file, options=options).read_all().column(name)


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise Refused(f"{path}: no such file or folder")
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.is_file() and format_of(file.name))
        if not found:
            raise Refused(f"{path}: no Parquet, CSV or JSON Lines file in this folder")
    else:
        found = [path]
    filled = [file for file in found if file.stat().st_size]
    if not filled:
        raise Refused(f"{found[0]}: the file is empty (zero bytes)")
    formats = {format_of(file.name) or _sniffed(file) for file in filled}
    if len(formats) > 1:
        raise Refused(f"{path}: files of several formats: {', '.join(sorted(formats))}")
    return filled


def _sniffed(file: Path) -> str:
    with pa.input_stream(str(file)) as stream:
        start = stream.read(512)
    if start.startswith(b"PAR1"):
        return "Parquet"
    if start.startswith(b"ARROW1"):
        raise Refused(f"{file}: an Arrow file; Parquet, CSV or JSON Lines are needed")
    return "JSON Lines" if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") else "CSV"


def _batches(file: Path, notes: list[str]) -> Iterator[pa.RecordBatch]:
    kind = format_of(file.name) or _sniffed(file)
    if kind == "Parquet":
        with pq.ParquetFile(file) as parquet:
            yield from parquet.iter_batches(use_threads=False)
        return
    source = Source(str(file), partial(pa.input_stream, str(file)))
    if kind == "CSV":
        yield from csv_batches(source)
    else:
        yield from json_batches(source, notes)


def _parts(file: Path, scratch: Path, notes: list[str]) -> list[Part]:
    if (format_of(file.name) or _sniffed(file)) != "Parquet":
        return list(_copied(_batches(file, notes), scratch))
    with pq.ParquetFile(file) as parquet:
        return [
            ParquetPart(file, parquet.schema_arrow, parquet.metadata.num_rows, parquet.metadata)
        ]


def _copied(batches: Iterator[pa.RecordBatch], scratch: Path) -> Iterator[Part]:
    """Copy batches to Arrow files, one per run of batches with the same schema."""
    for number, (schema, run) in enumerate(groupby(batches, key=attrgetter("schema"))):
        with NamedTemporaryFile(dir=scratch, prefix=f"{number:06}-", delete=False) as file:
            rows = 0
            with pa.ipc.new_file(file, schema) as writer:
                for batch in run:
                    writer.write_batch(batch)
                    rows += batch.num_rows
        yield CopiedPart(Path(file.name), schema, rows)


def _unified(path: Path, parts: Sequence[Part]) -> pa.Schema:
    """One schema for all parts, columns in order of appearance."""
    seen: dict[str, Counter[pa.DataType]] = {}
    for part in parts:
        repeated = [name for name, times in Counter(part.schema.names).items() if times > 1]
        if repeated:
            raise Refused(f"{path}: two columns are called {repeated[0]!r}")
        for column in part.schema:
            seen.setdefault(column.name, Counter())[column.type] += part.rows
    return pa.schema([(name, _common(path, name, types)) for name, types in seen.items()])


def _common(path: Path, name: str, types: Counter[pa.DataType]) -> pa.DataType:
    """One type for a column; of numbers and text, what most rows hold."""
    known = [dtype for dtype in types if not pat.is_null(dtype)] or [pa.null()]
    if len(known) == 1:
        return known[0]
    kinds = {kind_of(dtype) for dtype in known}
    if not all(isinstance(kind, Kind) for kind in kinds):
        raise Refused(
            f"{path}: column {name!r} is {known[0]} in some rows and {known[1]} in others"
        )
    numeric = sum(types[dtype] for dtype in known if kind_of(dtype) is Kind.NUMERIC)
    if 2 * numeric <= sum(types[dtype] for dtype in known):
        return pa.string()
    return pa.int64() if all(pat.is_signed_integer(dtype) for dtype in known) else pa.float64()


def _conformed(chunk: pa.Array, dtype: pa.DataType) -> pa.Array:
    """Bring a chunk to the column's type; text where numbers are due is null."""
    if chunk.type == dtype:
        return chunk
    if pat.is_dictionary(chunk.type):
        chunk = chunk.dictionary_decode()
    if kind_of(dtype) is Kind.NUMERIC and kind_of(chunk.type) is not Kind.NUMERIC:
        return pa.nulls(len(chunk), dtype)
    return chunk.cast(dtype, safe=False)

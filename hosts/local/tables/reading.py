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
from hosts.local.tables.parts import KeyedPart, ParquetPart, Part, copied
from monitoring.intake.csvfiles import csv_batches, csv_texts
from monitoring.intake.formats import codec_by, format_of, is_marker
from monitoring.intake.source import BROKEN, Source, first_line
from monitoring.intake.textfiles import json_batches, json_texts
from monitoring.intake.untyped import is_untyped
from monitoring.schema import Kind, is_text, kind_of

#: How Hive and Spark name the folder of rows without a key.
NO_KEY = "__HIVE_DEFAULT_PARTITION__"
SHOWN = 3


class Unreadable(Refused):
    """One column that cannot be read or unified; the others may be fine."""


@dataclass(frozen=True)
class Columns:
    """A table that stays on disk; reading one column at a time bounds the memory.

    `untyped` names columns of text whose type is still to be told; `ununified` those whose types
    differ by file, with the reason. `notes` tells what was left out, one line each.
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
        return pa.chunked_array([_conformed(chunk, dtype) for chunk in chunks], dtype)


def open_columns(path: Path, scratch: Path) -> Columns:
    """Open a file or a folder of files of one format (found recursively).

    CSV and JSON Lines (also packed) are first copied, column-wise, to the folder `scratch`. Of
    folders named like `region=eu`, `region` is a column. Raises `Refused` with one clear line for
    anything that cannot be read.
    """
    notes: list[str] = []
    parts: list[Part] = []
    for file in _files(path, notes):
        try:
            parts += _keyed(_parts(file, scratch, notes), _keys(file.relative_to(path)))
        except BROKEN as error:
            raise Refused(f"{file}: cannot be read: {first_line(error)}") from error
    schema, ununified = _unified(path, parts)
    untyped = frozenset(
        one.name
        for one in schema
        if is_text(one.type) and any(_is_loose(part.schema, one.name) for part in parts)
    )
    rows = sum(part.rows for part in parts)
    return Columns(str(path), schema, rows, tuple(parts), tuple(notes), untyped, ununified)


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Stream the rows of a file or folder; the schema may change from batch to batch."""
    for file in _files(path, []):
        try:
            yield from _batches(file)
        except BROKEN as error:
            raise Refused(f"{file}: cannot be read: {first_line(error)}") from error


def _files(path: Path, notes: list[str]) -> list[Path]:
    if not path.exists():
        raise Refused(f"{path}: no such file or folder")
    found = _below(path, notes) if path.is_dir() else [path]
    filled = [file for file in found if file.stat().st_size]
    if not filled:
        raise Refused(f"{found[0]}: the file is empty (zero bytes)")
    if len(filled) < len(found):
        empty = [file for file in found if file not in filled]
        notes.append(_told(path, "of zero bytes", empty))
    formats = {_format(file) for file in filled}
    if len(formats) > 1:
        raise Refused(f"{path}: files of several formats: {', '.join(sorted(formats))}")
    return filled


def _below(path: Path, notes: list[str]) -> list[Path]:
    below = sorted(one for one in path.rglob("*") if not _is_hidden(one.relative_to(path)))
    files = [one for one in below if one.is_file()]
    found = [file for file in files if format_of(file.name)]
    other = [file for file in files if not format_of(file.name)]
    # A link to a folder may lead back to where it stands; one to nothing had rows once.
    links = [one for one in below if one.is_symlink() and one not in files]
    if links:
        notes.append(_told(path, "that are links to folders or to nothing", links))
    if not found:
        raise Refused(f"{path}: no Parquet, CSV or JSON Lines file in this folder")
    if other:
        notes.append(_told(path, "that are no Parquet, CSV or JSON Lines", other))
    return found


def _is_hidden(place: Path) -> bool:
    """Tell whether a file is, or lies in, what writers keep to themselves: `_temporary/0`."""
    return any(is_marker(name) and "=" not in name for name in place.parts)


def _told(path: Path, what: str, files: Sequence[Path]) -> str:
    names = ", ".join(str(file.relative_to(path)) for file in files[:SHOWN])
    rest = ", …" if len(files) > SHOWN else ""
    return f"{path}: files {what} left out ({len(files):,}): {names}{rest}"


def _format(file: Path) -> str:
    return format_of(file.name) or _sniffed(file)


def _sniffed(file: Path) -> str:
    with _opened(file) as stream:
        start = stream.read(512)
    if start.startswith(b"PAR1"):
        return "Parquet"
    if start.startswith(b"ARROW1"):
        raise Refused(f"{file}: an Arrow file; Parquet, CSV or JSON Lines are needed")
    return "JSON Lines" if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") else "CSV"


def _opened(file: Path) -> pa.NativeFile:
    """Open a file and unpack it; the first bytes tell how, whatever it is called."""
    stream = pa.OSFile(str(file))
    codec = codec_by(stream.read(4))
    stream.seek(0)
    return pa.CompressedInputStream(stream, codec) if codec else stream


def _source(file: Path) -> Source:
    return Source(str(file), lambda: _opened(file))


def _batches(file: Path) -> Iterator[pa.RecordBatch]:
    kind = _format(file)
    if kind == "Parquet":
        with pq.ParquetFile(file) as parquet:
            _refuse_repeated(str(file), parquet.schema_arrow)
            yield from parquet.iter_batches(use_threads=False)
    elif kind == "CSV":
        yield from csv_batches(_source(file))
    else:
        yield from json_batches(_source(file), [])


def _parts(file: Path, scratch: Path, notes: list[str]) -> Iterator[Part]:
    kind = _format(file)
    if kind == "Parquet":
        part = ParquetPart.of(file)
        _refuse_repeated(str(file), part.schema)
        yield part
    elif kind == "CSV":
        yield from copied(csv_texts(_source(file)), scratch)
    else:
        yield from copied(json_texts(_source(file), notes), scratch)


def _refuse_repeated(name: str, schema: pa.Schema) -> None:
    repeated = [column for column, times in Counter(schema.names).items() if times > 1]
    if repeated:
        raise Refused(f"{name}: two columns are called {repeated[0]!r}")


def _keys(place: Path) -> dict[str, str | None]:
    """Read the keys of a file's folders: `{"region": "eu"}` of `region=eu/part-0.parquet`."""
    pairs = [folder.partition("=") for folder in place.parts[:-1] if "=" in folder[1:]]
    return {unquote(key): None if value == NO_KEY else unquote(value) for key, _, value in pairs}


def _keyed(parts: Iterator[Part], keys: dict[str, str | None]) -> Iterator[Part]:
    return (KeyedPart(part, keys) for part in parts) if keys else parts


def _chunks(part: Part, name: str, dtype: pa.DataType) -> list[pa.Array]:
    if name not in part.schema.names:
        return [pa.nulls(part.rows, dtype)]
    chunks: list[pa.Array] = part.column(name).chunks
    for chunk in chunks:
        if is_text(chunk.type) or pat.is_dictionary(chunk.type):
            chunk.validate(full=True)  # bytes that are not UTF-8 end here
    return chunks


def _unified(path: Path, parts: Sequence[Part]) -> tuple[pa.Schema, dict[str, str]]:
    """One schema for all parts, columns in order of appearance, and what has no common type."""
    seen: dict[str, dict[pa.DataType, None]] = {}
    for part in parts:
        for column in part.schema:
            seen.setdefault(column.name, {})[column.type] = None
    types = {name: _common(list(found)) for name, found in seen.items()}
    ununified = {
        name: f"{path}: {found[0]} in some files and {found[1]} in others"
        for name, types_ in seen.items()
        if types[name] is None and (found := list(types_))
    }
    return pa.schema([(name, dtype or next(iter(seen[name]))) for name, dtype in types.items()]), (
        ununified
    )


def _common(types: Sequence[pa.DataType]) -> pa.DataType | None:
    """One type for a column: numbers stay numbers; with text among them all is text."""
    known = [dtype for dtype in types if not pat.is_null(dtype)] or [pa.null()]
    if len(known) == 1:
        return known[0]
    kinds = {kind_of(dtype) for dtype in known}
    if not all(isinstance(kind, Kind) for kind in kinds):
        return None
    if kinds != {Kind.NUMERIC}:
        return pa.string()
    return pa.int64() if all(pat.is_signed_integer(dtype) for dtype in known) else pa.float64()


def _is_loose(schema: pa.Schema, name: str) -> bool:
    """Tell whether a part's column leaves open what it holds; numbers beside text do as well."""
    if name not in schema.names:
        return False
    one = schema.field(name)
    return is_untyped(one) or (kind_of(one.type) is Kind.NUMERIC and not pat.is_null(one.type))


def _conformed(chunk: pa.Array, dtype: pa.DataType) -> pa.Array:
    """Bring a chunk to the column's type."""
    if chunk.type == dtype:
        return chunk
    if pat.is_dictionary(chunk.type):
        chunk = chunk.dictionary_decode()
    return chunk.cast(dtype, safe=False)

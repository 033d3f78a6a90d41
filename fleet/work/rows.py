"""Rows as blobs: Arrow tables in the stream format, compressed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from engine.blobs import Blobs
from engine.errors import Broken
from monitoring.intake.stacking import stacked

_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")


def put(blobs: Blobs, table: pa.Table) -> str:
    """Keep a table and return its blob's name."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_OPTIONS) as writer:
        writer.write_table(table.combine_chunks())
    return blobs.put(sink.getvalue().to_pybytes())


def get(blobs: Blobs, name: str, columns: Sequence[str] = ()) -> pa.Table:
    """Read a table back, all of it or some columns; Broken where the blob holds none."""
    try:
        return read(blobs.get(name), columns)
    except (pa.ArrowInvalid, ValueError) as error:
        raise Broken(f"blob {name} does not hold rows: {error}") from error


def read(content: bytes, columns: Sequence[str] = ()) -> pa.Table:
    """Decode the content of a blob that `put` wrote."""
    stream = pa.ipc.open_stream(content)
    if columns:
        # Columns that are not requested are not decompressed.
        places = sorted(stream.schema.names.index(column) for column in columns)
        options = pa.ipc.IpcReadOptions(included_fields=places)
        stream = pa.ipc.open_stream(content, options=options)
    return stream.read_all()


def concatenate(tables: Iterable[pa.Table]) -> pa.Table:
    """Concatenate tables; missing columns become null, differing types are reconciled."""
    return stacked(list(tables))


def get_all(blobs: Blobs, names: Iterable[str], columns: Sequence[str] = ()) -> pa.Table | None:
    """Read several tables as one; None where there is none."""
    tables = [get(blobs, name, columns) for name in names]
    return concatenate(tables) if tables else None

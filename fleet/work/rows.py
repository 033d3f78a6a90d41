"""Rows as blobs: Arrow tables in the stream format, compressed."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from engine.blobs import Blobs
from engine.errors import Broken

_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")


def put(blobs: Blobs, table: pa.Table) -> str:
    """Keep a table and return its blob's name."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_OPTIONS) as writer:
        writer.write_table(table.combine_chunks())
    return blobs.put(sink.getvalue().to_pybytes())


def get(blobs: Blobs, name: str) -> pa.Table:
    """Read a table back; Broken where the blob holds none."""
    try:
        return pa.ipc.open_stream(blobs.get(name)).read_all()
    except pa.ArrowInvalid as error:
        raise Broken(f"blob {name} does not hold rows: {error}") from error


def concatenate(tables: Iterable[pa.Table]) -> pa.Table:
    """Put tables below each other; a column that some lack, or hold otherwise, is reconciled."""
    return pa.concat_tables(tables, promote_options="permissive")


def get_all(blobs: Blobs, names: Iterable[str]) -> pa.Table | None:
    """Read several tables as one; None where there is none."""
    tables = [get(blobs, name) for name in names]
    return concatenate(tables) if tables else None

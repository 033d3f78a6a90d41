"""Parquet and Arrow bytes to tables."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import Refused
from monitoring.intake.limits import FOLD, GIB, spelled

ROWS = 65_536
#: A file of equal values unpacks to far more than its size.
MOST = GIB


def decode(content: bytes) -> pa.Table:
    """Read Parquet, an Arrow file or an Arrow stream, by the first bytes; else `Refused`."""
    tables = list(slices(content, 2**63 - 1))
    return pa.concat_tables(tables) if len(tables) > 1 else tables[0]


def slices(content: bytes, size: int) -> Iterator[pa.Table]:
    """Read likewise, in pieces of at least `size` bytes of columns; the last holds the rest.

    There is always at least one piece, which may be empty. Refused beyond `MOST` bytes of columns,
    unless the content is more than a hundredth of them.
    """
    most = max(MOST, FOLD * len(content))
    try:
        schema, batches = _opened(content)
        waiting: list[pa.RecordBatch] = []
        first, held, read = True, 0, 0
        for batch in batches:
            waiting.append(batch)
            held += batch.nbytes
            if (read := read + batch.nbytes) > most:
                told = f"unpacks to more than {spelled(MOST)} and {FOLD} times its size"
                raise Refused(f"{told}; write several files")
            if held >= size:
                yield pa.Table.from_batches(waiting, schema)
                waiting, first, held = [], False, 0
        if waiting or first:
            yield pa.Table.from_batches(waiting, schema)
    except (pa.ArrowException, OSError) as error:
        raise Refused(f"neither Parquet nor Arrow: {error}") from error


def _opened(content: bytes) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    source = pa.BufferReader(content)
    if content[:4] == b"PAR1":
        file = pq.ParquetFile(source)
        return file.schema_arrow, file.iter_batches(ROWS, use_threads=False)
    if content[:6] == b"ARROW1":
        reader = pa.ipc.open_file(source)
        return reader.schema, map(reader.get_batch, range(reader.num_record_batches))
    stream = pa.ipc.open_stream(source)
    return stream.schema, iter(stream)

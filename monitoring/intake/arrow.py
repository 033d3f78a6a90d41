"""Parquet and Arrow bytes to tables."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pat

from engine.errors import Refused
from monitoring.intake.limits import FOLD, GIB, spelled

ROWS = 65_536
#: A file of equal values unpacks to far more than its size.
MOST = GIB
#: The physical type of texts in Parquet.
TEXT = "BYTE_ARRAY"
TEXTS = (pat.is_string, pat.is_binary, pat.is_large_string, pat.is_large_binary)
LISTS = (pat.is_list, pat.is_large_list, pat.is_fixed_size_list)


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
        for packed in batches:
            unpacked = sum(map(_unpacked, packed.columns))
            if (read := read + unpacked) > most:
                told = f"unpacks to more than {spelled(MOST)} and {FOLD} times its size"
                raise Refused(f"{told}; write several files")
            waiting.append(packed if packed.schema.equals(schema) else packed.cast(schema))
            held += unpacked
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
        schema = pq.ParquetFile(source).schema
        # A text that repeats is a number in the file: it stays one until its length is counted.
        texts = [
            one.path for one in map(schema.column, range(len(schema))) if one.physical_type == TEXT
        ]
        file = pq.ParquetFile(source, read_dictionary=texts)
        return schema.to_arrow_schema(), file.iter_batches(ROWS, use_threads=False)
    if content[:6] == b"ARROW1":
        reader = pa.ipc.open_file(source)
        return reader.schema, map(reader.get_batch, range(reader.num_record_batches))
    stream = pa.ipc.open_stream(source)
    return stream.schema, iter(stream)


def _unpacked(column: pa.Array) -> int:
    """Return the bytes that a column takes once its texts are written out."""
    if pat.is_dictionary(column.type) and any(is_one(column.dictionary.type) for is_one in TEXTS):
        lengths = pc.binary_length(column.dictionary).cast(pa.int64())
        return int(pc.sum(lengths.take(column.indices)).as_py() or 0) + int(column.indices.nbytes)
    if pat.is_struct(column.type):
        return sum(map(_unpacked, column.flatten()))
    if pat.is_map(column.type):
        return _unpacked(column.keys) + _unpacked(column.items)
    if any(is_one(column.type) for is_one in LISTS):
        return _unpacked(column.flatten())
    return int(column.nbytes)

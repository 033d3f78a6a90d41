"""Parquet and Arrow bytes."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import Refused
from monitoring.intake.arrow import decode, slices

TABLE = pa.table({"x": [1.0, None], "s": ["a", "b"]})


def test_parquet_file_and_stream() -> None:
    parquet = io.BytesIO()
    pq.write_table(TABLE, parquet)
    file, stream = io.BytesIO(), io.BytesIO()
    with pa.ipc.new_file(file, TABLE.schema) as writer:
        writer.write_table(TABLE)
    with pa.ipc.new_stream(stream, TABLE.schema) as writer:
        writer.write_table(TABLE)
    for content in (parquet, file, stream):
        assert decode(content.getvalue()).equals(TABLE)


@pytest.mark.parametrize("content", [b"", b"PAR1junk", b"ARROW1junk", b'{"x": 1}'])
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="neither Parquet nor Arrow"):
        decode(content)


def test_large_files_come_in_pieces() -> None:
    table = pa.table({"x": range(300_000)})
    content = io.BytesIO()
    pq.write_table(table, content, row_group_size=100_000)
    found = list(slices(content.getvalue(), 1 << 20))
    assert len(found) > 1
    assert all(piece.nbytes >= 1 << 20 for piece in found[:-1])
    assert pa.concat_tables(found).equals(table)
    empty = io.BytesIO()
    pq.write_table(table.slice(0, 0), empty)
    assert [piece.num_rows for piece in slices(empty.getvalue(), 1)] == [0]

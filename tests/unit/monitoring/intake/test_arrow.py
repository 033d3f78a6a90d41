"""Parquet and Arrow bytes."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import Refused
from monitoring.intake import arrow
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


def _parquet(table: pa.Table, compression: str = "zstd") -> bytes:
    content = io.BytesIO()
    pq.write_table(table, content, compression=compression)
    return content.getvalue()


def _ipc(table: pa.Table, stream: bool) -> bytes:
    content = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    opened = pa.ipc.new_stream if stream else pa.ipc.new_file
    with opened(content, table.schema, options=options) as writer:
        writer.write_table(table)
    return content.getvalue()


ROWS = 400_000
BOMBS = {
    "a number": _parquet(pa.table({"x": np.zeros(ROWS)})),
    "a number without compression": _parquet(pa.table({"x": np.zeros(ROWS)}), "none"),
    "a text": _parquet(pa.table({"x": ["a long text"] * ROWS})),
    "many columns": _parquet(pa.table({f"x{i}": np.zeros(ROWS // 50) for i in range(50)})),
    "lists": _parquet(pa.table({"x": [[0.0] * 10] * (ROWS // 10)})),
    "an Arrow file": _ipc(pa.table({"x": np.zeros(ROWS)}), stream=False),
    "an Arrow stream": _ipc(pa.table({"x": np.zeros(ROWS)}), stream=True),
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_a_file_that_unpacks_to_far_more_is_refused(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sum(piece.nbytes for piece in slices(content, 1 << 20)) > 100 * len(content)
    monkeypatch.setattr(arrow, "MOST", 1 << 20)
    for size in (1 << 18, 1 << 40):
        with pytest.raises(Refused, match="unpacks to more than 1 MiB and 100 times its size"):
            list(slices(content, size))


def test_a_large_file_of_varied_values_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"x": np.random.default_rng(1).random(ROWS)})
    monkeypatch.setattr(arrow, "MOST", 1 << 20)
    assert decode(_parquet(table)).equals(table)

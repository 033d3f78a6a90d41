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


def _parquet(table: pa.Table, compression: str = "zstd", *, store_schema: bool = True) -> bytes:
    content = io.BytesIO()
    pq.write_table(table, content, compression=compression, store_schema=store_schema)
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


def _repeated(rows: int, text: str) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))


def _nested(values: pa.Array) -> dict[str, pa.Array]:
    places, keys = pa.array(range(len(values) + 1), pa.int32()), pa.array(["k"] * len(values))
    plain = values.dictionary_decode()
    return {
        "a text": values,
        "a list": pa.ListArray.from_arrays(places, values),
        "a list of one": pa.FixedSizeListArray.from_arrays(plain, 1),
        "a struct": pa.StructArray.from_arrays([values], ["a"]),
        "a map": pa.MapArray.from_arrays(places, keys, plain),
        "a list of structs": pa.ListArray.from_arrays(
            places, pa.StructArray.from_arrays([plain], ["a"])
        ),
    }


@pytest.mark.parametrize("kind", _nested(_repeated(1, "x")))
def test_a_text_that_repeats_is_counted_before_it_is_written_out(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pa.table({"x": _nested(_repeated(2000, "x" * 10_000))[kind]})
    content = _parquet(table)
    assert len(content) < 5000
    monkeypatch.setattr(arrow, "MOST", 10 << 20)
    before, pool = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(pool)
    try:
        with pytest.raises(Refused, match="unpacks to more than 10 MiB"):
            list(slices(content, 1 << 20))
    finally:
        pa.set_memory_pool(before)
    assert pool.max_memory() < 10 << 20


def test_columns_keep_their_types_however_they_are_packed() -> None:
    nested = _nested(pa.array(["a", None, "b"]).dictionary_encode())
    table = pa.table(
        {**nested, "bytes": [b"a", b"", None], "large": pa.array(["a"] * 3, "large_string")}
    )
    for store_schema in (True, False):
        content = _parquet(table, store_schema=store_schema)
        assert decode(content).equals(pq.read_table(io.BytesIO(content)))


@pytest.mark.parametrize("stream", [True, False])
def test_dictionaries_of_any_values_are_read(stream: bool) -> None:
    values = ([1, 2, 1], [0.5, None, 0.5], ["a", "b", None], [b"a", b"", b"a"], [True, False, True])
    table = pa.table({str(i): pa.array(one).dictionary_encode() for i, one in enumerate(values)})
    assert decode(_ipc(table, stream)).equals(table)


def test_a_large_file_of_varied_values_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"x": np.random.default_rng(1).random(ROWS)})
    monkeypatch.setattr(arrow, "MOST", 1 << 20)
    assert decode(_parquet(table)).equals(table)

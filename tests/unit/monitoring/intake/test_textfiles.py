"""Text files as Arrow batches: types that hold for all of a file, and what is left out of it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from engine.errors import Refused
from monitoring.intake import csvfiles, textfiles
from monitoring.intake.csvfiles import csv_batches
from monitoring.intake.source import Source
from monitoring.intake.textfiles import json_batches


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textfiles, "BLOCK", 64)
    monkeypatch.setattr(csvfiles, "BLOCK", 64)


def memory(content: bytes) -> Source:
    return Source("it", lambda: pa.BufferReader(content))


def rows(batches: list[pa.RecordBatch]) -> list[dict[str, object]]:
    return [row for batch in batches for row in batch.to_pylist()]


def test_a_type_holds_for_the_whole_file() -> None:
    body = b"n,late,word\n" + b"1,NA,2\n" * 40 + b"2.5,7,x\n"
    batches = list(csv_batches(memory(body)))
    assert {batch.schema for batch in batches} == {batches[0].schema}
    assert [str(field.type) for field in batches[0].schema] == ["double", "int64", "string"]
    assert rows(batches)[0] == {"n": 1.0, "late": None, "word": "2"}
    assert rows(batches)[-1] == {"n": 2.5, "late": 7, "word": "x"}


def test_a_csv_file_of_a_header_alone_has_a_schema() -> None:
    (batch,) = csv_batches(memory(b"a,b\n"))
    assert (batch.schema.names, batch.num_rows) == (["a", "b"], 0)


def test_a_packed_file_is_opened_as_often_as_it_takes(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv.gz"
    file.write_bytes(gzip.compress(b"n\n" + b"1\n" * 99 + b"x\n"))
    found = rows(list(csv_batches(Source(str(file), lambda: pa.input_stream(str(file))))))
    assert (len(found), found[0], found[-1]) == (100, {"n": "1"}, {"n": "x"})


def test_lines_over_a_blocks_end_are_whole_and_bad_ones_are_counted() -> None:
    lines = [b'{"n": %d, "word": "w%d"}' % (i, i) for i in range(30)]
    notes: list[str] = []
    body = b"\xef\xbb\xbf" + b"\n".join([*lines[:20], b"{oops", *lines[20:]])
    found = rows(list(json_batches(memory(body), notes)))
    assert found == [{"n": i, "word": f"w{i}"} for i in range(30)]
    assert len(notes) == 1
    assert notes[0].startswith("it: 1 bad lines left out, the first is line 21")


def test_what_is_mostly_not_json_is_refused() -> None:
    with pytest.raises(Refused, match="it: not JSON Lines: line 1"):
        list(json_batches(memory(b"a,b\n1,2\n"), []))

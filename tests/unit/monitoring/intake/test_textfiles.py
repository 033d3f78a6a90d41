"""JSON Lines as Arrow batches: types that hold for all of a file, and what is left out of it."""

from __future__ import annotations

import pyarrow as pa
import pytest

from engine.errors import Refused
from monitoring.intake import textfiles
from monitoring.intake.source import Source
from monitoring.intake.textfiles import json_batches, json_texts
from monitoring.intake.untyped import is_untyped


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textfiles, "BLOCK", 64)


def memory(content: bytes) -> Source:
    return Source("it", lambda: pa.BufferReader(content))


def rows(batches: list[pa.RecordBatch]) -> list[dict[str, object]]:
    return [row for batch in batches for row in batch.to_pylist()]


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


def test_columns_of_mixed_types_stay_text_where_nobody_has_looked_at_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(textfiles, "BLOCK", 4_096)
    body = b'{"n": 1, "s": "x", "b": true}\n{"n": "?", "s": "y", "b": 0}\n{"n": 2.5, "s": null}\n'
    (batch,) = json_texts(memory(body), [])
    assert [is_untyped(field) for field in batch.schema] == [True, False, True]
    assert batch.to_pylist() == [
        {"n": "1", "s": "x", "b": "true"},
        {"n": "?", "s": "y", "b": "0"},
        {"n": "2.5", "s": None, "b": None},
    ]


def test_mixed_types_in_the_collectors_lines_stay_text_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(textfiles, "BLOCK", 4_096)
    line = (
        b'{"specversion": "1.0", "correlationid": "a", "time": "2026-08-01T00:00:00Z", "data": %s}'
    )
    body = line % b'[{"n": 1}, {"n": "?"}]' + b"\n" + line % b'[{"n": 2}]'
    found = rows(list(json_texts(memory(body), [])))
    assert found == [{"n": "1"}, {"n": "?"}, {"n": "2"}]

"""Nesting and names of JSON, counted before a parser pays for them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from engine.errors import Refused
from monitoring.intake import collector, labels, traffic
from monitoring.intake.lines import Decoded, read_fast
from monitoring.intake.source import Source
from monitoring.intake.textfiles import json_batches, json_texts
from monitoring.intake.widths import DEEPEST, is_deep, names_in

DEPTH = 100_000


def nested(opening: str, closing: str, depth: int = DEPTH) -> bytes:
    return f'{{"x": {opening * depth}1{closing * depth}}}\n'.encode()


DEEP = {
    "lists": nested("[", "]"),
    "objects": nested('{"a": ', "}"),
    "both": nested('[{"a": ', "}]"),
    "lists that never close": nested("[", ""),
    "over several lines": nested("[\n", "]\n", 20_000),
    "behind brackets in strings": b'{"x": "]]]]"}\n' * 900 + nested("[", "]"),
    "behind plain rows": b'{"x": 1}\n' * 3_000 + nested("[", "]"),
}


@pytest.mark.parametrize("body", DEEP.values(), ids=DEEP)
def test_deep_nesting_does_not_end_the_process(body: bytes) -> None:
    assert is_deep(body)
    assert read_fast(body, pa.schema([])) is None
    source = Source("it", lambda: pa.BufferReader(body))
    for read in (json_batches, json_texts):
        # More bad lines than rows are refused.
        with contextlib.suppress(Refused):
            assert sum(batch.num_rows for batch in read(source, [])) == body.count(b"\n") - 1


FLAT = {
    "rows": b'{"x": 1}\n' * 3_000,
    "rows of lists": b'{"x": [1, 2], "y": {"z": [3]}}\n' * 1_000,
    "intervals as text": b'{"x": "[0, 10)", "y": "(3, 4]"}\n' * 1_000,
    "quotes in text": b'{"x": "a \\"[[[\\" b", "y": "\\\\"}\n' * 1_000,
    "as deep as allowed": nested("[", "]", DEEPEST - 1) * 100,
}


@pytest.mark.parametrize("body", FLAT.values(), ids=FLAT)
def test_brackets_of_ordinary_rows_are_not_deep(body: bytes) -> None:
    assert not is_deep(body)


def _names(rows: Iterator[dict[str, object]]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b"", 0),
        (_names({"a": 1, "b": 2} for _ in range(9_000)), 2),
        (_names({f"c{number}": 1} for number in range(9_000)), 9_000),
        (_names({"a": 1, f"c{number // 3}": 1} for number in range(9_000)), 3_001),
        (_names({f"{number % 7}": {"a": number}} for number in range(9_000)), 8),
        (b'{"a\\"b" : 1, "c\\\\": 2}\n' * 50, 2),
    ],
)
def test_names_are_counted(body: bytes, count: int) -> None:
    assert names_in(body, 10) == count


def test_few_names_are_not_counted_where_there_are_few_colons() -> None:
    assert names_in(b'{"a": 1, "b": 2}\n', 10) == 0


@pytest.mark.parametrize("decode", [collector.decode, labels.decode, traffic.decode])
def test_every_reader_of_logs_survives_deep_lines(decode: Callable[..., Decoded]) -> None:
    decoded = decode(nested("[", "]") * 3, closed=True)
    assert (decoded.table.num_rows, len(decoded.bad)) == (0, 3)

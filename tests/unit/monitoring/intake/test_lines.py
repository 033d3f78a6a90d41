"""Lines of JSON: mixed types and times."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from monitoring.intake.lines import SMALL, column, complete, instant, read_fast, times
from monitoring.intake.objects import MARK


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, None, 2], [1, None, 2]),
        ([1, 2.5], [1.0, 2.5]),
        (["a", None], ["a", None]),
        ([True, False], [True, False]),
        ([1, 2, "x"], [1.0, 2.0, None]),
        ([1, "x", "None", None], ["1", "x", "None", None]),
        ([True, 1, 2], [None, 1.0, 2.0]),
        ([True, "a", "b"], ["true", "a", "b"]),
        ([10**30, 1], [1e30, 1.0]),
        ([10**400, "a"], [str(10**400), "a"]),
        ([{"a": 1}, "b", "c"], [None, "b", "c"]),
        ([None, None], [None, None]),
        ([], []),
    ],
    ids=str,
)
def test_columns_of_any_types(values: list[Any], expected: list[Any]) -> None:
    assert column(values).to_pylist() == expected


def nested(depth: int, around: str) -> Any:
    found: Any = 1
    for _ in range(depth):
        found = [found] if around == "list" else {"a": found}
    return found


@pytest.mark.parametrize("around", ["list", "object"])
@pytest.mark.parametrize(("depth", "kept"), [(1, True), (30, True), (60, False), (300, False)])
def test_values_that_are_nested_too_deeply_for_a_file_are_text(
    around: str, depth: int, kept: bool
) -> None:
    made = column([nested(depth, around)] * 3)
    assert pa.types.is_nested(made.type) == kept
    table = pa.table({"a": made})
    with pa.ipc.new_stream(pa.BufferOutputStream(), table.schema) as writer:
        writer.write_table(table)
    body = "".join(
        json.dumps({"a": nested(depth, around), "b": "x" * 200}) + "\n" for _ in range(100)
    )
    assert (read_fast(body.encode(), pa.schema([])) is not None) == kept


def test_a_line_being_written_is_left_for_later() -> None:
    assert complete(b'{"a":1}\n{"a"', closed=False) == b'{"a":1}\n'
    assert complete(b'{"a"', closed=False) == b""
    assert complete(b'{"a":1}', closed=True) == b'{"a":1}'
    assert complete(b'{"a"', closed=True) == b'{"a"'


@pytest.mark.parametrize(
    ("tail", "whole"),
    [
        (b'{"a":1}', 7),
        (b' {"a":1} \r', 10),
        (b'{"a":1}{"a":2}{"a"', 14),
        (b'{"a":1} {"a":"\xc3', 8),
        (b'{"a":"\xc3\xbc"}x', 10),
        (b'{"a":"\xff"}', 9),
        (b'\xef\xbb\xbf{"a":1}', 10),
        (b"\xef\xbb\xbf", 0),
        (b"12", 0),
        (b"[1]", 0),
        (b'x{"a":1}', 0),
        (b"\0\0", 0),
        (b'{"a":' * 100_000, 0),
        (b"", 0),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_whole_objects_need_no_line_end(tail: bytes, whole: int) -> None:
    """A number can grow and a list is no line; an object ends with its last brace."""
    for before in (b"", b'{"a":0}\n'):
        assert len(complete(before + tail, closed=False)) == len(before) + whole


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2013-04-01T05:00:00Z", datetime(2013, 4, 1, 5, tzinfo=UTC)),
        ("2013-04-01T05:00:00+02:00", datetime(2013, 4, 1, 3, tzinfo=UTC)),
        ("2013-04-01T05:00:00.1234567Z", datetime(2013, 4, 1, 5, 0, 0, 123456, tzinfo=UTC)),
        ("2013-04-01T05:00:00", datetime(2013, 4, 1, 5, tzinfo=UTC)),
        ("yesterday", None),
        (None, None),
        (7, None),
    ],
)
def test_times_are_utc(text: int | str | None, moment: datetime | None) -> None:
    assert instant(text) == moment
    if text != 7:
        assert times(pa.array([text, text], pa.string())).to_pylist() == [moment, moment]


@pytest.mark.parametrize("start", [b"", b"\n \n", MARK, MARK + b" "])
def test_null_in_front_does_not_end_the_process(start: bytes) -> None:
    rows = b'{"a": 1, "b": "so that Arrow parses it"}\n' * SMALL
    assert read_fast(start + b"null\n" + rows, pa.schema([])) is None


def test_a_null_among_rows_is_no_row() -> None:
    rows = b'{"a": 1, "b": "so that Arrow parses it"}\n' * SMALL
    assert read_fast(rows + b"null\n" + rows, pa.schema([])) is None
    assert read_fast(rows.replace(b"1", b"null"), pa.schema([])).num_rows == SMALL

"""CSV as Arrow batches: types that hold for all of a file, or text that nobody has looked at."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from engine.errors import Refused
from monitoring.intake import csvfiles
from monitoring.intake.csvfiles import csv_batches, csv_texts
from monitoring.intake.source import Source
from monitoring.intake.untyped import is_untyped


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_text_is_as_it_stands_and_only_empty_cells_are_null() -> None:
    body = b'a,b,c\n02139,NA,\n1.0,"",x\n'
    batches = list(csv_texts(memory(body)))
    assert all(is_untyped(field) for field in batches[0].schema)
    assert rows(batches) == [
        {"a": "02139", "b": "NA", "c": None},
        {"a": "1.0", "b": "", "c": "x"},
    ]


Read = Callable[[Source], Iterator[pa.RecordBatch]]


@pytest.mark.parametrize("read", [csv_texts, csv_batches])
def test_a_header_may_stand_alone_or_behind_blank_lines(read: Read) -> None:
    for body in (b"a,b", b"a,b\n", b"\n\na,b\n"):
        (batch,) = read(memory(body))
        assert (batch.schema.names, batch.num_rows) == (["a", "b"], 0)
    assert [str(row["a"]) for row in rows(list(read(memory(b"\n\na,b\n1,2\n"))))] == ["1"]
    (row,) = rows(list(read(memory(b'"a\nb",c\n1,2\n'))))
    assert list(row) == ["a\nb", "c"]


@pytest.mark.parametrize("read", [csv_texts, csv_batches])
def test_columns_without_name_and_value_are_dropped_only_if_that_holds_for_all(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rows(list(read(memory(b"a,,\n1,,\n"))))[0].keys() == {"a"}
    long = b"a,\n" + b"1,\n" * 40_000 + b"1,2\n"
    with pytest.raises(Refused, match="values in a column without a name, 'Unnamed: 1'"):
        list(read(memory(long)))


def test_decimal_commas_become_points() -> None:
    body = b"a;b\n1,5;x,5\n-2,25e3;y\n"
    assert rows(list(csv_texts(memory(body)))) == [
        {"a": "1.5", "b": "x,5"},
        {"a": "-2.25e3", "b": "y"},
    ]
    assert [row["a"] for row in rows(list(csv_batches(memory(body))))] == [1.5, -2250.0]


@pytest.mark.parametrize(
    "body",
    [
        b"a;b\n1.234,50;x\n99,5;y\n1.234;z\n-1.234.567,25;\n;\n",
        b'a,b\n"1,234.50",x\n99.5,y\n"1,234",z\n"-1,234,567.25",\n,\n',
    ],
)
def test_marks_between_thousands_are_left_out(body: bytes) -> None:
    found = [row["a"] for row in rows(list(csv_texts(memory(body))))]
    assert found == ["1234.50", "99.5", "1234", "-1234567.25", None]


def test_text_beside_numbers_keeps_its_commas() -> None:
    body = b'a,b\n"1,234.50",1\n"12,34",1\n"1,2,3",1\n"2,345.50",1\n"3,000.5",1\n'
    found = [row["a"] for row in rows(list(csv_texts(memory(body))))]
    assert found == ["1234.50", "12,34", "1,2,3", "2345.50", "3000.5"]


def test_bytes_that_are_no_utf8_are_kept_for_whom_it_concerns() -> None:
    (batch,) = [one for one in csv_texts(memory(b"a,b\ncaf\xe9,1\n")) if one.num_rows]
    assert batch["b"].to_pylist() == ["1"]
    with pytest.raises(pa.ArrowInvalid, match="UTF8"):
        batch["a"].validate(full=True)


ROWS = "".join(f"{number},a\n" for number in range(50))


@pytest.mark.parametrize("read", [csv_texts, csv_batches])
@pytest.mark.parametrize(
    "body",
    [
        'x,k\n1,"a\n' + ROWS,
        "x,k\n" + ROWS + '1,"a\n1,b',
        'k\n"a\nb\nc\n',
        'x,k\r\n1,"a\r\n2,b\r\n',
        'x,k\n1,"a""\n2,b\n',
    ],
)
def test_a_quote_that_nothing_closes_is_refused(read: Any, body: str) -> None:
    with pytest.raises(Refused, match="a quote is never closed"):
        list(read(memory(body.encode())))


@pytest.mark.parametrize("read", [csv_texts, csv_batches])
@pytest.mark.parametrize(
    ("body", "count"),
    [
        ('x,k\n1,"a\nb"\n', 1),
        ('x,k\n1,"a\nb"', 1),
        ('x,k\n1,"a\nb\n"\n\n', 1),
        ('x,k\n1,"a\nb"\n2,c\n', 2),
        ('x,k\n1,12" pipe\n', 1),
        ('x,k\n1,"caf\u00e9\n"\n', 1),
    ],
)
def test_cells_of_several_lines_are_read(read: Any, body: str, count: int) -> None:
    assert sum(batch.num_rows for batch in read(memory(body.encode()))) == count

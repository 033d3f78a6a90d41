"""Bounds on a file of rows: what is within them is read, what is beyond is named and refused."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial

import pyarrow as pa
import pytest

from engine.errors import Refused
from monitoring.intake.csvfiles import csv_batches, csv_texts
from monitoring.intake.limits import FOLD, Limits, refuse_expansion
from monitoring.intake.source import Source
from monitoring.intake.textfiles import json_batches, json_texts

Read = Callable[[Source], Iterator[pa.RecordBatch]]
CSV: tuple[Read, ...] = (csv_texts, csv_batches)
JSON: tuple[Read, ...] = (
    lambda source: json_texts(source, []),
    lambda source: json_batches(source, []),
)
MOST = 2_000


def memory(content: bytes, limits: Limits = Limits(line=MOST, columns=5)) -> Source:  # noqa: B008
    return Source("it", lambda: pa.BufferReader(content), 0, limits)


def rows(read: Read, source: Source) -> int:
    return sum(batch.num_rows for batch in read(source))


LINES = {
    "a first row": lambda size: b"x,k\n" + b"a" * (size - 2) + b",1\n2,b\n",
    "a last row without an end": lambda size: b"x,k\n2,b\n" + b"a" * (size - 2) + b",1",
    "Windows line ends": lambda size: b"x,k\r\n2,b\r\n" + b"a" * (size - 2) + b",1\r\n",
    "old Mac line ends": lambda size: b"x,k\r2,b\r" + b"a" * (size - 2) + b",1\r",
    "a line in quotes": lambda size: b'x,k\n"' + b"a" * (size - 1) + b'\n",1\n2,b\n',
    "UTF-16": lambda size: ("x,k\n2,b\n" + "a" * (size - 2) + ",1\n").encode("utf-16"),
}


@pytest.mark.parametrize("read", CSV)
@pytest.mark.parametrize("place", LINES)
def test_a_line_of_csv_has_a_most_length(read: Read, place: str) -> None:
    assert rows(read, memory(LINES[place](MOST))) == 2
    with pytest.raises(Refused, match=r"^it: line \d is longer than 2,000 bytes \(limit max-line"):
        rows(read, memory(LINES[place](MOST + 1)))


@pytest.mark.parametrize("read", CSV)
def test_a_header_has_a_most_length(read: Read) -> None:
    limits = Limits(line=200_000)
    for size in (1, 131_000):
        assert rows(read, memory(b"a" * size + b",k\n1,b\n", limits)) == 1
    with pytest.raises(Refused, match="line 1 is longer than 200,000 bytes"):
        rows(read, memory(b"a" * 200_001 + b"\n1\n", limits))


@pytest.mark.parametrize("read", [partial(csv_texts, block=9 << 20), csv_batches])
def test_a_row_of_many_lines_has_a_most_length(read: Read) -> None:
    limits = Limits(line=9 << 20)
    body = b'x,k\n1,"' + b"a\n" * (10 << 20) + b'"\n'
    with pytest.raises(Refused, match=r"a row is longer than 9 MiB \(limit max-line\)"):
        rows(read, memory(body, limits))


@pytest.mark.parametrize("read", JSON)
@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_line_of_json_has_a_most_length(read: Read, end: bytes) -> None:
    row = b'{"x": "' + b"a" * (MOST - 9) + b'"}'
    assert rows(read, memory(b'{"x": "b"}\n' + row + end)) == 2
    with pytest.raises(Refused, match="line 2 is longer than 2,000 bytes"):
        rows(read, memory(b'{"x": "b"}\n' + b" " + row + end))


@pytest.mark.parametrize("read", JSON)
def test_a_line_longer_than_blocks_is_put_together(read: Read) -> None:
    row = b'{"x": "' + b"a" * (9 << 20) + b'"}\n'
    assert rows(read, memory(b'{"x": "b"}\n' + row + b'{"x": "c"}\n', Limits())) == 3


def _table(count: int) -> bytes:
    names = [f"c{number}" for number in range(count)]
    return f"{','.join(names)}\n{','.join('1' * count)}\n".encode()


@pytest.mark.parametrize("read", CSV)
def test_columns_of_csv_are_bounded(read: Read) -> None:
    assert rows(read, memory(_table(5))) == 1
    with pytest.raises(Refused, match=r"^it: 6 columns, and the most is 5 \(limit max-columns\)$"):
        rows(read, memory(_table(6)))


NAMES = {
    "in one line": [{f"c{number}": 1 for number in range(6)}],
    "one a line": [{f"c{number}": 1} for number in range(6)],
    "one a line, in a large block": [{f"c{number % 40_000}": 1} for number in range(50_000)],
    "rare ones among many lines": [
        {"a": 1, "b": 2, **({f"c{number}": 3} if number % 20 == 0 else {})}
        for number in range(20_000)
    ],
    "in one long line among many": [
        {"a": 1},
        {f"column number {number}": 1 for number in range(2_000)},
        *[{"a": 1}] * 1_000,
    ],
}


@pytest.mark.parametrize("read", JSON)
@pytest.mark.parametrize("place", NAMES)
def test_names_of_json_are_bounded(read: Read, place: str) -> None:
    body = "".join(f"{row}\n".replace("'", '"') for row in NAMES[place]).encode()
    with pytest.raises(Refused, match=r"^it: [0-9,]+ (columns|different names), .*max-columns\)$"):
        rows(read, memory(body, Limits(columns=5)))


class Endless(io.RawIOBase):
    """Rows without end, and how many bytes were read of them."""

    def __init__(self, row: bytes) -> None:
        self.row = row
        self.count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        assert size > 0
        content = self.row * (size // len(self.row) or 1)
        self.count += len(content)
        return content


@pytest.mark.parametrize(
    ("read", "row"),
    [
        *((read, b"1,a\n") for read in CSV),
        *((read, b'{"x":1}\n') for read in JSON),
    ],
)
def test_a_packed_file_that_unpacks_without_end_is_read_up_to_the_limit(
    read: Read, row: bytes
) -> None:
    streams = []

    def opened() -> pa.NativeFile:
        streams.append(Endless(row))
        return pa.PythonFile(streams[-1], mode="r")

    most = 8 << 20
    with pytest.raises(Refused, match=r"unpacks to more than 100 times .* 8 MiB \(limit max-by"):
        rows(read, Source("it", opened, packed=1_000, limits=Limits(unpacked=most)))
    # One block beyond the limit.
    assert max(stream.count for stream in streams) <= most + (16 << 20)


@pytest.mark.parametrize(
    ("packed", "unpacked", "refused"),
    [
        (10, 1_000, False),  # within both
        (10, 1_001, True),  # beyond both
        (10, 999_999, True),
        (9, 1_000, False),  # beyond the fold only
        (100, FOLD * 100, False),  # beyond the size only
        (100, FOLD * 100 + 1, True),
    ],
)
def test_a_packed_file_is_refused_beyond_its_size_and_its_fold(
    packed: int, unpacked: int, refused: bool
) -> None:
    limits = Limits(unpacked=1_000)
    if refused:
        with pytest.raises(Refused, match="max-bytes"):
            refuse_expansion("it", packed, unpacked, limits)
    else:
        refuse_expansion("it", packed, unpacked, limits)

"""Text files opened as UTF-8, whatever their encoding."""

from __future__ import annotations

import pyarrow as pa
import pytest

from engine.errors import Refused
from monitoring.intake.source import Source, first_line


def memory(content: bytes) -> Source:
    return Source("it", lambda: pa.BufferReader(content))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(encoding: str) -> None:
    text = "name,größe\n😀,1\n"
    with memory(text.encode(encoding)).text() as stream:
        assert stream.read(100).decode() == text


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
def test_both_orders_of_bytes_are_read(mark: str) -> None:
    body = ("\ufeff" + "a,b\n").encode(mark)
    with memory(body).text() as stream:
        assert stream.read(100).decode() == "a,b\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04...", "a zip or Excel file"),
        ("a,b".encode("utf-16-le"), "UTF-16 needs a byte order mark"),
        (b"\x00\x01\x02", "not text; UTF-16 needs"),
    ],
)
def test_what_is_no_text_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(Refused, match=told):
        memory(content).text()


def test_an_error_of_many_lines_is_told_by_its_first() -> None:
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(EOFError()) == "EOFError"

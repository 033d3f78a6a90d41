"""JSON objects read one after another, several to a line where a writer ends no line."""

from __future__ import annotations

import json
from collections.abc import Iterator

#: The byte order mark of UTF-8.
MARK = b"\xef\xbb\xbf"
_BLANK = " \t\r\n"
_DECODER = json.JSONDecoder()


def read_objects(
    body: bytes, before: int = 0
) -> tuple[list[tuple[int, dict[str, object]]], list[str]]:
    """Parse line by line: (line number, object) pairs, and a reason per bad line.

    A line may hold several objects, one after another: a writer may append to a line without an
    end.
    """
    good: list[tuple[int, dict[str, object]]] = []
    bad: list[str] = []
    for number, line in enumerate(body.split(b"\n"), start=before + 1):
        try:
            # Concatenated files have a mark at the begin of each.
            for value in _values(line.removeprefix(MARK).decode()):
                if b"\\u" in line:
                    # Half a surrogate pair is valid JSON, but cannot be stored as text.
                    json.dumps(value, ensure_ascii=False).encode()
                if not isinstance(value, dict):
                    bad.append(f"line {number}: not an object")
                    break
                good.append((number, value))
        except (ValueError, RecursionError) as error:
            bad.append(f"line {number}: not JSON: {error}")
    return good, bad


def whole(tail: bytes) -> int:
    """Count the bytes of the complete objects at the begin of a line without an end."""
    mark = MARK if tail.startswith(MARK) else b""
    # Bytes that are not UTF-8, or incomplete, keep their places.
    line = tail.removeprefix(mark).decode(errors="surrogateescape")
    place = _skip(line, 0)
    try:
        while line.startswith("{", place):
            place = _skip(line, _DECODER.raw_decode(line, place)[1])
    except (ValueError, RecursionError):
        pass
    read = line[:place].encode(errors="surrogateescape")
    return len(mark) + len(read) if read else 0


def _values(line: str) -> Iterator[object]:
    """Parse objects that follow each other; ValueError where the rest is not JSON."""
    place = _skip(line, 0)
    while line.startswith("{", place):
        value, place = _DECODER.raw_decode(line, place)
        yield value
        place = _skip(line, place)
    if place < len(line):
        yield json.loads(line[place:])


def _skip(line: str, place: int) -> int:
    """Return the place of the next character that is not blank."""
    while place < len(line) and line[place] in _BLANK:
        place += 1
    return place

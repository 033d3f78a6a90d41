"""JSON Lines as they grow: complete lines, bad lines counted with a reason, mixed types tamed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.json as pj
import pyarrow.types as pat

UTC_TIME = pa.timestamp("us", "UTC")
# Below this many bytes starting Arrow's parser costs more than Python's takes altogether.
SMALL = 16_384


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one chunk of lines held.

    consumed: bytes up to the end of the last complete line; a reader goes on from there.
    bad: one reason per line that could not be used, with its number within the chunk.
    """

    table: pa.Table
    consumed: int
    bad: tuple[str, ...] = ()


def complete(chunk: bytes, closed: bool) -> bytes:
    """Cut off a last line that is still being written; a closed file has none."""
    return chunk if closed else chunk[: chunk.rfind(b"\n") + 1]


def read_fast(body: bytes, schema: pa.Schema, unexpected: str = "infer") -> pa.Table | None:
    """Parse with Arrow; None where the lines are too few, bad, of mixed types, or hold dates.

    Arrow takes every string that looks like a time for one, which would make the type of a column
    depend on its block.
    """
    if len(body) < SMALL:
        return None
    options = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior=unexpected)
    try:
        table = pj.read_json(pa.py_buffer(body), pj.ReadOptions(use_threads=False), options)
    except pa.ArrowException:
        return None
    return None if any(pat.is_temporal(field.type) for field in table.schema) else table


def read_objects(body: bytes) -> tuple[list[tuple[int, dict[str, object]]], list[str]]:
    """Parse line by line: (line number, object) pairs, and a reason per bad line."""
    good: list[tuple[int, dict[str, object]]] = []
    bad: list[str] = []
    for number, line in enumerate(body.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            bad.append(f"line {number}: not JSON: {error}")
            continue
        if isinstance(value, dict):
            good.append((number, value))
        else:
            bad.append(f"line {number}: not an object")
    return good, bad


def column(values: Sequence[object]) -> pa.Array:
    """Make an Arrow column of Python values of any types.

    Where types are mixed, the column is numeric if more than half of its values are numbers, and
    text otherwise; values that do not fit are null.
    """
    kinds = {type(value) for value in values if value is not None}
    if bool not in kinds or len(kinds) == 1:
        try:
            return pa.array(values)
        except (pa.ArrowException, OverflowError):
            pass
    numbers = [_number(value) for value in values]
    known = sum(value is not None for value in values)
    if 2 * sum(number is not None for number in numbers) > known:
        return pa.array(numbers, pa.float64())
    return pa.array([_text(value) for value in values], pa.string())


def times(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Parse ISO 8601 strings to UTC timestamps; no zone means UTC, nonsense means null."""
    try:
        return values.cast(pa.timestamp("ns", "UTC")).cast(UTC_TIME, safe=False)
    except pa.ArrowException:
        return pa.array([instant(value) for value in values.to_pylist()], UTC_TIME)


def instant(value: object) -> datetime | None:
    """Parse one ISO 8601 string; None if it is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def text_or_none(value: object) -> str | None:
    """Spell an identifier as text."""
    return None if value is None else str(value)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None

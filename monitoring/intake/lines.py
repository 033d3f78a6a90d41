"""Growing files of JSON Lines: complete lines, bad lines with a reason, columns of mixed types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.json as pj
import pyarrow.types as pat

from monitoring.intake.objects import MARK, whole
from monitoring.intake.stacking import stacked, text
from monitoring.intake.widths import is_deep

UTC_TIME = pa.timestamp("us", "UTC")
# Below this many bytes, Python's parser is faster than starting Arrow's.
SMALL = 16_384
# Size of the blocks in which lines are parsed: a bad line slows down its block only.
BLOCK = 4 * 1024 * 1024
#: Arrow's parser crashes the process on a leading null, and reads null as a row elsewhere.
_NULL_FIRST = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*null")
_NULL_LINE = b"\nnull"
#: Arrow's files take columns nested 64 levels deep; rows stand in a list of objects themselves.
MOST_NESTED = 32


@dataclass(frozen=True, slots=True)
class Apart:
    """A line whose rows are in a separate blob, because they are too large for the line.

    `payload` says that they are those of an HTTP payload.
    """

    line: int
    address: str
    correlationid: str | None
    time: str | None
    payload: bool = False


@dataclass(frozen=True, slots=True)
class Decoded:
    """The content of one chunk of lines.

    consumed: bytes up to the end of the last complete line or object; a reader resumes there.
    bad: one reason per line that could not be used, with its number within the chunk.
    own: number of lines left out because they log Driftwarden's own requests.
    apart: lines whose rows the caller has to read from a separate blob.
    """

    table: pa.Table
    consumed: int
    bad: tuple[str, ...] = ()
    own: int = 0
    apart: tuple[Apart, ...] = ()


def gathered(parts: Sequence[Decoded]) -> Decoded:
    """Combine the contents of several blocks of one chunk, in their order."""
    return Decoded(
        stacked([part.table for part in parts]),
        sum(part.consumed for part in parts),
        tuple(reason for part in parts for reason in part.bad),
        sum(part.own for part in parts),
        tuple(apart for part in parts for apart in part.apart),
    )


def blocks(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut complete lines into blocks of about `BLOCK` bytes, each with the number of lines before.

    There is always at least one block, which may be empty.
    """
    start = before = 0
    while start < len(body) or not start:
        end = len(body)
        if start + BLOCK < end:
            end = body.rfind(b"\n", start, start + BLOCK) + 1
            end = end or body.find(b"\n", start + BLOCK) + 1 or len(body)
        block = body[start:end]
        yield before, block
        if end == len(body):
            return
        before += block.count(b"\n")
        start = end


def complete(chunk: bytes, closed: bool) -> bytes:
    """Cut off a last line that is still being written; a closed file has none.

    An object with its last brace is complete even without a line end: later bytes belong to another
    line.
    """
    if closed:
        return chunk
    end = chunk.rfind(b"\n") + 1
    return chunk[: end + whole(chunk[end:])]


def read_fast(body: bytes, schema: pa.Schema, unexpected: str = "infer") -> pa.Table | None:
    """Parse with Arrow; None where the lines are too few, bad, too deep or of mixed types.

    Strings that look like times stay strings, since Arrow would decide that anew for each block.
    """
    if len(body) < SMALL or _NULL_FIRST.match(body) or _NULL_LINE in body:
        return None
    if not _is_text(body) or is_deep(body):
        return None
    try:
        table = _parsed(body, schema, unexpected)
        if any(_nesting(field.type) > MOST_NESTED for field in table.schema):
            return None
        plain = pa.schema([field.with_type(_timeless(field.type)) for field in table.schema])
        return table if plain == table.schema else _parsed(body, plain, unexpected)
    except pa.ArrowException:
        return None


def column(values: Sequence[object]) -> pa.Array:
    """Make an Arrow column of Python values of any types.

    Where types are mixed, the column is numeric if more than half of its values are numbers, and
    text otherwise; values that do not fit are null. Values nested too deeply are text, too.
    """
    kinds = {type(value) for value in values if value is not None}
    if bool not in kinds or len(kinds) == 1:
        try:
            made = pa.array(values)
            if _nesting(made.type) <= MOST_NESTED:
                return made
        except (pa.ArrowException, OverflowError):
            pass
    numbers = [_number(value) for value in values]
    known = sum(value is not None for value in values)
    if 2 * sum(number is not None for number in numbers) > known:
        return pa.array(numbers, pa.float64())
    return pa.array([text(value) for value in values], pa.string())


def times(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Parse ISO 8601 strings to UTC timestamps; without a zone they are UTC, others are null."""
    try:
        return values.cast(pa.timestamp("ns", "UTC")).cast(UTC_TIME, safe=False)
    except pa.ArrowException:
        return pa.array([instant(value) for value in values.to_pylist()], UTC_TIME)


def instant(value: object) -> datetime | None:
    """Parse one ISO 8601 string to UTC; None if it is invalid."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def text_or_none(value: object) -> str | None:
    """An identifier as text."""
    return None if value is None else str(value)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _is_text(body: bytes) -> bool:
    """Whether all bytes are UTF-8; Arrow's parser accepts any bytes in a string."""
    try:
        return body.isascii() or bool(str(body, "utf-8"))
    except UnicodeDecodeError:
        return False


def _parsed(body: bytes, schema: pa.Schema, unexpected: str) -> pa.Table:
    content = pa.py_buffer(body).slice(len(MARK) if body.startswith(MARK) else 0)
    read = pj.ReadOptions(use_threads=False, block_size=len(body) + 1)
    parse = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior=unexpected)
    return pj.read_json(content, read, parse)


def _nesting(dtype: pa.DataType) -> int:
    """Return how many lists and objects a type is nested in."""
    if not pat.is_nested(dtype):
        return 0
    return 1 + max(
        (_nesting(dtype.field(place).type) for place in range(dtype.num_fields)), default=0
    )


def _timeless(dtype: pa.DataType) -> pa.DataType:
    if pat.is_temporal(dtype):
        return pa.string()
    if pat.is_list(dtype):
        return pa.list_(dtype.value_field.with_type(_timeless(dtype.value_type)))
    if pat.is_struct(dtype):
        return pa.struct([field.with_type(_timeless(field.type)) for field in dtype])
    return dtype

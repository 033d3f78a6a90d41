"""Traffic log lines: the deployment that answered each request, its status and its latency."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from monitoring.intake.lines import UTC_TIME, Decoded, complete, instant, read_fast, times
from monitoring.intake.objects import read_objects

RAW = pa.schema(
    [
        ("time", pa.string()),
        ("deployment", pa.string()),
        ("correlationid", pa.string()),
        ("status", pa.int32()),
        ("duration_ms", pa.float64()),
    ]
)
SCHEMA = RAW.set(0, pa.field("time", UTC_TIME))
REQUEST = "correlationid"
#: A status of HTTP has three digits.
STATUSES = 1000
#: A year, in milliseconds: no request takes longer.
LONGEST_DURATION = 366 * 86_400_000


def decode(chunk: bytes, *, closed: bool = False) -> Decoded:
    """Decode traffic lines to a table of `SCHEMA`; a line without one of the fields is bad.

    A last line without a line end is left for the next call unless `closed`.
    """
    body = complete(chunk, closed)
    parsed = read_fast(body, RAW, unexpected="ignore")
    if parsed is not None and not any(column.null_count for column in parsed.columns):
        table = pa.table([times(parsed["time"]), *parsed.columns[1:]], SCHEMA)
        if _usable(table):
            return Decoded(table, len(body))
    objects, bad = read_objects(body)
    rows = []
    for number, line in objects:
        row = _row(line)
        if isinstance(row, str):
            bad.append(f"line {number}: {row}")
        else:
            rows.append(row)
    columns = zip(*rows, strict=True) if rows else ((),) * len(SCHEMA)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
    return Decoded(pa.table(arrays, SCHEMA), len(body), tuple(bad))


def _usable(table: pa.Table) -> bool:
    """Tell whether every row is one that `_row` would take."""
    status, duration = table["status"], pc.abs(table["duration_ms"])
    in_range = pc.and_(pc.greater_equal(status, 0), pc.less(status, STATUSES))
    sound = pc.and_(in_range, pc.less(duration, LONGEST_DURATION))
    return not table["time"].null_count and pc.all(sound).as_py() is not False


def _row(line: dict[str, object]) -> tuple[datetime, str, str, int, float] | str:
    """Return the values of a line, or why it cannot be used."""
    time, deployment, name = instant(line.get("time")), line.get("deployment"), line.get(REQUEST)
    status, duration = line.get("status"), line.get("duration_ms")
    if time is None:
        return "no usable time"
    if not isinstance(deployment, str):
        return "no usable deployment"
    if name is None or isinstance(name, list | dict):
        return "no usable correlationid"
    if isinstance(status, bool) or not isinstance(status, int) or not 0 <= status < STATUSES:
        return "no usable status"
    if isinstance(duration, bool) or not isinstance(duration, int | float):
        return "no usable duration_ms"
    # An integer of JSON may be larger than any float; NaN is none, either.
    if not abs(duration) < LONGEST_DURATION:
        return "no usable duration_ms"
    return time, deployment, str(name), status, float(duration)

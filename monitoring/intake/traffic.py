"""Traffic log lines: the deployment that answered each request, its status and its latency."""

from __future__ import annotations

import pyarrow as pa

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


def decode(chunk: bytes, *, closed: bool = False) -> Decoded:
    """Decode traffic lines to a table of `SCHEMA`; a line without one of the fields is bad.

    A last line without a line end is left for the next call unless `closed`.
    """
    body = complete(chunk, closed)
    parsed = read_fast(body, RAW, unexpected="ignore")
    if parsed is not None and not any(column.null_count for column in parsed.columns):
        moments = times(parsed["time"])
        return Decoded(pa.table([moments, *parsed.columns[1:]], SCHEMA), len(body))
    objects, bad = read_objects(body)
    rows = []
    for number, line in objects:
        row = {**line, "time": instant(line.get("time"))}
        absent = [name for name in SCHEMA.names if row.get(name) is None]
        if absent:
            bad.append(f"line {number}: no usable {absent[0]}")
        else:
            rows.append({name: row[name] for name in SCHEMA.names})
    try:
        return Decoded(pa.Table.from_pylist(rows, SCHEMA), len(body), tuple(bad))
    except (pa.ArrowException, TypeError, ValueError) as error:
        return Decoded(SCHEMA.empty_table(), len(body), (*bad, f"values of wrong types: {error}"))

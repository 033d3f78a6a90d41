"""Labels: {correlationid, index, label, time} rows, as JSON Lines or in an Arrow table."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from engine.errors import Refused
from monitoring.intake.lines import (
    UTC_TIME,
    Decoded,
    complete,
    instant,
    read_fast,
    read_objects,
    times,
)

RAW = pa.schema(
    [
        ("correlationid", pa.string()),
        ("index", pa.int64()),
        ("label", pa.float64()),
        ("time", pa.string()),
    ]
)
SCHEMA = RAW.set(3, pa.field("time", UTC_TIME))


def decode(chunk: bytes, *, closed: bool = False) -> Decoded:
    """Decode label lines to a table of `SCHEMA`; the index is 0 where it is left out.

    Labels are numbers or booleans. A line without correlation id or label is bad. A last line
    without its line end is left for the next call unless `closed`.
    """
    body = complete(chunk, closed)
    parsed = read_fast(body, RAW, unexpected="ignore")
    if parsed is not None and not (
        parsed["correlationid"].null_count or parsed["label"].null_count
    ):
        return Decoded(normalised(parsed), len(body))
    objects, bad = read_objects(body)
    rows = []
    for number, line in objects:
        row = _row(line)
        if isinstance(row, str):
            bad.append(f"line {number}: {row}")
        else:
            rows.append(row)
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
    return Decoded(pa.table(arrays, SCHEMA), len(body), tuple(bad))


def normalised(table: pa.Table) -> pa.Table:
    """Bring a table of labels (e.g. read from Parquet) to `SCHEMA`, or refuse it."""
    absent = [name for name in ("correlationid", "label") if name not in table.column_names]
    if absent:
        raise Refused(f"labels: no column {absent[0]!r}; found {', '.join(table.column_names)}")
    rows = table.num_rows
    blank = {"index": pa.repeat(0, rows), "time": pa.nulls(rows, UTC_TIME)}
    columns = {
        name: table[name] if name in table.column_names else blank[name] for name in SCHEMA.names
    }
    columns["index"] = pc.fill_null(columns["index"], 0)
    if pat.is_string(columns["time"].type) or pat.is_large_string(columns["time"].type):
        columns["time"] = times(columns["time"])
    try:
        return pa.table([columns[field.name].cast(field.type) for field in SCHEMA], SCHEMA)
    except pa.ArrowException as error:
        raise Refused(f"labels: {error}") from error


def _row(line: dict[str, object]) -> tuple[str, int, float, object] | str:
    correlation, index, label = line.get("correlationid"), line.get("index"), line.get("label")
    if correlation is None:
        return "no correlationid"
    if not isinstance(label, (int, float)):
        return "the label is not a number"
    index = 0 if index is None else index
    if isinstance(index, bool) or not isinstance(index, int):
        return "the index is not an integer"
    return str(correlation), index, float(label), instant(line.get("time"))

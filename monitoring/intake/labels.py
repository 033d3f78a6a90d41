"""Labels: {correlationid, index, label, time} rows, as JSON Lines or in an Arrow table."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from engine.errors import Refused
from monitoring.intake.lines import (
    UTC_TIME,
    Decoded,
    blocks,
    complete,
    gathered,
    instant,
    read_fast,
    times,
)
from monitoring.intake.objects import read_objects
from monitoring.metrics import Task

RAW = pa.schema(
    [
        ("correlationid", pa.string()),
        ("index", pa.int64()),
        ("label", pa.float64()),
        ("time", pa.string()),
    ]
)
SCHEMA = RAW.set(3, pa.field("time", UTC_TIME))
BINARY = pa.array([0.0, 1.0])
NEITHER = "the label is neither 0 nor 1"
ENDLESS = "the label is not a finite number"
#: The time of a label without one.
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
LIMIT = 2**31


def decode(chunk: bytes, *, closed: bool = False, task: Task = Task.CLASSIFICATION) -> Decoded:
    """Decode label lines to a table of `SCHEMA`; the index is 0 where it is left out.

    Labels are 0, 1 or booleans, of a regression any finite numbers. A line without correlation id
    or with another label is bad. A label without a usable time counts as the oldest: any label with
    a time replaces it. A last line without a line end is left for the next call unless `closed`.
    """
    return gathered(
        [_block(block, before, task) for before, block in blocks(complete(chunk, closed))]
    )


def normalised(table: pa.Table, task: Task = Task.CLASSIFICATION) -> Decoded:
    """Bring a table of labels (e.g. read from Parquet) to `SCHEMA`, or refuse it.

    Rows that cannot be joined are left out, with a reason each. A null label counts as not arrived.
    """
    absent = [name for name in ("correlationid", "label") if name not in table.column_names]
    if absent:
        raise Refused(f"labels: no column {absent[0]!r}; found {', '.join(table.column_names)}")
    rows = table.num_rows
    blank = {"index": pa.repeat(0, rows), "time": pa.nulls(rows, UTC_TIME)}
    columns = {
        name: table[name] if name in table.column_names else blank[name] for name in SCHEMA.names
    }
    if pat.is_string(columns["time"].type) or pat.is_large_string(columns["time"].type):
        columns["time"] = times(columns["time"])
    try:
        cast = {field.name: columns[field.name].cast(field.type) for field in SCHEMA}
    except pa.ArrowException as error:
        raise Refused(f"labels: {error}") from error
    cast["index"] = pc.fill_null(cast["index"], 0)
    cast["time"] = pc.fill_null(cast["time"], OLDEST)
    return _joinable(pa.table(cast, SCHEMA), task)


def _joinable(table: pa.Table, task: Task) -> Decoded:
    """Leave out rows for which a join would refuse the whole day."""
    label = table["label"]
    came = pc.invert(pc.is_null(label, nan_is_null=True))
    faults = {
        "no correlationid": pc.is_null(table["correlationid"]),
        "the index is negative": pc.less(table["index"], 0),
        **(
            {ENDLESS: pc.and_(came, pc.invert(pc.is_finite(label)))}
            if task is Task.REGRESSION
            else {NEITHER: pc.and_(came, pc.invert(pc.is_in(label, value_set=BINARY)))}
        ),
    }
    keep = np.ones(table.num_rows, np.bool_)
    bad: list[str] = []
    for reason, found in faults.items():
        wrong = pc.fill_null(found, False).to_numpy() & keep
        bad += [reason] * int(wrong.sum())
        keep &= ~wrong
    kept = table.filter(pa.array(keep)) if bad else table
    return Decoded(kept, 0, tuple(bad))


def _block(block: bytes, before: int, task: Task) -> Decoded:
    parsed = read_fast(block, RAW, unexpected="ignore")
    if parsed is not None and not parsed["label"].null_count:
        found = normalised(parsed, task)
        if not found.bad:
            return Decoded(found.table, len(block))
    objects, bad = read_objects(block, before)
    rows = []
    for number, line in objects:
        row = _row(line, task)
        if isinstance(row, str):
            bad.append(f"line {number}: {row}")
        else:
            rows.append(row)
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
    return Decoded(pa.table(arrays, SCHEMA), len(block), tuple(bad))


def _row(line: dict[str, object], task: Task) -> tuple[str, int, float, object] | str:
    correlation, index, label = line.get("correlationid"), line.get("index"), line.get("label")
    if correlation is None:
        return "no correlationid"
    if not isinstance(label, (int, float)):
        return "the label is not a number"
    if task is Task.CLASSIFICATION and label not in (0, 1):
        return NEITHER
    if not math.isfinite(label):
        return ENDLESS
    index = 0 if index is None else index
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < LIMIT:
        return "the index is not a row's number"
    return str(correlation), index, float(label), instant(line.get("time")) or OLDEST

"""Azure ML data collector lines to feature rows.

Each line is a CloudEvents object; its `data` is a list of rows, one row, or either as JSON text.
All rows have the line's correlation id and time. Inputs and outputs are joined on the correlation
id and the row's index within the line. Where `type` says that `data` is an HTTP payload, its rows
are those of `monitoring.intake.payloads`. Payloads too large for a line are in a separate blob,
whose address is `dataref`, or `data` where `datainblob` is set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from engine.errors import Refused
from monitoring.intake import payloads
from monitoring.intake.lines import (
    UTC_TIME,
    Apart,
    Decoded,
    blocks,
    column,
    complete,
    gathered,
    instant,
    read_fast,
    text_or_none,
    times,
)
from monitoring.intake.objects import MARK, read_objects
from monitoring.intake.own import MARKS, is_own

IDS = ("correlationid", "xrequestid")
ENVELOPE = pa.schema([*((name, pa.string()) for name in IDS), ("time", pa.string())])
KEYS = ("correlationid", "index", "time")
#: Lines whose rows have to be looked for, which Arrow's parser cannot.
PAYLOAD = re.compile(rb"\.re(?:quest|sponse)\"")


def decode(
    chunk: bytes,
    *,
    closed: bool = False,
    assemble: Callable[[Sequence[object]], pa.Array] = column,
) -> Decoded:
    """Decode collector lines to a table: correlationid, index, time (UTC), then the features.

    A key that a row lacks is null. A feature named like one of the first three columns becomes
    `data.<name>`. Lines of requests of Driftwarden's own are left out and counted: they are not
    traffic. A last line without a line end is left for the next call unless `closed`.
    `assemble` makes the columns of lines whose values have mixed types.
    """
    pieces = blocks(complete(chunk, closed))
    return gathered([_block(block, before, assemble) for before, block in pieces])


def rows_apart(content: bytes, line: Apart) -> Decoded:
    """Decode the blob with the rows of a line: the content of `data`, or one row per line.

    The collector writes such a blob for a payload over 4 MB (Microsoft Learn, "Collect production
    data from models deployed for real-time inferencing").
    """
    # Line ends occur between JSON's tokens only, never within a string.
    whole = content.removeprefix(MARK).strip()
    if not whole.startswith(b"[") and _parsed(whole) is None:
        whole = b"[" + b",".join(row for row in whole.split(b"\n") if row.strip()) + b"]"
    known = {"correlationid": line.correlationid, "time": line.time}
    envelope = json.dumps({**known, "type": ".request"} if line.payload else known)
    joined = b'%s,"data":%s}\n' % (envelope[:-1].encode(), whole.replace(b"\n", b" "))
    decoded = _block(joined, line.line - 1)
    return Decoded(decoded.table, len(content), decoded.bad, decoded.own)


def rows_of_others(table: pa.Table) -> tuple[pa.Table, int]:
    """Remove the rows of Driftwarden's own requests from a table; return their number, too."""
    own = _own(table)
    count = pc.sum(own).as_py() or 0
    return (table.filter(pc.invert(own)), count) if count else (table, 0)


def normalised(table: pa.Table) -> pa.Table:
    """Bring a table of rows (e.g. read from Parquet) to the columns of `decode`, or refuse it."""
    absent = [name for name in ("correlationid", "time") if name not in table.column_names]
    if absent:
        raise Refused(f"rows: no column {absent[0]!r}; found {', '.join(table.column_names[:8])}")
    index = table["index"] if "index" in table.column_names else pa.repeat(0, table.num_rows)
    moments = table["time"]
    moments = times(moments) if pat.is_string(moments.type) else moments.cast(UTC_TIME, safe=False)
    keys = [table["correlationid"].cast(pa.string()), index.cast(pa.int64()), moments]
    rest = [name for name in table.column_names if name not in KEYS]
    return pa.table([*keys, *(table[name] for name in rest)], names=[*KEYS, *rest])


def is_collector_line(line: Mapping[str, object]) -> bool:
    """Whether an object is a collector line rather than a plain row: it has an id and rows.

    A plain row may have a feature `data`, which is then a number or a word.
    """
    if "data" not in line and "dataref" not in line:
        return False
    named = [name for name in ("correlationid", "specversion") if name in line]
    return len(named) == 2 or (bool(named) and not isinstance(_rows(line), str))


def _block(
    block: bytes, before: int, assemble: Callable[[Sequence[object]], pa.Array] = column
) -> Decoded:
    parsed = None if PAYLOAD.search(block) else read_fast(block, ENVELOPE)
    if parsed is not None:
        others, own = rows_of_others(parsed)
        table = _flattened(others)
        if table is not None:
            return Decoded(table, len(block), own=own)
    objects, bad = read_objects(block, before)
    lines: list[tuple[Mapping[str, object], Sequence[Mapping[str, object]]]] = []
    apart = []
    own = 0
    for number, line in objects:
        rows = _rows(line)
        if any(is_own(line.get(name)) for name in IDS):
            own += 1
        elif isinstance(rows, str):
            bad.append(f"line {number}: {rows}")
        elif isinstance(rows, _Elsewhere):
            apart.append(_apart(number, line, rows.address))
        else:
            lines.append((line, rows))
    return Decoded(_assembled(lines, assemble), len(block), tuple(bad), own, tuple(apart))


@dataclass(frozen=True)
class _Elsewhere:
    address: str


def _rows(line: Mapping[str, object]) -> list[payloads.Row] | _Elsewhere | str:
    """Return a line's rows, or the address of their blob, or the reason that it has none."""
    rows, address = line.get("data"), line.get("dataref")
    if isinstance(rows, str) and str(line.get("datainblob")).lower() == "true":
        return _Elsewhere(rows)
    if rows is None and isinstance(address, str) and address:
        return _Elsewhere(address)
    if isinstance(rows, str):
        rows = _parsed(rows)
    if payloads.is_payload(line.get("type")):
        return payloads.rows_of(rows)
    if isinstance(rows, dict):
        rows = [rows]
    if not isinstance(rows, list):
        return "no rows under 'data'"
    if not all(isinstance(row, dict) for row in rows):
        return "a row under 'data' is not an object"
    return rows


def _parsed(text: str | bytes) -> object:
    """Parse rows that are logged as JSON text; None where the text is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _apart(number: int, line: Mapping[str, object], address: str) -> Apart:
    ids = text_or_none(line.get("correlationid")), text_or_none(line.get("time"))
    return Apart(number, address, *ids, payloads.is_payload(line.get("type")))


def _own(table: pa.Table) -> pa.ChunkedArray:
    """Mark the rows of Driftwarden's own requests, by their ids."""
    known = [table[name].cast(pa.string()) for name in IDS if name in table.column_names]
    marks = [pc.fill_null(pc.starts_with(ids, mark), False) for ids in known for mark in MARKS]
    return reduce(pc.or_, marks)


def _flattened(lines: pa.Table) -> pa.Table | None:
    """Turn lines that Arrow could parse into rows; None where a line needs Python's parser."""
    if "data" not in lines.column_names or lines["data"].null_count:
        return None
    data = lines["data"].combine_chunks()
    if pat.is_struct(data.type):
        rows, counts = data, np.ones(len(data), np.int64)
    elif pat.is_list(data.type) and pat.is_struct(data.type.value_type):
        rows, counts = data.flatten(), np.from_dlpack(data.value_lengths()).astype(np.int64)
    else:
        return None
    if rows.null_count:
        return None
    line_of = np.repeat(np.arange(len(counts)), counts)
    index = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    columns = {
        "correlationid": lines["correlationid"].take(pa.array(line_of)),
        "index": pa.array(index, pa.int64()),
        "time": pc.take(times(lines["time"]), pa.array(line_of)),
    }
    for field, values in zip(rows.type, rows.flatten(), strict=True):
        columns[_feature(field.name)] = values
    return pa.table(columns)


def _assembled(
    lines: list[tuple[Mapping[str, object], Sequence[Mapping[str, object]]]],
    assemble: Callable[[Sequence[object]], pa.Array],
) -> pa.Table:
    names: dict[str, None] = {}
    for _, rows in lines:
        for row in rows:
            names.update(dict.fromkeys(row))
    ids = [text_or_none(line.get("correlationid")) for line, rows in lines for _ in rows]
    moments = [instant(line.get("time")) for line, _ in lines]
    repeated = [when for when, (_, rows) in zip(moments, lines, strict=True) for _ in rows]
    columns = {
        "correlationid": pa.array(ids, pa.string()),
        "index": pa.array([index for _, rows in lines for index in range(len(rows))], pa.int64()),
        "time": pa.array(repeated, UTC_TIME),
    }
    for name in names:
        columns[_feature(name)] = assemble([row.get(name) for _, rows in lines for row in rows])
    return pa.table(columns)


def _feature(name: str) -> str:
    return f"data.{name}" if name in KEYS else name

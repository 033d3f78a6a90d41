"""Instants in the notations of users' tables, and helpers that days share."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from monitoring.intake.cells import Cells, shown
from monitoring.intake.lines import UTC_TIME, times
from monitoring.schema import is_text

FIRST, LAST = date(1970, 1, 1), date(2099, 12, 31)
#: Seconds since 1970 at the begin of 2000 and of 2100; within, every number has one unit only.
EPOCH = (946_684_800, 4_102_444_800)
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
ZONED = r"\d\d:\d\d.*([+-]\d\d(:?\d\d)?)$|[Zz]$"


def instants(column: pa.ChunkedArray, cells: Cells) -> pa.ChunkedArray:
    """Return the instants of a column in UTC, to the microsecond; without a zone they are in UTC.

    It reads timestamps and dates, ISO 8601 text, and seconds, ms, us or ns since 1970.

    Raises
    ------
    Refused
        A value is empty or not an instant, or only some of the texts name a zone.
    """
    column = filled(column, cells)
    if is_text(column.type):
        found = _parsed(column, cells)
    elif pat.is_timestamp(column.type) or pat.is_date(column.type):
        unit = "ms" if pat.is_date64(column.type) else "s"
        plain = column if pat.is_timestamp(column.type) else column.cast(pa.timestamp(unit))
        found = plain.cast(UTC_TIME, safe=False)
    elif is_number(column.type):
        found = since_1970(column, cells)
    else:
        raise cells.fault(f"holds values of type {column.type}, not instants")
    moments = found.cast(pa.timestamp("us")).to_numpy()
    within(moments.astype("datetime64[D]"), cells, LAST)
    return found


def decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without its dictionary; text is trimmed, and null where it is then empty."""
    if pat.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not is_text(column.type):
        return column
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def filled(column: pa.ChunkedArray, cells: Cells) -> pa.ChunkedArray:
    """Return a column decoded; refuse empty values and instants outside the possible range."""
    column = decoded(column)
    cells.full(column)
    if pat.is_timestamp(column.type):
        # Checked before a cast to another unit, which would overflow.
        ticks, factor = column.cast(pa.int64()).to_numpy(), UNITS[column.type.unit]
        wrong = (ticks < 0) | (ticks >= EPOCH[1] * factor)
        if wrong.any():
            row = int(wrong.argmax())
            raise cells.fault_in(row, "the moment is not within the years 1970 to 2099")
    return column


def is_number(dtype: pa.DataType) -> bool:
    """Whether a type can hold seconds since 1970, or a day like 20260131."""
    return bool(pat.is_integer(dtype) or pat.is_floating(dtype))


def since_1970(column: pa.ChunkedArray, cells: Cells) -> pa.ChunkedArray:
    """Read s, ms, us or ns since 1970, with or without decimals; the unit follows from the size."""
    values = np.asarray(column.cast(pa.float64(), safe=False))
    for unit, factor in UNITS.items():
        fits = (values >= EPOCH[0] * factor) & (values < EPOCH[1] * factor)
        if fits.all():
            exact = pat.is_integer(column.type)
            whole = column.cast(pa.int64()) if exact else pa.chunked_array([_scaled(values, unit)])
            return whole.cast(pa.timestamp(unit if exact else "us")).cast(UTC_TIME, safe=False)
        if fits[0]:
            row = int((~fits).argmax())
            raise cells.fault_in(row, f"{column[row]} is not in {unit} since 1970 as row 1 is")
    raise cells.fault_in(
        0, f"{column[0]} is not a time in s, ms, us or ns since 1970 between 2000 and 2099"
    )


def _scaled(values: npt.NDArray[np.float64], unit: str) -> pa.Array:
    return pa.array(np.round(values * (UNITS["us"] / UNITS[unit])).astype(np.int64))


def _parsed(column: pa.ChunkedArray, cells: Cells) -> pa.ChunkedArray:
    zoned = np.asarray(pc.match_substring_regex(column, ZONED))
    if zoned.any() and not zoned.all():
        row = int((zoned != zoned[0]).argmax())
        which = "names no zone and row 1 does" if zoned[0] else "names a zone and row 1 does not"
        raise cells.fault_in(row, f"{shown(column[row].as_py())} {which}; write all alike")
    found = times(column) if zoned[0] else _in_utc(column)
    wrong = np.asarray(found.is_null())
    if wrong.any():
        row = int(wrong.argmax())
        raise cells.fault_in(
            row,
            f"{shown(column[row].as_py())} is not an ISO 8601 instant; "
            "write it as 2026-01-31T18:00:00Z",
        )
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def _in_utc(column: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    try:
        return column.cast(pa.timestamp("ns")).cast(UTC_TIME, safe=False)
    except pa.ArrowException:
        # Some are outside the range of nanoseconds, or not instants.
        return times(column)


def within(values: npt.NDArray[np.datetime64], cells: Cells, until: date) -> None:
    """Refuse a column of days for the first that is before 1970 or after `until`."""
    wrong = (values < np.datetime64(FIRST)) | (values > np.datetime64(until))
    if wrong.any():
        row = int(wrong.argmax())
        ahead = values[row] > np.datetime64(until)
        why = f"is after {until}, the last day there can be" if ahead else f"is before {FIRST}"
        raise cells.fault_in(row, f"{values[row]} {why}")

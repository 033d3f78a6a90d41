"""Days in the notations of users' tables.

Only unambiguous notations are read; others are refused with the row and the fix.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from monitoring.intake.cells import Cells, shown
from monitoring.intake.moments import LAST, filled, is_number, since_1970, within
from monitoring.localdays import bounds, days_of
from monitoring.schema import is_text

#: A larger gap between neighbouring days of one table means a wrong year.
WIDEST_GAP = timedelta(days=5 * 365)
#: Difference between the two offsets of one place.
SUMMER_TIME = timedelta(hours=1)
NUMBERED = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})\b.*")
WRITE = "write it as 2026-01-31"
CUT = "truncate it to the day"


def days(column: pa.ChunkedArray, cells: Cells, zone: str, until: date = LAST) -> pa.ChunkedArray:
    """Return the days of a column as ISO text.

    It reads dates, midnights (in their own zone or in `zone`, the model's), ISO 8601 text, numbers
    like 20260131, and seconds, ms, us or ns since 1970. `until` is the last possible day.

    Raises
    ------
    Refused
        A value is empty, not a day or not a midnight, later than `until`, or years away from all
        others.
    """
    column = filled(column, cells)
    if is_text(column.type):
        found = _of_text(column, cells)
    elif pat.is_date(column.type):
        found = column.cast(pa.date32(), safe=False)
    elif pat.is_timestamp(column.type):
        found = _of_instants(column, cells, zone)
    elif is_number(column.type):
        found = _of_numbers(column, cells, zone)
    else:
        raise cells.fault(f"holds values of type {column.type}, not days; {WRITE}")
    _plausible(found, cells, until)
    return found.cast(pa.string())


def _of_text(column: pa.ChunkedArray, cells: Cells) -> pa.ChunkedArray:
    """Parse each distinct text once, in order of appearance, to report the first fault."""
    flat = column.combine_chunks()
    coded = flat.dictionary_encode()
    found: list[date] = []
    offsets: dict[timedelta | None, str] = {}
    for text in coded.dictionary.to_pylist():
        try:
            day, offset = _day(text)
            _one_place(offsets, offset, text)
        except ValueError as error:
            raise cells.fault_in(pc.index(flat, text).as_py(), str(error)) from None
        found.append(day)
    return pa.chunked_array([pa.array(found, pa.date32()).take(coded.indices)])


def _day(text: str) -> tuple[date, timedelta | None]:
    """Parse one text: its day, and the offset of its zone if it has one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is not an ISO date; {_hint(text)}") from None
    if moment.time() != datetime.min.time():
        raise ValueError(f"{shown(text)} is not a midnight, but a day is needed; {CUT}")
    return moment.date(), moment.utcoffset()


def _hint(text: str) -> str:
    found = NUMBERED.fullmatch(text)
    if found is None:
        return WRITE
    first, mark, second, year = int(found[1]), found[2], int(found[3]), found[4]
    if (mark == "." or first > 12) and 1 <= second <= 12:
        return f"write {year}-{second:02}-{first:02}, with pandas pd.to_datetime(…, dayfirst=True)"
    if 1 <= first <= 12 < second:
        return f"write {year}-{first:02}-{second:02}, with pandas pd.to_datetime(…)"
    return f"which is the month, {first} or {second}? {WRITE}"


def _one_place(offsets: dict[timedelta | None, str], offset: timedelta | None, text: str) -> None:
    """Refuse a text whose offset cannot belong to the place of the texts before it."""
    for known, other in offsets.items():
        if (known is None) != (offset is None):
            raise ValueError(f"{shown(text)} and {shown(other)}: only one of them names a zone")
        if known is not None and offset is not None and abs(known - offset) > SUMMER_TIME:
            raise ValueError(f"{shown(text)} and {shown(other)} are days of different zones")
    offsets.setdefault(offset, text)


def _of_instants(column: pa.ChunkedArray, cells: Cells, zone: str) -> pa.ChunkedArray:
    """Days of midnights in the column's own zone, else in the model's."""
    moments = column.cast(pa.timestamp("us"), safe=False).to_numpy()
    own = column.type.tz
    local = pc.local_timestamp(column) if own else column
    whole = local.cast(pa.date32(), safe=False)
    midnights = np.asarray(pc.equal(whole.cast(local.type), local))
    if midnights.all():
        return whole
    if own:
        found = days_of(moments, zone)
        starts = {day: bounds(day.item(), zone)[0].replace(tzinfo=None) for day in np.unique(found)}
        if (moments == np.array([starts[day] for day in found], moments.dtype)).all():
            return pa.chunked_array([pa.array(found)])
    row = int((~midnights).argmax())
    where = f" in {own} or in {zone}" if own and own != zone else f" in {own}" if own else ""
    moment = str(moments[row]).replace("T", " ")
    raise cells.fault_in(
        row,
        f"{moment}{' UTC' if own else ''} is not a midnight{where}, but a day is needed; {CUT}",
    )


def _of_numbers(column: pa.ChunkedArray, cells: Cells, zone: str) -> pa.ChunkedArray:
    numbers = column.cast(pa.float64(), safe=False)
    low, high = pc.min_max(numbers).as_py().values()
    if low >= 19_700_101 and high <= 21_000_101:
        return _of_text(numbers.cast(pa.int64(), safe=False).cast(pa.string()), cells)
    return _of_instants(since_1970(column, cells), cells, zone)


def _plausible(found: pa.ChunkedArray, cells: Cells, until: date) -> None:
    values = found.to_numpy()
    within(values, cells, until)
    counted = pc.value_counts(found.combine_chunks())
    rows = {one["values"]: one["counts"] for one in counted.to_pylist()}
    for before, after in pairwise(sorted(rows)):
        if after - before > WIDEST_GAP:
            late = sum(count for day, count in rows.items() if day >= after)
            wrong = values >= np.datetime64(after)
            row = int((wrong if 2 * late <= len(values) else ~wrong).argmax())
            raise cells.fault_in(
                row, f"{values[row]} is {(after - before).days // 365} years away from other days"
            )

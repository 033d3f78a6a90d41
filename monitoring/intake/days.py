"""Days and instants in the shapes that tables of the user's have them in.

Only what can mean one thing is read; the rest is refused with the row and the fix.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from monitoring.intake.cells import Cells, shown
from monitoring.intake.lines import UTC_TIME, times
from monitoring.localdays import bounds, days_of
from monitoring.schema import is_text

FIRST, LAST = date(1970, 1, 1), date(2099, 12, 31)
#: Neighbouring days of one table that are further apart are a wrong year.
WIDEST_GAP = timedelta(days=5 * 365)
#: What a table's days are written in: one place has two offsets, an hour apart.
SUMMER_TIME = timedelta(hours=1)
#: Seconds since 1970 at the begin of the years 2000 and 2100: no two units share a number.
EPOCH = (946_684_800, 4_102_444_800)
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
ZONED = r"\d\d:\d\d.*([+-]\d\d(:?\d\d)?)$|[Zz]$"
NUMBERED = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})\b.*")
WRITE = "write it as 2026-01-31"
CUT = "cut it to its day"


def days(column: pa.ChunkedArray, cells: Cells, zone: str, until: date = LAST) -> pa.ChunkedArray:
    """Return the days of a column as ISO text.

    Read are dates, midnights (with a zone: there or in `zone`, the model's), ISO 8601 text, numbers
    like 20260131, and seconds, ms, us or ns since 1970. `until` is the last day there may be.

    Raises
    ------
    Refused
        A value is empty, no day, no midnight, later than `until`, or years away from all others.
    """
    column = _filled(column, cells)
    if is_text(column.type):
        found = _of_text(column, cells)
    elif pat.is_date(column.type):
        found = column.cast(pa.date32(), safe=False)
    elif pat.is_timestamp(column.type):
        found = _of_instants(column, cells, zone)
    elif _is_number(column.type):
        found = _of_numbers(column, cells, zone)
    else:
        raise cells.fault(f"holds values of type {column.type}, not days; {WRITE}")
    _plausible(found, cells, until)
    return found.cast(pa.string())


def instants(column: pa.ChunkedArray, cells: Cells) -> pa.ChunkedArray:
    """Return the instants of a column in UTC, to the microsecond; without a zone they are in UTC.

    Read are timestamps and dates, ISO 8601 text, and seconds, ms, us or ns since 1970.

    Raises
    ------
    Refused
        A value is empty or no instant, or only some of the texts name a zone.
    """
    column = _filled(column, cells)
    if is_text(column.type):
        found = _parsed(column, cells)
    elif pat.is_timestamp(column.type) or pat.is_date(column.type):
        unit = "ms" if pat.is_date64(column.type) else "s"
        plain = column if pat.is_timestamp(column.type) else column.cast(pa.timestamp(unit))
        found = plain.cast(UTC_TIME, safe=False)
    elif _is_number(column.type):
        found = _since_1970(column, cells)
    else:
        raise cells.fault(f"holds values of type {column.type}, not instants")
    moments = found.cast(pa.timestamp("us")).to_numpy()
    _within(moments.astype("datetime64[D]"), cells, LAST)
    return found


def decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without its dictionary; text is trimmed, and null where nothing is left."""
    if pat.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not is_text(column.type):
        return column
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _filled(column: pa.ChunkedArray, cells: Cells) -> pa.ChunkedArray:
    """Return a column decoded, without empty values and with moments that a clock can have."""
    column = decoded(column)
    cells.full(column)
    if pat.is_timestamp(column.type):
        # Before a cast to another unit, which would run over.
        ticks, factor = column.cast(pa.int64()).to_numpy(), UNITS[column.type.unit]
        wrong = (ticks < 0) | (ticks >= EPOCH[1] * factor)
        if wrong.any():
            row = int(wrong.argmax())
            raise cells.fault_in(row, "the moment is not within the years 1970 to 2099")
    return column


def _is_number(dtype: pa.DataType) -> bool:
    return bool(pat.is_integer(dtype) or pat.is_floating(dtype))


def _of_text(column: pa.ChunkedArray, cells: Cells) -> pa.ChunkedArray:
    """Parse each text once, in the order in which they appear: the first fault is the first row."""
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
    """Read one text: its day, and its zone's offset where it has one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is not an ISO date; {_hint(text)}") from None
    if moment.time() != datetime.min.time():
        raise ValueError(f"{shown(text)} is no midnight, and a day is needed; {CUT}")
    return moment.date(), moment.utcoffset()


def _hint(text: str) -> str:
    found = NUMBERED.fullmatch(text)
    if found is None:
        return WRITE
    first, mark, second, year = int(found[1]), found[2], int(found[3]), found[4]
    if mark == "." and 1 <= second <= 12:
        return f"write {year}-{second:02}-{first:02}, with pandas pd.to_datetime(…, dayfirst=True)"
    return f"which is the month, {first} or {second}? {WRITE}"


def _one_place(offsets: dict[timedelta | None, str], offset: timedelta | None, text: str) -> None:
    """Refuse a text whose zone is another place's than that of those before it."""
    for known, other in offsets.items():
        if (known is None) != (offset is None):
            raise ValueError(f"{shown(text)} and {shown(other)}: only one of them names a zone")
        if known is not None and offset is not None and abs(known - offset) > SUMMER_TIME:
            raise ValueError(f"{shown(text)} and {shown(other)} are days of different zones")
    offsets.setdefault(offset, text)


def _of_instants(column: pa.ChunkedArray, cells: Cells, zone: str) -> pa.ChunkedArray:
    """Days of midnights: of the column's own zone, else of the model's."""
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
        f"{moment}{' UTC' if own else ''} is no midnight{where}, and a day is needed; {CUT}",
    )


def _of_numbers(column: pa.ChunkedArray, cells: Cells, zone: str) -> pa.ChunkedArray:
    numbers = column.cast(pa.float64(), safe=False)
    low, high = pc.min_max(numbers).as_py().values()
    if low >= 19_700_101 and high <= 21_000_101:
        return _of_text(numbers.cast(pa.int64(), safe=False).cast(pa.string()), cells)
    return _of_instants(_since_1970(column, cells), cells, zone)


def _since_1970(column: pa.ChunkedArray, cells: Cells) -> pa.ChunkedArray:
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
        0, f"{column[0]} is no number of s, ms, us or ns since 1970 in the years 2000 to 2099"
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
        # Some are beyond what nanoseconds reach, or no instants at all.
        return times(column)


def _plausible(found: pa.ChunkedArray, cells: Cells, until: date) -> None:
    values = found.to_numpy()
    _within(values, cells, until)
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


def _within(values: npt.NDArray[np.datetime64], cells: Cells, until: date) -> None:
    wrong = (values < np.datetime64(FIRST)) | (values > np.datetime64(until))
    if wrong.any():
        row = int(wrong.argmax())
        ahead = values[row] > np.datetime64(until)
        why = f"is after {until}, the last day there can be" if ahead else f"is before {FIRST}"
        raise cells.fault_in(row, f"{values[row]} {why}")

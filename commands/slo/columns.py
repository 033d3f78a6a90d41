"""Columns of a table of minutes as numbers; text is read as what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from engine.errors import Refused
from monitoring.slo.evaluation.exact import Ints
from monitoring.slo.evaluation.periods import minute_of
from monitoring.slo.evaluation.series import Minutes
from monitoring.slo.evaluation.tables import Values

Number = TypeVar("Number")
MINUTE = 60_000_000
APART = re.compile(r"[\s,;|]+")
SMALL = 2**63


def minutes(column: pa.ChunkedArray) -> Minutes:
    """Return whole minutes since 1970; times without a zone are UTC."""
    if pat.is_string(column.type) or pat.is_large_string(column.type):
        return _minutes_of_text(column)
    if not pat.is_timestamp(column.type):
        raise Refused(f"minute is {column.type}; times are needed, as 2026-01-31T18:00Z")
    return _whole_minutes(column)


def _minutes_of_text(column: pa.ChunkedArray) -> Minutes:
    for zone in ("UTC", None):
        try:
            return _whole_minutes(column.cast(pa.timestamp("us", zone)))
        except pa.ArrowInvalid:
            continue
    return np.array(_each(column, "minute", _moment), np.int64)


def _moment(text: str) -> int:
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    if moment.second or moment.microsecond:
        raise ValueError
    return minute_of(moment)


def _whole_minutes(column: pa.ChunkedArray) -> Minutes:
    _filled(column, "minute")
    micros = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()).to_numpy()
    wrong = np.flatnonzero(micros % MINUTE)
    if len(wrong):
        row = int(wrong[0])
        raise Refused(f"row {row + 1}: minute {column[row].as_py()} is not a whole minute")
    return cast(Minutes, micros // MINUTE)


def whole(column: pa.ChunkedArray, name: str) -> Ints:
    """Return numbers of events: whole and not negative."""
    _filled(column, name)
    try:
        found = column.cast(pa.int64()).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        numbers = _each(column, name, _integer)
        kind = np.int64 if max(numbers, default=0) < SMALL else object
        return np.array(numbers, kind)
    wrong = np.flatnonzero(found < 0)
    if len(wrong):
        raise Refused(f"row {wrong[0] + 1}: {name} {found[wrong[0]]} is negative")
    return cast(Ints, found)


def _integer(value: object) -> int:
    number = Decimal(str(value))
    if number != number.to_integral_value() or not 0 <= number < 10**30:
        raise ValueError
    return int(number)


def measured(column: pa.ChunkedArray, name: str) -> Values:
    """Return numbers, NaN where there is none."""
    try:
        found = column.cast(pa.float64()).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        texts = column.cast(pa.string())
        found = np.array(_each(texts, name, lambda text: float(text) if text else np.nan))
    wrong = np.flatnonzero(np.isinf(found))
    if len(wrong):
        raise Refused(f"row {wrong[0] + 1}: {name} is infinite")
    return cast(Values, found)


def several(column: pa.ChunkedArray) -> tuple[Values, Minutes]:
    """Return the numbers of all rows' lists, and the row of each.

    In text they are apart by spaces, commas, semicolons or bars, in brackets or not.
    """
    if pat.is_list(column.type) or pat.is_large_list(column.type):
        joined = column.combine_chunks()
        values, rows = pc.list_flatten(joined), pc.list_parent_indices(joined)
        return measured(pa.chunked_array([values]), "values"), rows.to_numpy().astype(np.int64)
    lists = _each(column.cast(pa.string()), "values", _numbers)
    rows = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
    return np.array([value for one in lists for value in one], np.float64), rows


def _numbers(text: str | None) -> list[float]:
    parts = APART.split((text or "").strip().removeprefix("[").removesuffix("]").strip())
    return [float(Decimal(part)) for part in parts if part]


def _filled(column: pa.ChunkedArray, name: str) -> None:
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy())[0]) + 1
        raise Refused(f"row {row}: {name} is empty; leave out the rows of minutes without data")


def _each(column: pa.ChunkedArray, name: str, read: Callable[..., Number]) -> list[Number]:
    found = []
    for row, value in enumerate(column.to_pylist()):
        try:
            found.append(read(value))
        except (ValueError, TypeError, OverflowError, InvalidOperation):
            shown = f"{value!r:.60}"
            raise Refused(f"row {row + 1}: {name} {shown} is not {WANTED[name]}") from None
    return found


WANTED = {
    "minute": "a whole minute, as 2026-01-31T18:00Z",
    "total": "a whole number from 0 on",
    "bad": "a whole number from 0 on",
    "good": "a whole number from 0 on",
    "value": "a number",
    "values": "a list of numbers",
}

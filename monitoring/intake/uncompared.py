"""Columns left out of a comparison: row numbers, ids, dates, and columns that one side may lack."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from monitoring.drift.columns import number_chunks
from monitoring.schema import Kind, is_text, kind_of

#: Columns that one side may lack: labels, predictions, and the keys of every table.
LATE = re.compile(
    r"(?:true_|actual_|y_|is_)?(?:label|target|outcome|y|y_true|ground_?truth|class_label)"
    r"|(?:y_)?(?:pred|prediction|predictions|predicted|predicted_\w+|y_hat|yhat|score|scores|proba"
    r"|probability|prediction_\w+)"
    r"|day|date|time|timestamp|datetime|event_time|index|correlation_?id|request_?id|row_?id",
    re.IGNORECASE,
)
ID = re.compile(r"(?:.*[_\-. ])?(?:id|uuid|key|no|nr|number)|.*[a-z](?:Id|ID|Key|No)", re.DOTALL)
PANDAS = re.compile(r"__index_level_[0-9]+__")
UNNAMED = re.compile(r"Unnamed: [0-9]+|")
#: Fewer values than this may be in order by chance.
LEAST = 30
#: Expected pairs of equal numbers from which on having none is no chance (probability e^-10).
PAIRS = 10
LOOKED_AT = (1_000, 32_000)
DATE = (
    r"^\s*(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4})"
    r"(?:[T ,]+[0-9]{1,2}:[0-9]{2}.*)?\s*$"
)
DATES = 0.99

Numbers = npt.NDArray[np.number]


def may_lack(name: str) -> bool:
    """Whether one side may lack a column, by its name.

    >>> may_lack("label"), may_lack("Y_pred"), may_lack("amount")
    (True, True, False)
    """
    return LATE.fullmatch(name) is not None


def left_out(name: str, column: pa.ChunkedArray) -> str:
    """Return the reason to leave a reference column out, or an empty text."""
    if PANDAS.fullmatch(name):
        return "pandas' row index"
    if _is_dates(column):
        return "dates as text"
    if kind_of(column.type) is not Kind.NUMERIC:
        return ""
    values = _whole(column)
    if values is None:
        return ""
    if _rises(values):
        return "a row index" if UNNAMED.fullmatch(name) else "whole numbers in order: row numbers"
    ordered = np.sort(values)
    if (ordered[1:] == ordered[:-1]).any():
        return ""
    spread = float(ordered[-1]) - float(ordered[0]) + 1
    expected = len(values) * (len(values) - 1) / 2 / spread
    named = ID.fullmatch(name) is not None
    return "whole numbers that are all different: ids" if named or expected >= PAIRS else ""


def ends(column: pa.ChunkedArray) -> tuple[float, float] | None:
    """First and last of whole numbers that never fall and mostly rise; None for other columns.

    A current column that begins where the reference ends is a counter that rows may share, such as
    the order number of order lines.
    """
    if kind_of(column.type) is not Kind.NUMERIC:
        return None
    values = _whole(column, 0.5, rising=True)
    if values is None:
        return None
    return float(values[0]), float(values[-1])


def _is_dates(column: pa.ChunkedArray) -> bool:
    dictionary = pat.is_dictionary(column.type)
    if not is_text(column.type.value_type if dictionary else column.type):
        return False
    first = column.slice(0, LOOKED_AT[0]).drop_null()
    if not len(first) or not _dates(first, DATES):
        return False
    return _dates(column, DATES)


def _dates(column: pa.ChunkedArray, share: float) -> bool:
    texts = column.cast(pa.string()) if pat.is_dictionary(column.type) else column
    hits = pc.sum(pc.match_substring_regex(texts, DATE)).as_py() or 0
    return bool(hits >= share * (len(texts) - texts.null_count))


def _whole(
    column: pa.ChunkedArray, distinct: float = 1.0, *, rising: bool = False
) -> Numbers | None:
    """All values if they are whole and (nearly) all different, and rising if required; else None.

    For most columns the first values decide, without reading the others.
    """
    values: Numbers | None = None
    for number in (*LOOKED_AT, len(column)):
        if values is not None and number > len(column):
            continue
        values = _values(column.slice(0, number))
        if len(values) < LEAST or not _are_whole(values):
            return None
        if rising and (values[1:] < values[:-1]).any():
            return None
        if number in LOOKED_AT and len(np.unique(values)) < distinct * len(values):
            return None
    return values


def _values(column: pa.ChunkedArray) -> Numbers:
    chunks = list(number_chunks(column))
    values = np.concatenate(chunks) if chunks else np.empty(0)
    return values[~np.isnan(values)] if values.dtype.kind == "f" else values


def _are_whole(values: Numbers) -> bool:
    if values.dtype.kind != "f":
        return True
    with np.errstate(invalid="ignore"):
        return bool(np.isfinite(values).all() and (values == np.floor(values)).all())


def _rises(values: Numbers) -> bool:
    return bool((values[1:] > values[:-1]).all() or (values[1:] < values[:-1]).all())

"""Numbers that name things (ids, codes, postal codes): levels, not quantities."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring.intake.moments import decoded
from monitoring.schema import Kind, is_text, kind_of, nearly_unique

#: Last words of the names of such columns.
WORDS = frozenset(
    {"id", "ids", "code", "codes", "zip", "zipcode", "postcode", "plz", "sku", "uuid"}
)
#: Words that end in "id" and are not ids.
OTHERS = frozenset(
    {
        "acid",
        "android",
        "avoid",
        "bid",
        "covid",
        "fluid",
        "grid",
        "humid",
        "hybrid",
        "invalid",
        "liquid",
        "mid",
        "paid",
        "prepaid",
        "rapid",
        "solid",
        "unpaid",
        "valid",
        "void",
    }
)
#: Fewer values may all differ by chance.
MIN_ROWS = 100
#: Median step between neighbouring values from which on they are codes; counts have few gaps.
GAP = 5
#: Rows per value from which on values are codes, which repeat.
REPEATS = 10


@dataclass(frozen=True)
class Naming:
    """Why a column names things; a column with another value in each row cannot be compared."""

    reason: str
    unique: bool = False


def names_things(name: str, column: pa.ChunkedArray) -> Naming | None:
    """Return why a column names things, by its own name and by its values; None if it does not.

    Columns of whole numbers and of text can; text only if each row has another value.

    >>> store = pa.chunked_array([[17, 3, 3]])
    >>> names_things("store_id", store).reason, names_things("visits", store)
    ('2 ids or codes', None)
    """
    values = decoded(column).drop_null()
    rows, levels = len(values), len(pc.unique(values)) if _countable(values.type) else 0
    if not levels or not (is_text(values.type) or _is_whole(values)):
        return None
    called = _by_name(name)
    each = levels == rows or ((called or is_text(values.type)) and nearly_unique(levels, rows))
    if rows >= MIN_ROWS and each:
        return Naming(f"{levels:,} values in {rows:,} rows", unique=True)
    if is_text(values.type):
        return None
    if called or _has_gaps(values, rows, levels):
        return Naming(f"{levels:,} ids or codes")
    return None


def _countable(dtype: pa.DataType) -> bool:
    return is_text(dtype) or (kind_of(dtype) is Kind.NUMERIC and not pa.types.is_null(dtype))


def _is_whole(values: pa.ChunkedArray) -> bool:
    numbers = np.asarray(values.cast(pa.float64(), safe=False))
    return bool((numbers == np.floor(numbers)).all())


def _by_name(name: str) -> bool:
    """Whether the last word of a name in snake_case, kebab-case or camelCase names things."""
    words = re.findall(r"[^\W_]+", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name))
    last = words[-1].lower() if words else ""
    return last in WORDS or (last.endswith("id") and len(last) > 2 and last not in OTHERS)


def _has_gaps(values: pa.ChunkedArray, rows: int, levels: int) -> bool:
    if levels < 3 or rows < REPEATS * levels:
        return False
    steps = np.diff(np.unique(np.asarray(values.cast(pa.float64(), safe=False))))
    if not len(steps) or not np.isfinite(steps).all() or steps.max() >= 2**53:
        return False
    return bool(np.median(steps / np.gcd.reduce(steps.astype(np.int64))) >= GAP)

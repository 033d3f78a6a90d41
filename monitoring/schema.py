"""Classify the columns of an Arrow schema: watched, as which kind, or ignored, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
import pyarrow.types as pat

NEARLY_UNIQUE_SHARE = 0.5
NEARLY_UNIQUE_LEVELS = 1_000


class Kind(StrEnum):
    """How a feature is binned."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


@dataclass(frozen=True, slots=True)
class Ignored:
    """A column that is not watched, and why."""

    name: str
    reason: str


def kind_of(dtype: pa.DataType) -> Kind | str:
    """Classify one Arrow type: a `Kind`, or the reason (a plain string) to ignore the column.

    A column of type null counts as numeric with every row missing.

    >>> kind_of(pa.int8()), kind_of(pa.bool_())
    (<Kind.NUMERIC: 'numeric'>, <Kind.CATEGORICAL: 'categorical'>)
    >>> kind_of(pa.date32())
    'a date or time'
    """
    if pat.is_dictionary(dtype):
        inner = kind_of(dtype.value_type)
        return Kind.CATEGORICAL if isinstance(inner, Kind) else inner
    if (
        pat.is_integer(dtype)
        or pat.is_floating(dtype)
        or pat.is_decimal(dtype)
        or pat.is_null(dtype)
    ):
        return Kind.NUMERIC
    if pat.is_boolean(dtype) or is_text(dtype):
        return Kind.CATEGORICAL
    if pat.is_temporal(dtype):
        return "a date or time"
    if pat.is_nested(dtype):
        return "a nested value"
    return f"values of type {dtype}"


def is_text(dtype: pa.DataType) -> bool:
    """Tell whether a column holds strings, in any of Arrow's three layouts."""
    return bool(pat.is_string(dtype) or pat.is_large_string(dtype) or pat.is_string_view(dtype))


def classify(schema: pa.Schema) -> tuple[dict[str, Kind], tuple[Ignored, ...]]:
    """Split a schema into watched features by name and ignored columns with their reasons."""
    kinds: dict[str, Kind] = {}
    ignored: list[Ignored] = []
    for field in schema:
        kind = kind_of(field.type)
        if isinstance(kind, Kind):
            kinds[field.name] = kind
        else:
            ignored.append(Ignored(field.name, kind))
    return kinds, tuple(ignored)


def nearly_unique(levels: int, rows: int) -> bool:
    """Whether strings name rows (ids, free text) rather than categories.

    `levels` distinct strings among `rows` non-missing ones.
    """
    return levels > NEARLY_UNIQUE_LEVELS and levels > NEARLY_UNIQUE_SHARE * rows


def nearly_unique_reason(levels: int, rows: int) -> str:
    """Say why a nearly unique column is ignored."""
    return f"nearly unique strings: {levels:,} distinct in {rows:,} values"

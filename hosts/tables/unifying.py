"""One schema for the files of a table, which may differ in columns and types."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.types as pat

from hosts.tables.parts import Part
from monitoring.intake.untyped import is_untyped
from monitoring.schema import Kind, kind_of


def unified(path: Path, parts: Sequence[Part]) -> tuple[pa.Schema, dict[str, str]]:
    """Return one schema, columns in order of appearance, and the columns without a common type."""
    seen: dict[str, dict[pa.DataType, None]] = {}
    for part in parts:
        for column in part.schema:
            seen.setdefault(column.name, {})[column.type] = None
    types = {name: _common(list(found)) for name, found in seen.items()}
    ununified = {
        name: f"{path}: {found[0]} in some files and {found[1]} in others"
        for name, types_ in seen.items()
        if types[name] is None and (found := list(types_))
    }
    return pa.schema([(name, dtype or next(iter(seen[name]))) for name, dtype in types.items()]), (
        ununified
    )


def _common(types: Sequence[pa.DataType]) -> pa.DataType | None:
    """Return one type for a column: numbers stay numbers; mixed with text, all is text."""
    known = [dtype for dtype in types if not pat.is_null(dtype)] or [pa.null()]
    if len(known) == 1:
        return known[0]
    kinds = {kind_of(dtype) for dtype in known}
    if not all(isinstance(kind, Kind) for kind in kinds):
        return None
    if kinds != {Kind.NUMERIC}:
        return pa.string()
    return pa.int64() if all(pat.is_signed_integer(dtype) for dtype in known) else pa.float64()


def is_loose(schema: pa.Schema, name: str) -> bool:
    """Tell whether a part's column has no definite type; numbers beside text have none either."""
    if name not in schema.names:
        return False
    one = schema.field(name)
    return is_untyped(one) or (kind_of(one.type) is Kind.NUMERIC and not pat.is_null(one.type))


def conformed(chunk: pa.Array, dtype: pa.DataType) -> pa.Array:
    """Cast a chunk to the column's type."""
    if chunk.type == dtype:
        return chunk
    if pat.is_dictionary(chunk.type):
        chunk = chunk.dictionary_decode()
    return chunk.cast(dtype, safe=False)

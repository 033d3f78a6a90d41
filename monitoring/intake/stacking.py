"""Concatenate tables whose columns may have different types."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.types as pat

from monitoring.schema import Kind, is_text, kind_of


def stacked(tables: Sequence[pa.Table]) -> pa.Table:
    """Concatenate tables; columns in order of appearance, null where a table lacks one.

    Numbers of several types become the wider one. Where a column holds numbers in one table and
    something else in another, it is numeric (float64) if more than half of its values are numbers,
    and text otherwise; values that do not fit are null.
    """
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException:
        names = dict.fromkeys(name for table in tables for name in table.column_names)
        types = {name: _settled(name, tables) for name in names}
        alike = [
            pa.table({name: _conformed(table[name], types[name]) for name in table.column_names})
            for table in tables
        ]
        return pa.concat_tables(alike, promote_options="permissive")


def text(value: object) -> str | None:
    """A value as text; None where it is neither text nor a number nor a truth value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None


def _settled(name: str, tables: Sequence[pa.Table]) -> pa.DataType | None:
    """The common type of a column; None where Arrow unifies its types by itself."""
    columns = [table[name] for table in tables if name in table.column_names]
    try:
        pa.unify_schemas(
            [pa.schema([(name, column.type)]) for column in columns], promote_options="permissive"
        )
        return None
    except pa.ArrowException:
        known = [len(column) - column.null_count for column in columns]
        numbers = [
            count
            for column, count in zip(columns, known, strict=True)
            if kind_of(column.type) is Kind.NUMERIC
        ]
        return pa.float64() if 2 * sum(numbers) > sum(known) else pa.string()


def _conformed(column: pa.ChunkedArray, dtype: pa.DataType | None) -> pa.ChunkedArray:
    if dtype is None or column.type == dtype:
        return column
    if pat.is_floating(dtype):
        numeric = kind_of(column.type) is Kind.NUMERIC
        return (
            column.cast(dtype, safe=False)
            if numeric
            else pa.chunked_array([pa.nulls(len(column), dtype)])
        )
    if is_text(column.type):
        return column.cast(dtype)
    return pa.chunked_array([pa.array([text(value) for value in column.to_pylist()], dtype)])

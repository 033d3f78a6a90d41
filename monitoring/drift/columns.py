"""Arrow columns as inputs of the counting kernels: finite numbers, or counts of levels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from monitoring.drift.spelling import canonical

Column: TypeAlias = pa.ChunkedArray | pa.Array


def number_chunks(column: Column) -> Iterator[npt.NDArray[np.generic]]:
    """Yield the non-null values of a numeric column chunk by chunk, without copying if possible.

    Integers stay integers and float32 stays float32, since comparing narrow values is cheaper.
    Decimals and half floats become float64. NaN and ±inf are kept.
    """
    for chunk in _chunks(column):
        if pat.is_dictionary(chunk.type):
            chunk = chunk.dictionary_decode()
        dtype = chunk.type
        if pat.is_null(dtype):
            continue
        if pat.is_decimal(dtype) or pat.is_float16(dtype):
            chunk = chunk.cast(pa.float64())
        if chunk.null_count:
            chunk = chunk.drop_null()
        # Arrow's own to_numpy imports pandas where it is installed, which takes a second.
        yield np.from_dlpack(chunk)


def finite_numbers(column: Column) -> npt.NDArray[np.float64]:
    """All finite values of a numeric column as a fresh float64 array."""
    parts = [part.astype(np.float64) for part in number_chunks(column)]
    values = np.concatenate(parts) if parts else np.empty(0)
    keep = np.isfinite(values)
    return values if keep.all() else values[keep]


def level_counts(column: Column) -> Counter[str]:
    """Count the levels of a categorical column by name; nulls are left out.

    Booleans are "true" and "false"; numbers in a categorical column are named by value: 5.0 is "5",
    and a number that is not finite is missing.
    """
    counts: Counter[str] = Counter()
    for chunk in _chunks(column):
        values, numbers = _tally(chunk)
        for value, number in zip(values, numbers, strict=True):
            if number and not missing(value):
                counts[level_name(value)] += number
    return counts


def level_codes(column: Column) -> Iterator[tuple[npt.NDArray[np.int64], list[str | None]]]:
    """Yield chunk by chunk the place of each row's level in a list of levels; None is missing."""
    for chunk in _chunks(column):
        held = chunk if pat.is_dictionary(chunk.type) else chunk.dictionary_encode()
        values = held.dictionary.to_pylist()
        levels = [None if missing(value) else level_name(value) for value in values]
        yield places_in(held), [*levels, None]


def places_in(encoded: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """Place of each row's value in the dictionary; for null, the place after the last.

    Arrow's fill_null imports pandas where it is installed, which takes a second.
    """
    codes = np.full(len(encoded), len(encoded.dictionary), np.int64)
    there = np.from_dlpack(encoded.indices.is_valid().cast(pa.uint8())).astype(np.bool_)
    codes[there] = np.from_dlpack(encoded.indices.drop_null())
    return codes


def missing(value: object) -> bool:
    """Whether a value is missing: null, or a number that is not finite."""
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def level_name(value: object) -> str:
    """The name of a level in reports."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, Decimal):
        return canonical(f"{value:f}")
    return value if isinstance(value, str) else str(value)


def _chunks(column: Column) -> list[pa.Array]:
    return column.chunks if isinstance(column, pa.ChunkedArray) else [column]


def _tally(chunk: pa.Array) -> tuple[list[object], list[int]]:
    if pat.is_boolean(chunk.type):
        return [True, False], [chunk.true_count, chunk.false_count]
    if pat.is_dictionary(chunk.type):
        codes = np.from_dlpack(chunk.indices.drop_null())
        levels = chunk.dictionary.to_pylist()
        return levels, np.bincount(codes, minlength=len(levels)).tolist()
    tally = pc.value_counts(chunk)
    return tally.field("values").to_pylist(), tally.field("counts").to_pylist()

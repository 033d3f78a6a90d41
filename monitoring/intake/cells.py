"""The place of a value in a user's table, for the message of a refusal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from engine.errors import Refused

SHOWN = 60


@dataclass(frozen=True)
class Cells:
    """One column of a table: the file, the name, and whether its rows are a sample of the file's.

    Rows are counted from 1, without a header line.
    """

    path: str
    column: str
    sampled: bool = False

    def fault(self, what: str) -> Refused:
        """Refuse the column."""
        return Refused(f"{self.path}: column {self.column!r}: {what}")

    def fault_in(self, row: int, what: str) -> Refused:
        """Refuse the column for the value in a row, a place from 0."""
        return Refused(f"{self.path}: column {self.column!r}, {self.row(row)}: {what}")

    def row(self, place: int) -> str:
        """Name a row by its place from 0."""
        return f"row {place + 1:,}" + (" of the sample" if self.sampled else "")

    def full(self, values: pa.ChunkedArray) -> None:
        """Refuse a column with empty values."""
        empty = np.asarray(values.is_null(nan_is_null=True))
        if empty.any():
            count = f"{int(empty.sum()):,} of {len(empty):,} rows"
            raise self.fault_in(
                int(empty.argmax()), f"empty, as in {count}; fill it in or leave those rows out"
            )


def shown(value: object) -> str:
    """Format a value in one short line."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"

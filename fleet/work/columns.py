"""Columns of tables as numpy arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]


def times(column: pa.ChunkedArray) -> npt.NDArray[np.datetime64]:
    """Return UTC instants without a zone."""
    plain: npt.NDArray[np.datetime64] = column.cast(pa.timestamp("us")).to_numpy()
    return plain


def floats(column: pa.ChunkedArray) -> Floats:
    """Return numbers of any type as float64, null as NaN."""
    plain: Floats = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return plain

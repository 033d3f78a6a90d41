"""Tables as the work effects meet them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

START = datetime(2024, 3, 4, 8, tzinfo=UTC)


def table(ids: Sequence[str], start: datetime = START, **columns: Sequence[Any]) -> pa.Table:
    """Rows by correlation id, one a minute from `start` on, with any more columns."""
    moments = [start + timedelta(minutes=i) for i in range(len(ids))]
    keys = {
        "correlationid": pa.array(ids, pa.string()),
        "index": pa.array([0] * len(ids), pa.int64()),
        "time": pa.array(moments, pa.timestamp("us", "UTC")),
    }
    return pa.table({**keys, **columns})


@pytest.fixture(scope="session")
def rows_of() -> Callable[..., pa.Table]:
    """Make a table of rows."""
    return table

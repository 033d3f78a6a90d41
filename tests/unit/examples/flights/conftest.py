from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@pytest.fixture(scope="session")
def prepared(year: Path) -> Path:
    return year


@pytest.fixture(scope="session")
def history(prepared: Path) -> pa.Table:
    return pq.read_table(prepared / "history.parquet")


@pytest.fixture(scope="session")
def reference(prepared: Path) -> pa.Table:
    return pq.read_table(prepared / "reference.parquet")

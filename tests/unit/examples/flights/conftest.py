from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from examples.flights.data import prepare


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("flights") / "data")


@pytest.fixture(scope="session")
def history(prepared: Path) -> pa.Table:
    return pq.read_table(prepared / "history.parquet")


@pytest.fixture(scope="session")
def reference(prepared: Path) -> pa.Table:
    return pq.read_table(prepared / "reference.parquet")

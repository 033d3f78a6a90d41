"""The tables that fleet.yaml names, as files beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import Refused
from hosts.tables.beside import TablesBeside


def test_tables_lie_beside_the_document(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("x,kind\n1,a\n2,b\n")
    tables = TablesBeside(tmp_path)
    assert tables.read("data/a.csv").to_pydict() == {"x": [1, 2], "kind": ["a", "b"]}
    with pytest.raises(Refused, match=r"none.parquet: no such file or folder"):
        tables.read("none.parquet")

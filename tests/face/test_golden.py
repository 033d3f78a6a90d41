"""psi, kl and js are what they were with deciles alone, where no value holds a large share.

The numbers in tests/resources/golden/before.json were printed by `check --json` of the version
before rulers had atoms, tails and groups of rare levels, on the tables that are made here.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.face.checking import report

BEFORE = json.loads(
    (Path(__file__).parent.parent / "resources" / "golden" / "before.json").read_text()
)
SIZES = ((50, 60), (300, 2_000), (1_000, 1_000), (5_000, 200), (10_000, 10_000))


def tables(rows: tuple[int, int]) -> tuple[pa.Table, pa.Table]:
    """Reference and current rows; Random.random gives the same numbers in every version."""
    random = Random(f"golden {rows}").random

    def spots(count: int) -> np.ndarray:
        return np.array([random() for _ in range(count)])

    def side(count: int, shift: float, new: bool) -> pa.Table:
        columns: dict[str, pa.Array] = {
            "uniform": pa.array(spots(count) * (1 + shift)),
            "exponential": pa.array(-np.log1p(-spots(count)) * (1 + shift)),
            "logistic": pa.array(np.log(1 / (spots(count) + 1e-9) - 1) - shift),
            "cauchy": pa.array(np.tan(math.pi * (spots(count) - 0.5)) * 1e6),
            "two modes": pa.array(spots(count) - 9 * (spots(count) < 0.3 + shift)),
            "absurd": pa.array((spots(count) - 0.5) * np.where(spots(count) < shift, 1e4, 1)),
            "float32": pa.array((spots(count) ** (1 + shift)).astype(np.float32)),
            "integers": pa.array((spots(count) ** 2 * 1e6).astype(np.int64)),
            "with nulls": pa.array(spots(count) + shift, mask=spots(count) < 0.1 + shift),
        }
        infinite, sign = spots(count), -1 if new else 1
        infinite[spots(count) < 0.01] = sign * math.inf
        columns["with infinities"] = pa.array(infinite)
        for levels in (2, 5, 40, 900, 3_000):
            codes = (spots(count) ** (1.5 + shift) * levels).astype(int)
            if new:
                codes = np.where(spots(count) < 0.05, levels, np.maximum(codes, 1))
            texts = pa.array([f"level {code}" for code in codes])
            columns[f"{levels} levels"] = texts
            columns[f"{levels} levels, dictionary"] = texts.dictionary_encode()
        columns["boolean"] = pa.array(spots(count) < 0.2 + shift)
        columns["boolean, never"] = pa.array(spots(count) < (0.0 if new else 0.3))
        return pa.table(columns)

    return side(rows[0], 0.0, new=False), side(rows[1], 0.15, new=True)


@pytest.mark.parametrize("rows", SIZES, ids=lambda rows: "{} against {}".format(*rows))
def test_divergences_of_continuous_features_and_levels_are_those_of_before(
    tmp_path: Path, rows: tuple[int, int]
) -> None:
    sides = [tmp_path / "reference.parquet", tmp_path / "current.parquet"]
    for table, path in zip(tables(rows), sides, strict=True):
        pq.write_table(table, path)
    reference, current = sides
    _, found = report(reference, current)
    numbers = {one["name"]: [one["psi"], one["kl"], one["js"]] for one in found["features"]}
    before = BEFORE["{} against {}".format(*rows)]
    assert numbers.keys() == before.keys()
    for name, values in numbers.items():
        assert values == pytest.approx(before[name], rel=1e-9, abs=1e-9), name

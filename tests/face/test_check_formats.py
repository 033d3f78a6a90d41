"""The same rows get the same verdict in every layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.face.checking import report
from tests.face.layouts import LAYOUTS, Row

COLUMNS = ("amount", "visits", "zip", "flag", "country", "age")
ZIPS = ("02139", "02140", "00501", "10001")
COUNTRIES = ("NA", "ÅL", "nan", "CÔ", "NULL")


def rows(seed: int, *, drifted: bool, n: int = 900) -> list[Row]:
    """Six kinds of columns; where they drift, all do, by far more than noise."""
    rng = np.random.default_rng(seed)
    slope = [0.1, 0.1, 0.1, 0.1, 0.6] if drifted else [0.6, 0.1, 0.1, 0.1, 0.1]
    ages = rng.normal(60 if drifted else 40, 8, n).round(1)
    return [
        {
            "amount": float(amount),
            "visits": int(visits),
            "zip": ZIPS[place],
            "flag": bool(flag),
            "country": COUNTRIES[country],
            "age": None if lost else float(age),
        }
        for amount, visits, place, flag, country, age, lost in zip(
            rng.lognormal(2.0 if drifted else 1.0, 1, n).round(3),
            rng.choice(5, n, p=slope),
            rng.choice(4, n, p=[0.1, 0.1, 0.1, 0.7] if drifted else [0.25] * 4),
            rng.random(n) < (0.8 if drifted else 0.2),
            rng.choice(5, n, p=slope),
            ages,
            rng.random(n) < 0.2,
            strict=True,
        )
    ]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """Every layout of three tables."""
    tables = {
        "reference": rows(1, drifted=False),
        "stable": rows(2, drifted=False),
        "drifted": rows(3, drifted=True),
    }
    return {
        (layout, side): write(held, tmp_path_factory.mktemp("rows"))
        for side, held in tables.items()
        for layout, write in LAYOUTS.items()
    }


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("side", "code"), [("stable", 0), ("drifted", 1)])
def test_a_layout_changes_no_verdict(
    written: dict[tuple[str, str], Path], layout: str, side: str, code: int
) -> None:
    for before, after in ((layout, layout), ("parquet", layout), (layout, "parquet")):
        found, document = report(written[before, "reference"], written[after, side])
        verdicts = {one["name"]: one["verdict"] for one in document["features"]}
        assert verdicts == dict.fromkeys(COLUMNS, side), (before, after)
        assert (found, document["n_reference"], document["n_current"]) == (code, 900, 900)
        assert (document["ignored"], document["not_compared"]) == ([], [])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_changes_no_missing_share(
    written: dict[tuple[str, str], Path], layout: str
) -> None:
    _, document = report(written[layout, "reference"], written["parquet", "stable"])
    missing = {one["name"]: one["missing_reference"] for one in document["features"]}
    lost = sum(row["age"] is None for row in rows(1, drifted=False))
    assert missing == {name: lost if name == "age" else 0 for name in COLUMNS}

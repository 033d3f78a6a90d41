"""Changes of shares that deciles do not see, and rare levels that change by nothing: from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.face.checking import named, report

CASES = Path(__file__).parent.parent / "resources" / "cases"


def parquet(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("left", ["40_left", "20_left", "all_null"])
def test_a_column_that_is_emptied_has_drifted_by_its_missing_share(left: str) -> None:
    case = CASES / "all-null-column"
    code, found = report(case / "ref.parquet", case / f"cur_{left}.parquet")
    assert (code, named(found, "amount")["verdict"]) == (1, "drifted")
    assert "missing share" in named(found, "amount")["reason"]


@pytest.mark.parametrize("left", ["40_left", "20_left", "all_null"])
def test_a_column_that_is_filled_has_drifted_as_well(left: str) -> None:
    case = CASES / "all-null-column"
    code, found = report(case / f"cur_{left}.parquet", case / "ref.parquet")
    assert (code, named(found, "amount")["verdict"]) == (1, "drifted")


def test_the_lowest_value_that_turns_to_a_sentinel_has_drifted() -> None:
    case = CASES / "lowest-value-turns-sentinel"
    code, found = report(case / "ref.parquet", case / "cur.parquet")
    verdicts = {one["name"]: one["verdict"] for one in found["features"]}
    assert (code, verdicts) == (1, {"flag": "drifted", "discount": "drifted", "x": "stable"})
    assert found["ruler"] == 2


def test_two_thousand_five_hundred_levels_of_one_law_are_stable() -> None:
    case = CASES / "many-levels-false-alarm"
    code, found = report(case / "ref_6000_2500.parquet", case / "cur_6000_2500.parquet")
    assert (code, found["verdict"]) == (0, "stable")
    assert named(found, "merchant")["p_value"] > 0.05


ROWS = 3_000
SPOTS = np.linspace(0.0005, 0.9995, ROWS)
CHANGES = {
    "a flag that nobody has any more": (SPOTS < 0.98, SPOTS < 0),
    "a flag as a number that nobody has any more": (1.0 * (SPOTS < 0.98), 0.0 * SPOTS),
    "a constant that is another one": (np.full(ROWS, 20), np.full(ROWS, 19)),
    "nulls that are imputed by -1": (
        np.where(SPOTS < 0.2, np.nan, SPOTS * 9),
        np.where(SPOTS < 0.2, -1.0, SPOTS * 9),
    ),
    "a greatest value that turns to a sentinel": (
        np.minimum(SPOTS * 9, 6.0),
        np.where(SPOTS * 9 > 6, 999.0, SPOTS * 9),
    ),
    "a value inside that loses its rows": (
        np.where(SPOTS % 0.1 < 0.03, 0.5, SPOTS),
        SPOTS,
    ),
    "one value in twelve times ten thousand": (
        SPOTS + 1,
        np.where(SPOTS > 0.92, 1e4 * SPOTS, SPOTS + 1),
    ),
    "a constant that begins to vary": (np.full(ROWS, 7.0), 7 + np.round(3 * SPOTS)),
    "a share of missing values that rises from 95 to 99 %": (
        np.where(SPOTS < 0.95, np.nan, SPOTS),
        np.where(SPOTS < 0.998, np.nan, SPOTS),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_shares_is_seen_wherever_the_values_lie(tmp_path: Path, change: str) -> None:
    before, after = CHANGES[change]
    reference = parquet(tmp_path / "r.parquet", x=before, calm=SPOTS)
    code, found = report(reference, parquet(tmp_path / "c.parquet", x=after, calm=SPOTS))
    assert (code, named(found, "x")["verdict"]) == (1, "drifted"), named(found, "x")["reason"]
    assert named(found, "calm")["verdict"] == "stable"
    same, _ = report(reference, reference)
    assert same == 0


@pytest.mark.parametrize("levels", [70, 900, 4_000])
def test_a_new_level_among_many_is_seen_and_many_alike_are_not(tmp_path: Path, levels: int) -> None:
    rng = np.random.default_rng(levels)
    law = 1 / np.arange(1, levels + 1)
    names = np.array([f"shop {n}" for n in range(levels)])
    drawn = [rng.choice(names, size=20_000, p=law / law.sum()) for _ in range(2)]
    new = np.where(rng.random(20_000) < 0.05, "new", drawn[1])
    reference = parquet(tmp_path / "r.parquet", shop=drawn[0])
    assert report(reference, parquet(tmp_path / "c.parquet", shop=drawn[1]))[0] == 0
    _, found = report(reference, parquet(tmp_path / "n.parquet", shop=new))
    assert named(found, "shop")["verdict"] in {"drifting", "drifted"}


def test_too_few_values_are_named_and_the_rest_is_judged(tmp_path: Path) -> None:
    few = [1.0] * 10 + [None] * (ROWS - 10)
    side = parquet(tmp_path / "r.parquet", few=pa.array(few), x=SPOTS)
    code, found = report(side, side)
    assert (code, found["verdict"], found["unjudged"]) == (0, "stable", ["few"])
    code, found = report(side, side, "--features", "few")
    assert (code, found["verdict"]) == (3, "insufficient")


def test_text_of_its_own_in_each_row_is_named_as_not_judged(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    before, after = rng.lognormal(3, 1, 400), 1.4 * rng.lognormal(3, 1, 400)
    reference, current = (
        parquet(tmp_path / f"{name}.parquet", price=[f"${x:.2f}" for x in side], x=side)
        for name, side in (("r", before), ("c", after))
    )
    code, found = report(reference, current)
    assert found["unjudged"] == ["price"]
    assert "values on the reference side occur once" in named(found, "price")["reason"]
    assert (code, named(found, "x")["verdict"]) == (1, "drifted")


@pytest.mark.parametrize("kind", ["text", "numbers"])
@pytest.mark.parametrize(("rows", "n"), [(60, 1_000), (60, 10_000), (200, 1_000)])
def test_values_that_are_all_replaced_have_drifted(
    tmp_path: Path, kind: str, rows: int, n: int
) -> None:
    known, new = np.arange(rows) % 5, 10 + np.arange(n) % 5
    if kind == "text":
        known, new = (np.array([f"L{value}" for value in side]) for side in (known, new))
    reference = parquet(tmp_path / "r.parquet", x=known)
    code, found = report(reference, parquet(tmp_path / "c.parquet", x=new))
    assert (code, named(found, "x")["verdict"]) == (1, "drifted"), named(found, "x")["reason"]

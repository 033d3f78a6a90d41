"""Segments: which levels they are, and how their counts are kept beside those of all rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from monitoring.drift.ruler import Ruler
from monitoring.drift.segments import (
    choose,
    from_bytes,
    merge_all,
    names_of,
    sketch_all,
    to_bytes,
)
from monitoring.drift.sketch import Sketch, empty, sketch

N = 1_000


def rows(seed: int = 1, n: int = N) -> pa.Table:
    chance = np.random.default_rng(seed)
    return pa.table(
        {
            "x": chance.normal(size=n),
            "carrier": chance.choice(["UA", "AA", "HA"], n, p=[0.6, 0.35, 0.05]),
            "late": pa.array(chance.random(n) < 0.4),
        }
    )


RULER = Ruler.of(rows())


def test_levels_are_the_frequent_ones_of_categorical_features() -> None:
    found = choose(RULER, sketch(rows(), RULER), ["carrier", "x", "late", "unknown"])
    assert found == {"carrier": ("UA", "AA"), "late": ("false", "true")}
    assert names_of(found) == ("carrier=UA", "carrier=AA", "late=false", "late=true")


def test_no_more_than_twenty_levels_of_a_feature() -> None:
    many = pa.table({"who": np.repeat([f"l{n:02}" for n in range(30)], np.arange(30) + 201)})
    (held,) = choose(Ruler.of(many), sketch(many, Ruler.of(many)), ["who"]).values()
    assert held == tuple(f"l{n}" for n in range(29, 9, -1))


@pytest.mark.parametrize("dictionary", [False, True])
def test_a_segments_rows_are_counted_on_their_own(dictionary: bool) -> None:
    table = rows(2)
    if dictionary:
        table = table.set_column(1, "carrier", table["carrier"].dictionary_encode())
    found = sketch_all(table, RULER, {"carrier": ("UA", "XX"), "late": ("true",)})
    keep = np.array(table["carrier"].to_pylist()) == "UA"
    assert found[None] == sketch(table, RULER)
    assert found["carrier=UA"] == sketch(table.filter(pa.array(keep)), RULER)
    assert found["late=true"] == sketch(table.filter(table["late"]), RULER)
    assert found["carrier=XX"] == empty(RULER)


def test_a_batch_without_the_feature_has_no_rows_in_any_segment() -> None:
    lists = pa.table({"carrier": [["UA"], ["AA"]]})
    for table in (rows().drop_columns(["carrier"]), lists):
        assert sketch_all(table, RULER, {"carrier": ("UA",)})["carrier=UA"].rows == 0


def test_redacted_levels_are_known_by_their_hash_only() -> None:
    ruler = Ruler.of(rows(), {"carrier": "salt"})
    levels = choose(ruler, sketch(rows(), ruler), ["carrier"])
    found = sketch_all(rows(), ruler, levels)
    assert not any("UA" in str(name) for name in found)
    assert found[names_of(levels)[0]].rows == rows()["carrier"].to_pylist().count("UA")


def test_one_blob_keeps_all_of_it_and_reads_as_the_sketch_of_all_rows() -> None:
    found = sketch_all(rows(), RULER, {"carrier": ("UA", "AA", "XX")})
    assert from_bytes(to_bytes(found)) == found
    assert Sketch.from_bytes(to_bytes(found)) == found[None]


def test_blobs_without_segments_are_plain_sketches() -> None:
    plain = sketch(rows(), RULER)
    assert to_bytes({None: plain}) == plain.to_bytes()
    assert from_bytes(plain.to_bytes()) == {None: plain}


def test_sums_go_by_segment() -> None:
    levels = {"carrier": ("UA",)}
    first, second = (sketch_all(rows(seed), RULER, levels) for seed in (1, 2))
    whole = sketch_all(pa.concat_tables([rows(1), rows(2)]), RULER, levels)
    assert merge_all(RULER, [first, second]) == whole
    older = merge_all(RULER, [first, {None: second[None]}])
    assert (older[None], older["carrier=UA"]) == (whole[None], first["carrier=UA"])
    assert merge_all(RULER, []) == {None: empty(RULER)}

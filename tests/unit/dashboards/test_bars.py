"""Bars of a distribution: which cells have one, and how long it is."""

from __future__ import annotations

from dashboards.bars import bars, longest
from monitoring.drift.histogram import BinCount
from monitoring.drift.report import FeatureReport
from monitoring.schema import Kind
from tests.doubles.reports import feature


def told(feature: FeatureReport) -> list[tuple[str, float | None, float | None]]:
    return [(bar.name, bar.reference, bar.current) for bar in bars(feature)]


def test_shares_are_of_the_values_that_are_there_and_missing_ones_of_all_rows() -> None:
    one = feature(missing_reference=0, missing_current=500)
    assert told(one) == [
        ("<20K", 0.5, 0.5),
        ("60K+", 0.4, 0.25),
        ("all other levels", 0.1, 0.25),
        ("missing", 0.0, 0.5),
    ]
    assert [bar.moved for bar in bars(one)] == [False, True, True, True]
    assert bars(one)[1].words == ("40 %", "25 %")
    assert longest(bars(one)) == 0.5


def test_groups_of_rare_levels_share_one_bar() -> None:
    groups = tuple(BinCount(f"rest {n}/200", 1, 2) for n in range(200))
    one = feature(bins=(BinCount("a", 800, 100), *groups))
    assert told(one)[:2] == [("a", 0.8, 0.2), ("all other levels", 0.2, 0.8)]


def test_twenty_levels_have_a_bar_and_the_largest_of_either_side_is_among_them() -> None:
    levels = [BinCount(f"l{n:03}", 10, 0) for n in range(100)]
    one = feature(bins=(*levels, BinCount("new", 0, 500)))
    names = [name for name, _, _ in told(one)]
    assert names == [*(f"l{n:03}" for n in range(19)), "new", "all other levels", "missing"]
    assert told(one)[-2] == ("all other levels", 0.81, 0.0)


def test_cells_of_numbers_stay_in_order_and_empty_ones_are_left_out() -> None:
    cells = (
        BinCount("(-inf, 0)", 0, 0), BinCount("0", 700, 100), BinCount("(0, 1)", 0, 0),
        BinCount("1", 300, 300), BinCount("(1, inf)", 0, 100),
    )  # fmt: skip
    one = feature(kind=Kind.NUMERIC, bins=cells)
    assert [name for name, _, _ in told(one)] == ["0", "1", "> 1", "missing"]


def test_a_side_that_cannot_be_counted_has_no_bars() -> None:
    one = feature(n_current=None, missing_current=None)
    assert {bar.current for bar in bars(one)} == {None}
    assert bars(one)[0].words == ("50 %", "–")
    assert not any(bar.moved for bar in bars(one))


def test_a_feature_without_a_value_has_a_bar_of_what_is_missing() -> None:
    none = feature(bins=(), n_reference=0, n_current=0, missing_reference=1000, missing_current=500)
    assert told(none) == [("missing", 1.0, 1.0)]
    empty = feature(bins=(), n_reference=0, n_current=0)
    assert longest(bars(empty)) == 1.0

"""Words of a report: what moved, numbers, the order, the sentence at the end."""

from __future__ import annotations

import pytest

from monitoring.drift.report import BinCount
from monitoring.drift.telling import (
    cell,
    effect,
    groups,
    left_out,
    missing,
    moved,
    percent,
    printable,
    probability,
    ranked,
    shares,
    summary,
)
from monitoring.drift.verdict import Verdict
from monitoring.schema import Ignored, Kind
from tests.doubles.reports import HOSTILE, feature, report, unjudged


def test_what_moved_is_told_with_the_shares_of_both_sides() -> None:
    # 400 of 1,000 and 125 of 500; 100 of 1,000 and 125 of 500; the first level stays at one half.
    assert [str(one) for one in moved(feature())] == [
        "60K+ 40 % → 25 %",
        "all other levels 10 % → 25 %",
    ]


def test_a_missing_share_is_one_of_what_moves() -> None:
    one = feature(missing_reference=20, n_reference=980, missing_current=200, n_current=300)
    assert str(moved(one)[0]) == "missing 2.0 % → 40 %"
    assert missing(one) == "2.0 % → 40 %"


def test_a_column_that_is_gone_has_no_shares() -> None:
    gone = feature(n_current=None, missing_current=None)
    assert moved(gone) == ()
    assert missing(gone) == "0 % → –"


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("(-inf, 0.5]", "≤ 0.5"),
        ("(-inf, -3.09)", "< -3.09"),
        ("(0.5, inf)", "> 0.5"),
        ("[0.5, inf)", "≥ 0.5"),
        ("(-inf, inf)", "all values"),
        ("(0.123456789012, 0.234567890123]", "0.123 to 0.235"),
        ("(12345.6, 98765.4]", "12346 to 98765"),
        ("(0.1234561, 0.1234572]", "0.123456 to 0.123457"),
        ("(1e+20, 2.5e+20]", "1e+20 to 2.5e+20"),
        ("(0, 1)", "between 0 and 1"),
        ("(3, 3]", "3"),
        ("-999", "-999"),
        ("0", "0"),
        ("nothing that looks like a cell", "nothing that looks like a cell"),
    ],
)
def test_cells_of_numbers_are_named_by_comparison(label: str, told: str) -> None:
    assert cell(label, Kind.NUMERIC) == told


def test_ends_that_differ_only_far_behind_the_point_stay_apart() -> None:
    low, high = cell("(1000.00001, 1000.00002]", Kind.NUMERIC).split(" to ")
    assert low != high


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("rest", "all other levels"),
        ("rest 17/200", "rare levels, group 17 of 200"),
        ("restless", "restless"),
        ("rest 17", "rest 17"),
        ("(0.5, 2]", "(0.5, 2]"),
        ("a\nb", r"a\nb"),
    ],
)
def test_levels_are_named_as_they_are_and_rare_ones_as_such(label: str, told: str) -> None:
    assert cell(label, Kind.CATEGORICAL) == told


def test_a_level_that_is_a_whole_text_is_cut() -> None:
    assert len(cell("word " * 5_000, Kind.CATEGORICAL)) == 120


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_that_moves_the_cursor_is_left(name: str) -> None:
    assert printable(name).isprintable()


@pytest.mark.parametrize(
    ("p", "told"),
    [
        (1.2e-45, "< 0.001"),
        (0.0, "< 0.001"),
        (0.00099, "< 0.001"),
        (0.001, "0.001"),
        (0.03, "0.03"),
        (0.049, "0.049"),
        (0.5, "0.5"),
        (1.0, "1"),
        (None, ""),
    ],
)
def test_p_values_are_plain(p: float | None, told: str) -> None:
    assert probability(p) == told


def test_only_nothing_is_0_and_only_everything_100_percent() -> None:
    assert shares(0.103, 0.018) == "10.3 % → 1.8 %"
    assert [percent(share) for share in (0.0, 1e-9, 1 - 1e-9, 1.0)] == [
        "0 %",
        "< 0.01 %",
        "> 99.99 %",
        "100 %",
    ]


def test_the_worst_verdict_comes_first_and_then_the_largest_effect() -> None:
    features = [
        unjudged("u"),
        feature("s", Verdict.STABLE, effect=0.9),
        feature("d1", Verdict.DRIFTED, effect=0.2),
        feature("i", Verdict.DRIFTING, effect=0.05),
        feature("gone", Verdict.DRIFTED, effect=None, missing_effect=None),
        feature("d2", Verdict.DRIFTED, effect=0.1, missing_effect=3.0),
    ]
    assert [one.name for one in ranked(features)] == ["d2", "d1", "gone", "i", "s", "u"]


def test_the_effect_told_is_that_of_the_finding() -> None:
    assert effect(feature("m", Verdict.DRIFTED, effect=0.01, missing_effect=1.4)) == 1.4
    assert effect(feature("s", Verdict.STABLE, effect=0.01, missing_effect=1.4)) == 0.01


def test_columns_are_gathered_by_their_reason_the_most_first() -> None:
    found = groups(
        [Ignored("tags", "a nested value"), Ignored("a", "a date"), Ignored("b", "a date")]
    )
    assert [(one.reason, one.names) for one in found] == [
        ("a date", ("a", "b")),
        ("a nested value", ("tags",)),
    ]


def test_every_column_without_a_verdict_is_told() -> None:
    found = left_out(
        report(
            [feature(), unjudged("few"), unjudged("few")],
            ignored=[("tags", "a nested value")],
            not_compared=[("order_id", "unique integers")],
        )
    )
    assert {what: [one.names for one in those] for what, those in found.items()} == {
        "could not be judged": [("few", "few")],
        "not compared": [("order_id",)],
        "ignored": [("tags",)],
    }
    assert left_out(report([feature()])) == {}


def test_the_summary_counts_features_by_verdict() -> None:
    features = [feature("a", Verdict.DRIFTED), feature("b"), feature("c")]
    assert summary(report(features)) == (
        "drifted: 1,000 reference rows, 500 current rows, 3 features judged (1 drifted, 2 stable)"
    )
    assert summary(report([feature("a"), *map(unjudged, "xyz")])) == (
        "stable, 3 features could not be judged: 1,000 reference rows, 500 current rows, "
        "1 feature judged (1 stable)"
    )
    assert summary(report([unjudged("x")])).startswith(
        "insufficient, 1 feature could not be judged: "
    )


def test_features_in_segments_are_counted_apart() -> None:
    inside = feature("a", Verdict.DRIFTED, segment="de")
    assert summary(report([feature("a"), inside])).endswith(
        "1 feature judged (1 stable) and 1 in segments (1 drifted)"
    )


def test_a_single_bin_that_moved_needs_no_interval() -> None:
    one = feature(kind=Kind.NUMERIC, bins=(BinCount("0", 900, 250), BinCount("(0, 1]", 100, 250)))
    assert str(moved(one)[0]) == "0: 90 % → 50 %"

"""Words of a report: what moved, what is left out, the order, the sentence at the end."""

from __future__ import annotations

from monitoring.drift.histogram import BinCount
from monitoring.drift.telling import effect, groups, left_out, missing, moved, ranked, summary
from monitoring.drift.verdict import Verdict
from monitoring.schema import Ignored, Kind
from tests.doubles.reports import feature, report, unjudged


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

"""Data-quality problems: grouped, graded, and silent where chance explains them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from monitoring.alerts.lifecycle import Severity
from monitoring.quality import Kind, Measured, Policy, Problem
from monitoring.quality_rules import problems, repeated, stuck

WEATHER = ("temp", "dewp", "humid", "wind", "precip", "precip3", "pressure", "visib", "gust")


def fine(name: str) -> Measured:
    return Measured(name, 900, 3, 0.004)


def test_a_dead_feed_is_one_problem_that_tells_the_story() -> None:
    features = [fine(f"schedule{i}") for i in range(9)]
    features += [Measured(name, 776, 776, 0.01) for name in WEATHER]
    (problem,) = problems(features, Policy(), rows=776, expected=750, window="2013-12-31")
    assert problem == Problem(
        Kind.ALL_MISSING,
        WEATHER,
        Severity.PAGE,
        f"9 of 18 features entirely missing on 2013-12-31: {', '.join(WEATHER)}; check the source",
    )


def test_long_lists_are_cut_in_the_reason_only() -> None:
    features = [Measured(f"f{i:02}", 100, 100) for i in range(12)]
    (problem,) = problems(features, Policy(), rows=100)
    assert problem.reason.endswith("f07, f08 and 3 more; check the source")
    assert len(problem.features) == 12


def test_jumps_are_graded_and_quote_both_shares() -> None:
    features = [Measured("a", 1000, 200, 0.05), Measured("b", 1000, 700, 0.0), fine("c")]
    assert problems(features, Policy(), rows=1000) == (
        Problem(
            Kind.MISSING_JUMP,
            ("b",),
            Severity.PAGE,
            "1 of 3 features missing more often: b 70 % of rows (at most 0 % on any day of the "
            "reference)",
        ),
        Problem(
            Kind.MISSING_JUMP,
            ("a",),
            Severity.TICKET,
            "1 of 3 features missing more often: a 20 % of rows (at most 5.0 % on any day of the "
            "reference)",
        ),
    )


@pytest.mark.parametrize(
    "feature",
    [
        Measured("usually missing", 100, 100, 1.0),
        Measured("often missing, few rows", 10, 10, 0.5),
        Measured("too few rows for a share", 20, 8, 0.0),
        Measured("no more than usual", 1000, 420, 0.4),
        Measured("a jump within chance", 40, 6, 0.04),
        Measured("no rows", 0, 0, 0.0),
    ],
    ids=lambda feature: feature.name,
)
def test_what_chance_or_habit_explains_is_no_problem(feature: Measured) -> None:
    assert problems([feature], Policy(), rows=feature.rows) == ()


def test_unseen_levels_count_among_the_values_that_are_there() -> None:
    feature = Measured("carrier", 1000, 900, 0.9, unseen=11)
    (problem,) = problems([feature], Policy(), rows=1000)
    assert (problem.kind, problem.reason) == (
        Kind.UNSEEN,
        "values unknown in the reference (limit 10 %): carrier 11 %",
    )
    assert problems([Measured("carrier", 1000, 900, 0.9, unseen=10)], Policy(), rows=1000) == ()


def test_none_but_unseen_values_are_a_changed_type_and_a_page() -> None:
    coded = [Measured("carrier", 40, 4, 0.1, unseen=36), fine("fare")]
    (problem,) = problems(coded, Policy(), rows=40, window="window 7")
    assert (problem.kind, problem.severity) == (Kind.TYPE_CHANGE, Severity.PAGE)
    assert problem.reason == (
        "1 of 2 features without any value known from the reference on window 7: carrier; type or "
        "coding has probably changed"
    )


@pytest.mark.parametrize(
    ("feature", "kinds"),
    [
        (Measured("campaign", 40, 0, unseen=40, reference_unseen=0.9), [Kind.UNSEEN]),
        (Measured("carrier", 40, 0, unseen=39), [Kind.UNSEEN]),
        (Measured("carrier", 29, 0, unseen=29), []),
    ],
    ids=["always new values", "one known value", "few rows"],
)
def test_new_values_alone_are_no_changed_type(feature: Measured, kinds: list[Kind]) -> None:
    assert [p.kind for p in problems([feature], Policy(), rows=40)] == kinds


@pytest.mark.parametrize(
    ("rows", "expected", "kind"),
    [
        (900, 1000.0, None),
        (400, 1000.0, Kind.LOW_VOLUME),
        (0, 1000.0, Kind.NO_ROWS),
        (0, 3.0, None),
        (0, None, None),
        (5, 0.0, None),
    ],
)
def test_volume_is_held_against_the_same_weekday(
    rows: int, expected: float | None, kind: Kind | None
) -> None:
    found = problems([], Policy(), rows=rows, expected=expected)
    assert [p.kind for p in found] == ([] if kind is None else [kind])


def test_a_window_without_rows_says_only_that() -> None:
    found = problems([Measured("a", 0, 0)], Policy(), rows=0, expected=500)
    assert [p.kind for p in found] == [Kind.NO_ROWS]


@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
        max_size=8,
    )
)
def test_each_feature_is_told_once_per_kind(rows: list[tuple[int, float, float, float]]) -> None:
    features = [
        Measured(f"f{i}", n, int(n * gone), usual, int((n - int(n * gone)) * odd))
        for i, (n, gone, usual, odd) in enumerate(rows)
    ]
    found = problems(features, Policy(), rows=100)
    for kind in Kind:
        struck = [name for p in found if p.kind is kind for name in p.features]
        assert len(struck) == len(set(struck))
    order = [list(Kind).index(p.kind) for p in found]
    assert order == sorted(order)


def test_features_that_do_not_differ_on_a_day_on_which_they_always_do() -> None:
    assert stuck((), 4, "weekend", "2024-03-02") is None
    found = stuck(("a", "b"), 4, "weekend", "2024-03-02")
    assert found is not None
    assert (found.kind, found.severity, found.features) == (Kind.STUCK, Severity.TICKET, ("a", "b"))
    assert found.reason == (
        "2 of 4 features that always differ on days of class weekend look like a weekday on "
        "2024-03-02: a, b; the feed may be stuck and repeat earlier rows"
    )


def test_steady_missing_shares_raise_no_false_alarm() -> None:
    rng, trials = np.random.default_rng(1), 5_000
    shares = rng.uniform(0, 0.9, trials)
    missing = rng.binomial(60, shares)
    alarms = sum(
        bool(problems([Measured("a", 60, int(k), float(p))], Policy(), rows=60))
        for k, p in zip(missing, shares, strict=True)
    )
    assert alarms <= binom.ppf(1 - 1e-6, trials, 1e-4)


@pytest.mark.parametrize(
    ("again", "rows", "found"), [(5, 95, False), (6, 94, True), (20, 5, False), (0, 100, False)]
)
def test_rows_logged_again_count_as_a_share_of_all_that_were_logged(
    again: int, rows: int, found: bool
) -> None:
    problem = repeated(again, rows, Policy(), "2013-07-01")
    assert (problem is not None) is found
    if problem is not None:
        assert problem.severity is Severity.TICKET
        assert problem.reason == (
            f"{again} of {again + rows} rows of 2013-07-01 repeat an earlier id "
            f"({'6.0' if again == 6 else '80'} %, limit 5 %)"
        )


def test_values_out_of_their_range_are_a_ticket_with_the_range() -> None:
    policy = Policy.model_validate({"ranges": {"age": {"low": 0, "high": 120}, "fare": {"low": 0}}})
    features = [
        Measured("age", 1_000, 100, 0.1, outside=10),
        Measured("fare", 1_000, 0, outside=10),
        Measured("seat", 1_000, 0, outside=500),
    ]
    (problem,) = problems(features, policy, rows=1_000, window="monday")
    assert problem == Problem(
        Kind.OUTSIDE,
        ("age",),
        Severity.TICKET,
        "values outside their range on monday (limit 1 %): age 10 of 900 (1.1 %) not in [0, 120]",
    )
    assert problems([Measured("age", 29, 0, outside=29)], policy, rows=29) == ()

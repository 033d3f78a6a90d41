"""The built-in rules, scaled to a window."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from monitoring.slo.definition import Calendar, Op, Rolling
from monitoring.slo.evaluation.rules import Clause, built_in, rules
from tests.unit.monitoring.slo.evaluation.made import MONTH, calendar, condition, policy, slo

F = Fraction


@pytest.mark.parametrize(
    ("window", "factors"),
    [
        (MONTH, [F("14.4"), F(6), F(3), F(1), F(1)]),
        (Rolling(timedelta(days=28)), [F("13.44"), F("5.6"), F("2.8"), F(14, 15), F(1)]),
        (Rolling(timedelta(days=90)), [F("43.2"), F(18), F(9), F(3), F(1)]),
        (calendar(1, "M", "2026-01-01"), [F("14.4"), F(6), F(3), F(1), F(1)]),
        (calendar(1, "w", "2026-01-05"), [F("3.36"), F("1.4"), F("0.7"), F(7, 30), F(1)]),
        (Rolling(timedelta(days=1)), [F("0.48"), F("0.2"), F(1)]),
        (Rolling(timedelta(minutes=30)), [F(1)]),
    ],
)
def test_factors_follow_the_window(window: Rolling | Calendar, factors: list[Fraction]) -> None:
    found = built_in(window)
    assert [one.clauses[-1].threshold for one in found] == factors
    assert [one.no_data for one in found] == [True, *[False] * (len(found) - 1)]
    assert all(one.guarded and one.resolved and one.breaching for one in found)
    assert found[-1].clauses == (Clause(Op.GTE, F(1), None),)


def test_names_windows_and_severities_of_a_month() -> None:
    found = {
        one.name: (one.severity, [clause.lookback for clause in one.clauses])
        for one in built_in(MONTH)
    }
    assert found == {
        "page-1h": ("page", [5, 60]),
        "page-6h": ("page", [30, 360]),
        "ticket-1d": ("ticket", [120, 1440]),
        "ticket-3d": ("ticket", [360, 4320]),
        "exhausted": ("ticket", [None]),
    }


def test_policies_of_a_document_are_what_they_say() -> None:
    known = slo("0.99", MONTH, policy(condition("lt", "0.5", 90, after=3)))
    (rule,) = rules(known)
    assert rule.clauses == (Clause(Op.LT, F(1, 2), 90, 3),)
    assert not rule.guarded
    assert rules(slo()) == built_in(MONTH)

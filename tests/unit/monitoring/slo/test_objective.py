"""Objectives judged from counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.alerts.lifecycle import Severity
from monitoring.slo.budget import Bucket, Buckets
from monitoring.slo.objective import Objective, Sli, Verdict, evaluate

NOW = datetime(2013, 7, 31, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOAL = Objective("up", "flights", Sli.AVAILABILITY, 0.99, timedelta(days=30))


def hours(*counts: tuple[int, int]) -> Buckets:
    rows = [
        Bucket(NOW - HOUR * (len(counts) - i), good, bad) for i, (good, bad) in enumerate(counts)
    ]
    return Buckets.of(rows, HOUR)


def test_a_service_within_budget_meets_its_objective() -> None:
    status = evaluate(GOAL, hours(*[(995, 5)] * 48), NOW)
    assert (status.verdict, status.severity, status.reasons) == (Verdict.MET, None, ())
    assert status.attained == pytest.approx(0.995)
    assert status.budget_left == pytest.approx(0.5)


def test_no_events_are_not_good_news() -> None:
    status = evaluate(GOAL, hours(), NOW)
    assert status.verdict is Verdict.INSUFFICIENT
    assert (status.attained, status.budget_left) == (None, None)


def test_an_outage_pages_and_says_how_fast_it_burns() -> None:
    status = evaluate(GOAL, hours(*[(1000, 0)] * 47, (800, 200)), NOW)
    assert (status.verdict, status.severity) == (Verdict.BURNING, Severity.PAGE)
    assert status.reasons[0] == (
        "up: 200 of 1,000 events bad (20 %) in the last 1 h; the error budget burns at 20 times "
        "the even rate (limit 14.4): the budget of 30 d lasts 1.5 d"
    )


def test_a_slow_burn_is_a_ticket() -> None:
    status = evaluate(GOAL, hours(*[(985, 15)] * 72), NOW)
    assert (status.verdict, status.severity) == (Verdict.BURNING, Severity.TICKET)
    assert [one.firing for one in status.burns] == [False, False, False, True]


def test_a_spent_budget_is_told_when_nothing_burns_any_more() -> None:
    status = evaluate(GOAL, hours((100, 900), *[(1000, 0)] * 72), NOW)
    assert (status.verdict, status.severity) == (Verdict.EXHAUSTED, None)
    assert status.reasons == (
        "up: the error budget of 30 d is spent: 900 of 73,000 events bad (1.23 %), 1 % allowed",
    )
    assert status.budget_left == pytest.approx(1 - 900 / 730)

"""Silence of an endpoint: from what has been usual at the same hour of the week."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.hours import WEEK
from monitoring.traffic import (
    KEPT,
    Finding,
    Heard,
    Policy,
    Verdict,
    due,
    hour_of,
    judge,
    moment,
)

POLICY = Policy()
FIRST = 20_000 * 24  # midnight UTC of 2024-10-04
PLAIN = lambda day: False  # noqa: E731


def steady(hours: int, rate: float, seed: int = 1) -> Heard:
    counts = np.random.default_rng(seed).poisson(rate, hours)
    return Heard(FIRST, tuple(map(int, counts)))


def said(heard: Heard, silent: int, policy: Policy = POLICY, zone: str = "UTC") -> Finding:
    last = heard.last
    assert last is not None
    return judge(heard, last + 1 + silent, policy, zone, PLAIN)


def test_twenty_an_hour_fall_silent_within_two_hours() -> None:
    for seed in range(20):
        for weeks in (2, 3, 5):
            found = said(steady(weeks * WEEK, 20, seed), 2)
            assert found.verdict is Verdict.SILENT, (seed, weeks)


def test_a_silence_names_the_last_heard_hour_what_was_expected_and_the_usual_cause() -> None:
    found = said(steady(5 * WEEK, 20), 2)
    assert found.since == moment(FIRST + 5 * WEEK - 1)
    assert found.expected == pytest.approx(40, abs=10)
    ended = moment(FIRST + 5 * WEEK)
    assert found.reason.startswith(f"no request since {ended:%Y-%m-%d %H:%M} UTC, about ")
    assert found.reason.endswith(
        " were expected in 2 h; check the callers: an expired credential is a frequent cause"
    )


def test_traffic_that_goes_on_is_normal() -> None:
    assert said(steady(5 * WEEK, 20), 0).verdict is Verdict.NORMAL


def test_less_than_two_weeks_say_nothing() -> None:
    short = steady(2 * WEEK - 1, 50)
    found = said(short, 30)
    assert found.verdict is Verdict.INSUFFICIENT
    assert found.reason.endswith("weeks long, 2 are needed")
    assert due(short, POLICY, "UTC", PLAIN) is None


def test_nothing_heard_says_nothing() -> None:
    assert judge(Heard(), FIRST, POLICY, "UTC", PLAIN).verdict is Verdict.INSUFFICIENT
    assert due(Heard(FIRST, (0, 0)), POLICY, "UTC", PLAIN) is None


def test_little_traffic_takes_longer_and_very_little_never_tells() -> None:
    assert said(steady(5 * WEEK, 1), 3).verdict is not Verdict.SILENT
    assert said(steady(5 * WEEK, 1), 40).verdict is Verdict.SILENT
    assert due(steady(5 * WEEK, 0.01), POLICY, "UTC", PLAIN) is None


def nights(weeks: int, rate: float) -> Heard:
    """Requests from 8 to 20 only."""
    hours = np.arange(weeks * WEEK)
    open_ = (hours % 24 >= 8) & (hours % 24 < 20)
    counts = np.random.default_rng(5).poisson(rate * open_)
    return Heard(FIRST, tuple(map(int, counts)))


def test_silence_at_night_is_usual_and_in_the_morning_it_is_not() -> None:
    heard = nights(4, 30)
    last = heard.last
    assert last is not None
    until = FIRST + 4 * WEEK
    assert judge(heard, until + 8, POLICY, "UTC", PLAIN).verdict is not Verdict.SILENT
    assert judge(heard, until + 10, POLICY, "UTC", PLAIN).verdict is Verdict.SILENT
    assert due(heard, POLICY, "UTC", PLAIN) in (until + 9, until + 10)


def test_the_day_follows_the_clocks_of_the_zone() -> None:
    zone = "America/New_York"
    first = hour_of(moment(FIRST)) + 4  # midnight in New York before the clocks change
    change = 30 * 24 + 2  # 2024-11-03, 2 o'clock
    local = [i if i < change else i - 1 for i in range(4 * WEEK + 3 * 24)]
    start = first
    counts = tuple(40 if 8 <= hour % 24 < 20 else 0 for hour in local)
    heard = Heard(start, counts)
    last = heard.last
    assert last is not None
    # The morning after the change: one hour later by UTC, at the same local time.
    late = last + 1 + 12
    assert judge(heard, late, POLICY, zone, PLAIN).verdict is not Verdict.SILENT
    assert judge(heard, late + 2, POLICY, zone, PLAIN).verdict is Verdict.SILENT


def test_due_is_where_the_verdict_turns() -> None:
    for rate in (0.5, 3, 20, 500):
        heard = steady(4 * WEEK, rate, 9)
        when, last = due(heard, POLICY, "UTC", PLAIN), heard.last
        assert when is not None
        assert last is not None
        assert judge(heard, when, POLICY, "UTC", PLAIN).verdict is Verdict.SILENT
        if when > last + 2:
            before = judge(heard, when - 1, POLICY, "UTC", PLAIN).verdict
            assert before is not Verdict.SILENT


def test_on_a_day_of_an_event_little_is_expected() -> None:
    heard = steady(4 * WEEK, 20)
    today = moment(FIRST + 4 * WEEK).date()
    last = heard.last
    assert last is not None

    def special(day: date) -> bool:
        return day in (today, today + timedelta(days=1))

    assert judge(heard, last + 3, POLICY, "UTC", PLAIN).verdict is Verdict.SILENT
    assert judge(heard, last + 3, POLICY, "UTC", special).verdict is not Verdict.SILENT
    assert judge(heard, last + 25, POLICY, "UTC", special).verdict is Verdict.SILENT


def test_an_event_of_all_the_weeks_known_lifts_no_silence() -> None:
    heard = steady(4 * WEEK, 20)
    last = heard.last
    assert last is not None
    found = judge(heard, last + 3, POLICY, "UTC", lambda day: True)
    assert found.verdict is Verdict.SILENT
    assert due(heard, POLICY, "UTC", lambda day: True) is not None


def test_what_was_heard_on_days_of_an_event_is_not_what_is_usual() -> None:
    counts = [
        n // 10 if WEEK <= i < 3 * WEEK + 24 else n
        for i, n in enumerate(steady(4 * WEEK, 20).counts)
    ]
    days = {moment(FIRST + i).date() for i in range(WEEK, 3 * WEEK, 24)}
    heard = Heard(FIRST, tuple(counts))
    known = judge(heard, FIRST + 4 * WEEK + 2, POLICY, "UTC", days.__contains__)
    naive = judge(heard, FIRST + 4 * WEEK + 2, POLICY, "UTC", PLAIN)
    assert known.expected is None or known.expected > 2 * (naive.expected or 1)


def test_an_outage_of_the_past_hides_no_other() -> None:
    counts = list(steady(5 * WEEK, 20).counts)
    counts[3 * WEEK : 3 * WEEK + 24] = [0] * 24
    heard = Heard(FIRST, tuple(counts))
    assert said(heard, 2).verdict is Verdict.SILENT
    # At the hours of the outage itself, a week later, the other weeks still say what is usual.
    cut = Heard(FIRST, tuple(counts[: 4 * WEEK]))
    assert said(cut, 3).verdict is Verdict.SILENT


def test_a_caller_that_comes_at_hours_of_chance_is_not_silent_between_them() -> None:
    chance = np.random.default_rng(3)
    counts = chance.poisson(100, 5 * WEEK) * (chance.random(5 * WEEK) < 0.3)
    counts[-1] = 100
    heard = Heard(FIRST, tuple(map(int, counts)))
    assert said(heard, 8).verdict is not Verdict.SILENT
    assert said(heard, 72).verdict is Verdict.SILENT


def test_half_of_the_callers_gone_is_quiet() -> None:
    heard = steady(4 * WEEK, 100)
    counts = (*heard.counts, 20, 21, 19)
    found = said(Heard(FIRST, counts), 0)
    assert found.verdict is Verdict.QUIET
    assert found.reason.startswith("60 requests in the 3 h up to ")


def test_traffic_that_is_back_is_not_quiet_for_the_hours_it_was_away() -> None:
    heard = Heard(FIRST, (*steady(4 * WEEK, 100).counts, 0, 0, 104))
    assert said(heard, 0).verdict is Verdict.NORMAL


@given(st.lists(st.tuples(st.integers(0, 3 * KEPT), st.integers(0, 9)), max_size=30))
def test_the_order_in_which_hours_within_the_bound_are_heard_is_all_one(
    found: list[tuple[int, int]],
) -> None:
    newest = max((hour for hour, _ in found), default=0)
    recent = [(hour, count) for hour, count in found if hour > newest - KEPT]
    one, other = Heard(), Heard()
    for hour, count in recent:
        one = one.plus({hour: count})
    for hour, count in reversed(recent):
        other = other.plus({hour: count})
    assert one == other
    assert sum(one.counts) == sum(count for _, count in recent)
    assert len(one.counts) <= KEPT


def test_hours_out_of_the_bound_are_let_go() -> None:
    heard = Heard(FIRST, (5,)).plus({FIRST + KEPT: 7})
    assert (heard.first, len(heard.counts), sum(heard.counts)) == (FIRST + 1, KEPT, 7)
    assert heard.plus({FIRST: 9}) == heard
    assert heard.plus({}) is heard

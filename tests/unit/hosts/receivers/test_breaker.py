"""A receiver that failed is spared for a while, then tried once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hosts.receivers.breaker import LONGEST, Breaker

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_a_receiver_is_admitted_until_it_fails_and_again_when_its_delay_is_over() -> None:
    breaker = Breaker()
    assert breaker.admit("ops", NOW) is None
    breaker.failed("ops", "HTTP 503", 30 * SECOND, NOW)
    trip = breaker.admit("ops", NOW + 29 * SECOND)
    assert trip is not None
    assert (trip.reason, trip.until) == ("HTTP 503", NOW + 30 * SECOND)
    assert breaker.admit("night", NOW) is None
    assert breaker.admit("ops", NOW + 30 * SECOND) is None


def test_one_trial_is_admitted_even_if_nobody_tells_how_it_ended() -> None:
    breaker = Breaker()
    breaker.failed("ops", "HTTP 503", 30 * SECOND, NOW)
    later = NOW + 40 * SECOND
    assert breaker.admit("ops", later) is None
    assert breaker.admit("ops", later) is not None
    assert breaker.admit("ops", later + 30 * SECOND) is None


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (0, [10, 20, 40, 80, 96, 96]),
        (30, [30, 60, 96, 96]),
        (60, [60, 96]),
        (96, [96, 96]),
        (3600, [96, 96]),
        (10**9, [96]),
    ],
)
def test_the_delay_doubles_up_to_a_bound(asked: int, seconds: list[int]) -> None:
    breaker = Breaker()
    now = NOW
    for delay in seconds:
        assert breaker.admit("ops", now) is None
        breaker.failed("ops", "why", asked * SECOND, now)
        trip = breaker.admit("ops", now)
        assert trip is not None
        assert trip.until - now == delay * SECOND <= LONGEST
        now = trip.until


def test_an_answer_ends_the_delay_and_the_count() -> None:
    breaker = Breaker()
    for _ in range(3):
        breaker.failed("ops", "why", 30 * SECOND, NOW)
    breaker.answered("ops")
    assert breaker.admit("ops", NOW) is None
    breaker.failed("ops", "why", 30 * SECOND, NOW)
    trip = breaker.admit("ops", NOW)
    assert trip is not None
    assert trip.until == NOW + 30 * SECOND


def test_a_clock_that_is_set_back_does_not_extend_the_delay() -> None:
    breaker = Breaker()
    breaker.failed("ops", "why", 30 * SECOND, NOW)
    assert breaker.admit("ops", NOW - timedelta(hours=1)) is None

"""What is usual at an hour of the week: medians of the weeks before, and how far they spread."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.stats import poisson

from monitoring.hours import WEEK, History, Rules

RULES = Rules(weeks=5, min_weeks=2, event_share=0.1)
FIRST = 20_000 * 24
DAY_ONE = date(1970, 1, 1) + timedelta(days=20_000)
PLAIN = lambda day: False  # noqa: E731


def test_the_usual_is_the_median_of_the_same_hours_in_the_weeks_before() -> None:
    """At the same hour of three weeks: 10, 30, 20, and 5 at every other hour."""
    counts = [5] * (3 * WEEK)
    counts[0], counts[WEEK], counts[2 * WEEK] = 10, 30, 20
    history = History(FIRST, counts, RULES, "UTC", PLAIN)
    end = FIRST + 3 * WEEK
    assert (history.weeks, history.last) == (3, end - 1)
    assert history.fewer(end + 1, 1, 0)[1] == 20
    assert history.fewer(end + 3, 3, 0)[1] == 30


def test_fewer_weeks_than_needed_say_nothing() -> None:
    history = History(FIRST, [20] * WEEK, RULES, "UTC", PLAIN)
    assert history.fewer(FIRST + WEEK + 2, 2, 0) == (1.0, 0.0)
    assert history.silence(2) == (1.0, 0.0)


def test_a_chance_is_never_less_than_that_of_poissons_law() -> None:
    """What spreads more than Poisson's has a longer lower tail."""
    counts = np.random.default_rng(1).poisson(30, 5 * WEEK).tolist()
    history = History(FIRST, counts, RULES, "UTC", PLAIN)
    for length, count in ((1, 15), (2, 40), (3, 80)):
        chance, expected = history.fewer(FIRST + 5 * WEEK + length, length, count)
        assert expected == pytest.approx(30 * length, rel=0.3)
        assert poisson.cdf(count, expected) < chance < 1


def test_a_day_of_an_event_has_its_share_of_the_usual() -> None:
    counts = [20] * (4 * WEEK)
    event = DAY_ONE + timedelta(weeks=4)
    history = History(FIRST, counts, RULES, "UTC", lambda day: day == event)
    assert history.fewer(FIRST + 4 * WEEK + 2, 2, 0)[1] == pytest.approx(4)
    assert history.fewer(FIRST + 4 * WEEK + 26, 2, 0)[1] == pytest.approx(40)


def test_an_hour_that_comes_twice_is_the_mean_of_both() -> None:
    """2024-11-03 in New York: 1 o'clock comes at 5 and at 6 UTC, hour 30 · 24 + 5 from FIRST."""
    first = FIRST + 4
    counts = [8] * (5 * WEEK)
    counts[30 * 24 + 1], counts[30 * 24 + 2] = 10, 30
    history = History(first, counts, RULES, "America/New_York", PLAIN)
    assert len(history.values) == 5 * WEEK - 1
    assert history.values[30 * 24 + 1] == 20

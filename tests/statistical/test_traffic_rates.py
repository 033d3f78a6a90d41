"""How often an endpoint that is not silent is said to be, and how soon one that is.

Streams with a daily and a weekly season: Poisson, with a level of each hour's own, and with one
that all hours of a day share. A claim is refuted when more happens than its binomial allows once in
a million.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from monitoring.hours import WEEK
from monitoring.traffic import Heard, Policy, Verdict, judge

POLICY = Policy()
RARE = 1e-6
FIRST = 20_000 * 24
WARM = 2 * WEEK
STREAMS = {
    "poisson": (0.0, 0.0),
    "bursts": (0.3, 0.0),
    "busy days": (0.0, 0.1),
    "both": (0.2, 0.1),
}
#: Hours in which at least 19 of 20 silences are found: what varies more takes longer.
WITHIN = {"poisson": 2, "busy days": 2, "bursts": 3, "both": 4}


def stream(
    chance: np.random.Generator, weeks: int, rate: float, hourly: float, daily: float
) -> np.ndarray:
    """Requests by hour; `hourly` and `daily` are squared coefficients of variation."""
    hour = np.arange(weeks * WEEK)
    season = 1 + 0.6 * np.sin(2 * np.pi * (hour % 24 - 9) / 24)
    season *= np.where(hour // 24 % 7 >= 5, 0.5, 1.0)
    level = np.ones(len(hour))
    if hourly:
        level *= chance.gamma(1 / hourly, hourly, len(hour))
    if daily:
        level *= np.repeat(chance.gamma(1 / daily, daily, weeks * 7), 24)
    return chance.poisson(rate * season * level)


def false_pages(counts: np.ndarray) -> tuple[int, int]:
    """Silences that were told, and hours looked at: from two weeks of history on, to the end."""
    pages = looked = 0
    silent = False
    for until in range(WARM, len(counts) + 1):
        looked += 1
        if counts[until - 1]:
            silent = False
            continue
        heard = Heard(FIRST, tuple(map(int, counts[:until])))
        found = judge(heard, FIRST + until, POLICY, "UTC", lambda day: False)
        now = found.verdict is Verdict.SILENT
        pages += now and not silent
        silent = now
    return pages, looked


def at_most(count: int, tries: int, rate: float) -> None:
    assert count <= binom.ppf(1 - RARE, tries, rate), f"{count} of {tries}"


def check(name: str, rate: float, streams: int, weeks: int = 8) -> None:
    hourly, daily = STREAMS[name]
    chance = np.random.default_rng([11, int(10 * rate)])
    pages = looked = 0
    for _ in range(streams):
        found = false_pages(stream(chance, weeks, rate, hourly, daily))
        pages, looked = pages + found[0], looked + found[1]
    print(f"{name} at {rate:g}/h: {pages} pages in {looked} h")
    at_most(pages, looked, 1e-3)


def missed(name: str, rate: float, streams: int, within: int) -> tuple[int, int]:
    """Silences at any hour of which at least `rate` is usual that were not told in time."""
    hourly, daily = STREAMS[name]
    chance = np.random.default_rng([13, int(10 * rate)])
    lost = 0
    for _ in range(streams):
        # The season is 0.2 to 1.6 times the mean: begin where at least `rate` is usual.
        counts = stream(chance, 5, rate, hourly, daily)
        ends = len(counts) - 3 * 24 + int(chance.integers(9, 18))
        counts = counts[: max(ends, WARM)]
        heard = Heard(FIRST, (*map(int, counts[:-1]), max(int(counts[-1]), 1)))
        until = FIRST + len(counts) + within
        found = judge(heard, until, POLICY, "UTC", lambda day: False)
        lost += found.verdict is not Verdict.SILENT
    return lost, streams


def found_in_time(name: str, streams: int) -> None:
    lost, tries = missed(name, 20.0, streams, WITHIN[name])
    print(f"{name}: {lost} of {tries} not found within {WITHIN[name]} h")
    at_most(lost, tries, 0.05)


@pytest.mark.parametrize("name", STREAMS)
def test_a_sample_of_streams_is_hardly_ever_said_to_be_silent(name: str) -> None:
    check(name, 5.0, 2)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [1.0, 3.0, 10.0, 20.0])
@pytest.mark.parametrize("name", STREAMS)
def test_streams_are_hardly_ever_said_to_be_silent(name: str, rate: float) -> None:
    check(name, rate, 20)


@pytest.mark.parametrize("name", WITHIN)
def test_a_sample_of_silences_of_twenty_an_hour_is_found_in_time(name: str) -> None:
    found_in_time(name, 40)


@pytest.mark.slow
@pytest.mark.parametrize("name", WITHIN)
def test_silences_of_twenty_an_hour_are_found_in_time(name: str) -> None:
    found_in_time(name, 400)

"""Rates of the canary judge on simulated traffic, held to exact binomial bounds.

A canary of 10 % is looked at once a minute for two hours. Requests are Poisson, bad events binomial
per arm, drawn here with numpy only. A rate claimed to be at most α is refuted when more replicates
offend than a binomial(replicates, α) exceeds once in a million.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy.stats import binom

from retrain.rollout.judge import Guard, Interval, Policy, update

POLICY = Policy()
LOOKS = 120
SHARE = 0.1
RARE = 1e-6
Traffic = Callable[[np.random.Generator], Iterator[Interval]]


def steady(per_minute: float, rate: float, psi: float, share: float = SHARE) -> Traffic:
    def generate(rng: np.random.Generator) -> Iterator[Interval]:
        n_c = rng.poisson(per_minute * share, LOOKS)
        n_s = rng.poisson(per_minute * (1 - share), LOOKS)
        yield from arms(n_c, n_s, rng.binomial(n_c, rate * psi), rng.binomial(n_s, rate))

    return generate


def incident(per_minute: float, rate: float) -> Traffic:
    """Both arms suffer a shared outage of 20 minutes with twenty times the errors."""

    def generate(rng: np.random.Generator) -> Iterator[Interval]:
        rates = np.full(LOOKS, rate)
        begin = int(rng.integers(0, LOOKS - 20))
        rates[begin : begin + 20] *= 20
        n_c = rng.poisson(per_minute * SHARE, LOOKS)
        n_s = rng.poisson(per_minute * (1 - SHARE), LOOKS)
        yield from arms(n_c, n_s, rng.binomial(n_c, rates), rng.binomial(n_s, rates))

    return generate


def scattered(per_minute: float, rate: float, sd: float) -> Traffic:
    """Each arm's rate wobbles on its own from minute to minute, as with retries and hot keys."""

    def generate(rng: np.random.Generator) -> Iterator[Interval]:
        wobble = rng.lognormal(-sd * sd / 2, sd, (2, LOOKS))
        n_c = rng.poisson(per_minute * SHARE, LOOKS)
        n_s = rng.poisson(per_minute * (1 - SHARE), LOOKS)
        bad_c, bad_s = rng.binomial(n_c, rate * wobble[0]), rng.binomial(n_s, rate * wobble[1])
        yield from arms(n_c, n_s, bad_c, bad_s)

    return generate


def arms(
    n_c: np.ndarray, n_s: np.ndarray, bad_c: np.ndarray, bad_s: np.ndarray
) -> Iterator[Interval]:
    for a, b, x, y in zip(n_c, n_s, bad_c, bad_s, strict=True):
        yield Interval(int(a), int(b), int(x + y), int(x))


def first(
    traffic: Traffic, replicates: int, wanted: str, seed: int, spread: float = 1.0
) -> np.ndarray:
    """The look at which each replicate was first `wanted`, 0 where it never was."""
    looks = np.zeros(replicates, dtype=int)
    for i, rng in enumerate(np.random.default_rng(seed).spawn(replicates)):
        guard = Guard("errors", powered=True, dispersion=spread)
        for look, interval in enumerate(traffic(rng), start=1):
            guard = update(guard, interval, POLICY)
            if getattr(guard, wanted):
                looks[i] = look
                break
    return looks


def assert_at_most(looks: np.ndarray, rate: float) -> None:
    hits, bound = int((looks > 0).sum()), int(binom.ppf(1 - RARE, len(looks), rate))
    print(f"{hits} of {len(looks)}, at most {bound}")
    assert hits <= bound


def assert_at_least(looks: np.ndarray, rate: float) -> None:
    hits, bound = int((looks > 0).sum()), int(binom.ppf(RARE, len(looks), rate))
    print(f"{hits} of {len(looks)}, at least {bound}; median look {np.median(looks[looks > 0])}")
    assert hits >= bound


@pytest.mark.parametrize("per_minute", [6, 60, 600])
def test_a_good_canary_is_seldom_rolled_back(per_minute: int) -> None:
    assert_at_most(first(steady(per_minute, 0.005, 1.0), 200, "rejected", 1), POLICY.alpha)


def test_a_shared_incident_rolls_nobody_back() -> None:
    assert_at_most(first(incident(600, 0.005), 150, "rejected", 2), POLICY.alpha)


def test_twice_the_errors_are_found_at_600_a_minute() -> None:
    assert_at_least(first(steady(600, 0.005, 2.0), 150, "rejected", 3), 0.80)


def test_a_crash_is_found_within_three_minutes_at_60_a_minute() -> None:
    looks = first(steady(60, 0.005, 40.0), 200, "rejected", 4)
    assert_at_least(looks, 0.99)
    assert np.median(looks) <= 4


def test_a_challenger_at_the_margin_is_seldom_cleared() -> None:
    at_margin = steady(600, 0.01, POLICY.margin, share=0.5)
    assert_at_most(first(at_margin, 150, "cleared", 5), POLICY.alpha)


def test_an_equal_challenger_is_cleared() -> None:
    """360 bad events expected on each arm."""
    assert_at_least(first(steady(600, 0.01, 1.0, share=0.5), 100, "cleared", 6), 0.95)


@pytest.mark.slow
@pytest.mark.parametrize("per_minute", [6, 60, 600, 6_000, 60_000])
@pytest.mark.parametrize("psi", [0.7, 1.0])
def test_false_rollbacks_at_every_volume(per_minute: int, psi: float) -> None:
    looks = first(steady(per_minute, 0.005, psi), 1_000, "rejected", 11)
    assert_at_most(looks, POLICY.alpha)


@pytest.mark.slow
@pytest.mark.parametrize("per_minute", [60, 600, 6_000])
@pytest.mark.parametrize("psi", [1.5, 2.0])
def test_false_clearings_at_every_volume(per_minute: int, psi: float) -> None:
    assert_at_most(first(steady(per_minute, 0.005, psi), 1_000, "cleared", 12), POLICY.alpha)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("per_minute", "psi", "power"), [(600, 2.0, 0.85), (6_000, 2.0, 0.999), (60, 40.0, 0.999)]
)
def test_power_at_full_size(per_minute: int, psi: float, power: float) -> None:
    assert_at_least(first(steady(per_minute, 0.005, psi), 1_000, "rejected", 13), power)


@pytest.mark.slow
def test_scatter_between_the_arms_needs_the_dispersion_of_history() -> None:
    """The dispersion is the mean Pearson term of 200 A/A runs, worked out here."""
    noisy = scattered(6_000, 0.005, 0.5)
    terms = []
    for rng in np.random.default_rng(14).spawn(200):
        for i in noisy(rng):
            p = i.n_c / (i.n_c + i.n_s)
            if i.k:
                terms.append((i.x - i.k * p) ** 2 / (i.k * p * (1 - p)))
    spread = float(np.mean(terms))
    assert spread > 1.3
    assert_at_most(first(noisy, 600, "rejected", 15, spread), POLICY.alpha)

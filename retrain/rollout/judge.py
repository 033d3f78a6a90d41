"""The canary judge: a sequential test that keeps its error rate at any number of looks.

Given k bad events among the requests of both arms, X of them on the challenger, and p the
challenger's share of the requests, X is binomial(k, pψ / (1 + p(ψ-1))) when the challenger's bad
rate is ψ times the champion's. The likelihood ratio against "no worse" (ψ = 1) is then

    LR(ψ) = ψ^X / (1 + p(ψ-1))^k

and its mean over a grid of ψ, multiplied over the intervals, is a non-negative martingale under
ψ = 1 and a supermartingale under ψ < 1. By Ville's inequality it ever reaches 1/α with probability
at most α, whatever the number of looks (Ville 1939; Howard et al. 2021; conditioning on k: Lindon
and Malek 2022). Clearing turns the roles round: ψ' below the margin against ψ = margin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import Self

from pydantic import Field, model_validator

import engine.policy
from engine.duration import Duration
from engine.errors import Refused
from engine.policy import ShortText

GRID_POINTS = 24
LOWEST_CLEAR = 0.5


class Policy(engine.policy.Policy):
    """How a challenger is guarded while it takes live traffic."""

    alpha: float = Field(
        0.05,
        ge=1e-6,
        lt=1,
        description="Chance, per guard, that a challenger no worse than the champion is ever "
        "rolled back; the same bound holds for clearing one that is as bad as the margin.",
    )
    psi_low: float = Field(
        1.15,
        ge=1.01,
        le=100,
        description="Smallest ratio of bad rates, challenger to champion, that the judge tests "
        "for. The ψ of the test; not a population stability index.",
    )
    psi_high: float = Field(
        20.0,
        ge=1.01,
        le=1000,
        description="Largest ratio of bad rates, challenger to champion, that the judge tests "
        "for. The ψ of the test; not a population stability index.",
    )
    margin: float = Field(
        1.5,
        ge=1.01,
        le=100,
        description="A guard is cleared by evidence that the challenger's bad rate is below this "
        "multiple of the champion's.",
    )
    min_expected_bad: float = Field(
        13.0,
        ge=0.01,
        le=1e6,
        description="Expected bad events at the champion's rate on the challenger over the whole "
        "rollout, under which a guard is unpowered.",
    )
    warm_up: Duration = Field(
        timedelta(minutes=5),
        description="Time after the challenger's first live request that is left out.",
    )
    guards: tuple[ShortText, ...] = Field(
        ("errors", "latency", "large_loss"),
        min_length=1,
        description="Names of the guards that are watched.",
    )

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.psi_low >= self.psi_high:
            raise ValueError(f"psi_low {self.psi_low:g} is not below psi_high {self.psi_high:g}")
        return self


class Verdict(StrEnum):
    """The verdict of a guard so far."""

    rejected = "rejected"
    cleared = "cleared"
    inconclusive = "inconclusive"
    insufficient = "insufficient"
    unpowered = "unpowered"


@dataclass(frozen=True)
class Interval:
    """Counts of one interval of constant weights.

    `n_c` and `n_s` are the requests of challenger and champion, `k` the bad events of both arms,
    `x` those of the challenger. Real numbers are allowed, so that a plan can use expectations.
    """

    n_c: float
    n_s: float
    k: float
    x: float

    def __post_init__(self) -> None:
        if not (0 <= self.x <= self.n_c and 0 <= self.k - self.x <= self.n_s):
            raise Refused(
                f"interval n_c={self.n_c:g} n_s={self.n_s:g} k={self.k:g} x={self.x:g}: "
                "bad events cannot be negative or more than the requests of their arm"
            )


@dataclass(frozen=True)
class Guard:
    """One guarded metric: running log-likelihood ratios and counts, nothing else.

    `harm[i]` is the running log LR of the i-th ψ of the rejecting grid against ψ = 1, `safe[i]` of
    the clearing grid against the margin. `expected` is the number of bad events expected on the
    challenger at the champion's rate, None when the champion's rate is not known.
    """

    name: str
    expected: float | None = None
    powered: bool = False
    dispersion: float = 1.0
    harm: tuple[float, ...] = (0.0,) * GRID_POINTS
    safe: tuple[float, ...] = (0.0,) * GRID_POINTS
    n_c: float = 0
    n_s: float = 0
    bad_c: float = 0
    bad_s: float = 0
    rejected: bool = False
    cleared: bool = False


def psi_grid(policy: Policy) -> tuple[float, ...]:
    """The ratios that rejecting mixes over, log-spaced from `psi_low` to `psi_high`."""
    return _log_spaced(policy.psi_low, policy.psi_high)


def clear_grid(policy: Policy) -> tuple[float, ...]:
    """The ratios that clearing mixes over, log-spaced from 0.5 to just below the margin."""
    return _log_spaced(LOWEST_CLEAR, policy.margin / policy.psi_low)


def evidence(log_ratios: Sequence[float]) -> float:
    """log E of an even mixture, by log-sum-exp so that no product overflows.

    >>> round(evidence([0.0, math.log(3.0)]), 12) == round(math.log(2.0), 12)
    True
    """
    top = max(log_ratios)
    total = math.fsum(math.exp(value - top) for value in log_ratios)
    return top + math.log(total / len(log_ratios))


def update(guard: Guard, interval: Interval, policy: Policy) -> Guard:
    """The guard after one more interval; both latches stay once set.

    An interval without requests of one arm, or without a bad event, changes no accumulator: with
    n_s = 0, n_c = 0 or k = 0 every ratio is exactly 1.
    """
    counted = replace(
        guard,
        n_c=guard.n_c + interval.n_c,
        n_s=guard.n_s + interval.n_s,
        bad_c=guard.bad_c + interval.x,
        bad_s=guard.bad_s + interval.k - interval.x,
    )
    if interval.k == 0:
        return counted
    (base,) = _log_likelihoods((policy.margin,), interval)
    worse = _log_likelihoods(psi_grid(policy), interval)
    better = _log_likelihoods(clear_grid(policy), interval)
    harm = tuple(
        total + ratio / guard.dispersion for total, ratio in zip(guard.harm, worse, strict=True)
    )
    safe = tuple(
        total + (ratio - base) / guard.dispersion
        for total, ratio in zip(guard.safe, better, strict=True)
    )
    bar = -math.log(policy.alpha)
    return replace(
        counted,
        harm=harm,
        safe=safe,
        rejected=guard.rejected or evidence(harm) >= bar,
        cleared=guard.cleared or evidence(safe) >= bar,
    )


def powered(expected_baseline_bad_total: float | None, policy: Policy) -> bool:
    """Whether a guard can reach a verdict; not when the champion's rate is unknown."""
    return (
        expected_baseline_bad_total is not None
        and expected_baseline_bad_total >= policy.min_expected_bad
    )


def verdict(guard: Guard) -> Verdict:
    """The guard's verdict; a rejection holds for an unpowered guard too, and over a clearing.

    An unpowered guard may miss harm, but harm that it finds is as certain as with any other guard:
    a challenger that crashes is rolled back even where errors are very rare.
    """
    if guard.rejected:
        return Verdict.rejected
    if not guard.powered:
        return Verdict.unpowered
    if guard.cleared:
        return Verdict.cleared
    return Verdict.inconclusive if guard.bad_c + guard.bad_s > 0 else Verdict.insufficient


def dispersion(history: Sequence[Interval]) -> float:
    """Pearson dispersion of intervals in which both arms ran the same model (A/A), at least 1.

    Dividing log ratios by it keeps the error rate: E[LR^(1/d)] <= E[LR]^(1/d) <= 1 for d >= 1.
    Intervals in which X cannot vary are left out; 1 when none remains.
    """
    terms = []
    for interval in history:
        n = interval.n_c + interval.n_s
        p = interval.n_c / n if n else 0.0
        if (variance := interval.k * p * (1 - p)) > 0:
            terms.append((interval.x - interval.k * p) ** 2 / variance)
    return max(1.0, math.fsum(terms) / len(terms)) if terms else 1.0


@cache
def _log_spaced(low: float, high: float) -> tuple[float, ...]:
    ratio = math.log(high / low) / (GRID_POINTS - 1)
    return tuple(low * math.exp(i * ratio) for i in range(GRID_POINTS))


def _log_likelihoods(grid: tuple[float, ...], interval: Interval) -> list[float]:
    p, k, x = interval.n_c / (interval.n_c + interval.n_s), interval.k, interval.x
    log, log1p = math.log, math.log1p
    return [x * log(psi) - k * log1p(p * (psi - 1)) for psi in grid]

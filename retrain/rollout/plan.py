"""The power of a canary at the present traffic, computed before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from retrain.rollout.judge import Guard, Interval, Policy, powered, update

STEPS_PER_STAGE = 96


@dataclass(frozen=True)
class Expectation:
    """A guard's bad rate on the champion so far, None when unknown, and its A/A dispersion."""

    guard: str
    bad_rate: float | None
    dispersion: float = 1.0


@dataclass(frozen=True)
class Exposure:
    """One canary stage: whole percent of the traffic on the challenger, for how long."""

    weight: int
    hold: timedelta


@dataclass(frozen=True)
class Outlook:
    """The expected power of one guard.

    `clears_after`: live time until a challenger just as good as the champion is cleared;
    `finds_double_after`: until one with twice the bad rate is rejected. Both follow the expected
    counts, so about half of the rollouts need longer; None when the rollout is too short.
    """

    guard: str
    expected_bad: float | None
    powered: bool
    dispersion: float
    clears_after: timedelta | None
    finds_double_after: timedelta | None
    reason: str


@dataclass(frozen=True)
class Plan:
    """The outlook of every guard over `requests_per_hour` and the stages given."""

    requests_per_hour: float
    outlooks: tuple[Outlook, ...]

    def guards(self) -> tuple[Guard, ...]:
        """Fresh guards, each with its expected bad events, its power and its dispersion."""
        return tuple(
            Guard(o.guard, o.expected_bad, o.powered, max(1.0, o.dispersion)) for o in self.outlooks
        )

    def reason(self) -> str:
        """All outlooks in one line."""
        told = [f"{outlook.guard}: {outlook.reason}" for outlook in self.outlooks]
        if not any(outlook.powered for outlook in self.outlooks):
            told.append("no guard is powered, so this rollout cannot end in a promotion")
        return "; ".join(told)


def plan(
    expectations: Sequence[Expectation],
    requests_per_hour: float,
    stages: Sequence[Exposure],
    policy: Policy,
) -> Plan:
    """The outlook of every guard at this traffic over these stages, the warm-up left out."""
    exposed = _after_warm_up(stages, policy.warm_up)
    outlooks = tuple(_outlook(e, requests_per_hour, exposed, policy) for e in expectations)
    return Plan(requests_per_hour, outlooks)


def _after_warm_up(stages: Sequence[Exposure], warm_up: timedelta) -> tuple[Exposure, ...]:
    left = []
    for stage in stages:
        lost = min(warm_up, stage.hold)
        warm_up -= lost
        left.append(Exposure(stage.weight, stage.hold - lost))
    return tuple(left)


def _outlook(
    expectation: Expectation, per_hour: float, stages: tuple[Exposure, ...], policy: Policy
) -> Outlook:
    name, rate, spread = expectation.guard, expectation.bad_rate, expectation.dispersion
    if rate is None:
        reason = "unpowered, the champion's rate of bad events is not known yet"
        return Outlook(name, None, False, spread, None, None, reason)
    hours = [stage.hold / timedelta(hours=1) for stage in stages]
    on_challenger = sum(h * s.weight / 100 for h, s in zip(hours, stages, strict=True))
    expected = rate * per_hour * on_challenger
    fresh = Guard(name, expected, powered(expected, policy), max(1.0, spread))
    found = _first(fresh, 2.0, rate * per_hour, per_hour, stages, policy)
    if not fresh.powered:
        reason = (
            f"unpowered, {expected:.1f} bad events expected on the challenger, "
            f"{policy.min_expected_bad:g} are needed"
        )
        return Outlook(name, expected, False, spread, None, found, reason)
    clears = _first(fresh, 1.0, rate * per_hour, per_hour, stages, policy)
    reason = (
        f"{expected:.0f} bad events expected on the challenger; expected time to clear an equal "
        f"challenger {_when(clears)}, to reject one with twice the bad rate {_when(found)}"
    )
    return Outlook(name, expected, True, spread, clears, found, reason)


def _first(
    guard: Guard,
    psi: float,
    bad_per_hour: float,
    per_hour: float,
    stages: tuple[Exposure, ...],
    policy: Policy,
) -> timedelta | None:
    """Live time until expected counts at ratio `psi` clear (psi = 1) or reject (psi > 1)."""
    passed = timedelta(0)
    for stage in stages:
        step = stage.hold / STEPS_PER_STAGE
        hours, share = step / timedelta(hours=1), stage.weight / 100
        n_c, n_s = per_hour * hours * share, per_hour * hours * (1 - share)
        x = min(n_c, bad_per_hour * hours * share * psi)
        interval = Interval(n_c, n_s, x + bad_per_hour * hours * (1 - share), x)
        for _ in range(STEPS_PER_STAGE):
            guard = update(guard, interval, policy)
            passed += step
            if guard.rejected if psi > 1 else guard.cleared:
                return passed
    return None


def _when(after: timedelta | None) -> str:
    if after is None:
        return "longer than this rollout"
    hours = after / timedelta(hours=1)
    return f"{hours / 24:.1f} d" if hours >= 48 else f"{hours:.1f} h"

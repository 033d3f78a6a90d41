"""Rollouts at every phase, and the observations that lead them there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from retrain import gate
from retrain.ports import Traffic
from retrain.rollout import judge
from retrain.rollout.judge import Interval
from retrain.rollout.plan import Expectation
from retrain.rollout.stages import Policy, Rules
from retrain.rollout.state import (
    Abort,
    Approve,
    ChampionGone,
    Elapsed,
    Ended,
    Evidence,
    Observation,
    Outset,
    Phase,
    Rollout,
    SetTraffic,
    ShadowEvidence,
    Step,
)
from retrain.rollout.step import start, step

T = datetime(2013, 7, 1, tzinfo=UTC)
DAY = timedelta(days=1)
RULES = Rules(
    Policy(), judge.Policy(guards=("errors", "large_loss"), warm_up=timedelta(0)), gate.Policy()
)
RATES = (Expectation("errors", 0.001), Expectation("large_loss", 0.1))
OUTSET = Outset("v1", RATES, 80.0)
WAITING = Rollout("ro-1", "v2", "v1", T, need=gate.Need(degraded=True))
WAIVED = replace(WAITING, waived_by="ann")
GOOD, CRASH = (0.1, 0.1), (0.1, 0.9)


def begin(rollout: Rollout = WAITING, rules: Rules = RULES, frozen: bool = False) -> Step:
    return start(rollout, OUTSET, rules, T, frozen=frozen)


def shadow(difference: float, through: datetime = T + 7 * DAY, days: int = 7) -> ShadowEvidence:
    first = date(2013, 7, 1)
    wobble = (0.001, -0.001, 0.002, -0.002, 0.0, 0.001, -0.001)
    rows = [
        gate.DayLoss(first + i * DAY, 900, 900 * (difference + wobble[i]), 162.0)
        for i in range(days)
    ]
    return ShadowEvidence(tuple(rows), through)


def counts(
    start_: datetime,
    weight: int,
    rates: tuple[float, float] = GOOD,
    guard: str = "large_loss",
    span: timedelta = DAY,
) -> Evidence:
    """What `rates` (champion's, challenger's bad rate) give on average in one interval."""
    n = 2000 * (span / DAY)
    n_c, n_s = n * weight / 100, n * (100 - weight) / 100
    x = n_c * rates[1]
    where = f"{start_:%m%dT%H}"
    return Evidence(guard, where, start_, start_ + span, Interval(n_c, n_s, x + n_s * rates[0], x))


def play(
    rollout: Rollout,
    *line: tuple[datetime, Observation],
    rules: Rules = RULES,
    frozen: bool = False,
) -> Rollout:
    for now, seen in line:
        rollout = step(rollout, seen, rules, now, frozen=frozen).rollout
    return rollout


CANARY = begin(WAIVED).rollout
FIRST_DAY = (T + DAY, counts(T, 10))
SECOND = play(CANARY, FIRST_DAY, (T + 2 * DAY, counts(T + DAY, 10)))
BAKE = play(
    SECOND,
    (T + 3 * DAY, counts(T + 2 * DAY, 50)),
    (T + 4 * DAY, counts(T + 3 * DAY, 50)),
)


def outcome(done: Step) -> tuple[Phase, Traffic | None]:
    (end,) = [effect for effect in done.effects if isinstance(effect, Ended)]
    splits = [effect.traffic for effect in done.effects if isinstance(effect, SetTraffic)]
    assert end.outcome is done.rollout.phase
    return end.outcome, splits[-1] if splits else None


def starts() -> Iterator[Rollout]:
    yield from (WAITING, begin().rollout, CANARY, SECOND, BAKE)
    yield play(begin().rollout, (T + 6 * DAY, shadow(-0.01)))


def observations() -> Iterator[Observation]:
    yield from (Elapsed(), Approve("ann"), Abort("ann", "enough"))
    yield from (ChampionGone("v9"), shadow(-0.01), shadow(0.05))
    for day, weight in enumerate((10, 10, 50, 50)):
        yield counts(T + day * DAY, weight)
        yield replace(counts(T + day * DAY, weight, CRASH), id="crash")

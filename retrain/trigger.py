"""Decide when to train a challenger, and give the reason when not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

import engine.policy
from engine.duration import Duration
from retrain.cost import Estimate


class Kind(StrEnum):
    """The reasons to train, in order of priority."""

    operator = "operator"
    performance = "performance"
    drift = "drift"
    event = "event"
    staleness = "staleness"
    schedule = "schedule"


class DriftOf(StrEnum):
    """The drift that starts a training."""

    features = "features"
    score = "score"
    either = "either"


class Policy(engine.policy.Policy):
    """Reasons to start a training, and limits that hold it back except for an operator's."""

    performance: bool = Field(True, description="Train when performance is degraded.")
    drift: DriftOf | None = Field(
        DriftOf.score,
        description="Train when the score, a feature, or either has drifted; null for never.",
    )
    event: bool = Field(True, description="Train when an outside system asks for it by an event.")
    max_age: Duration | None = Field(
        timedelta(days=180),
        gt=timedelta(0),
        description="Greatest age of the last successful training: a training is started when it "
        "is reached, reported as `staleness`; null for no limit.",
    )
    every: Duration | None = Field(
        None,
        gt=timedelta(0),
        description="Interval of scheduled trainings, from the last successful one: as `max_age`, "
        "but reported as `schedule`; the shorter of the two is reached first. null for no "
        "schedule.",
    )
    cool_down: Duration = Field(
        timedelta(days=7),
        description="Least time between the starts of two trainings.",
    )
    monthly_runs: int = Field(
        4, ge=0, le=1000, description="Trainings per calendar month (UTC) at most."
    )
    monthly_cost: float | None = Field(
        None, ge=0, le=1e9, description="Cost per calendar month (UTC) at most; null for no limit."
    )
    min_new_days: int = Field(
        7, ge=0, le=366, description="Labelled days since the last training that a new one needs."
    )
    event_share: float = Field(
        0.5,
        ge=0.01,
        le=1,
        description="No training is started while announced events cover this share of the recent "
        "days or more: they, and not the model, may explain what is measured.",
    )


@dataclass(frozen=True)
class Fired:
    """One training that was started; its cost is the estimate until the run is metered."""

    at: datetime
    cost: float | None = None


@dataclass(frozen=True)
class State:
    """The trigger's memory: when the last training succeeded, and the starts in the month of the
    newest one, which is last."""

    trained_at: datetime | None = None
    fired: tuple[Fired, ...] = ()


@dataclass(frozen=True)
class Signals:
    """The inputs of a decision.

    `asked_by` names an operator, `event` an outside event that asks for a training. `new_days`
    counts labelled days since the last training. `announced` is the announced event that covers
    the largest share of the recent days, `announced_share` the share that all events cover.
    `active` names the run or rollout under way, `frozen` gives the reason of a freeze.
    """

    degraded: bool = False
    score_drifted: bool = False
    drifted: tuple[str, ...] = ()
    asked_by: str | None = None
    event: str | None = None
    new_days: int = 0
    announced: str | None = None
    announced_share: float = 0.0
    active: str | None = None
    frozen: str | None = None
    estimate: Estimate | None = None


@dataclass(frozen=True)
class Decision:
    """Whether to train; `kind` is the reason that asked for it, None when there is none.

    `again_at` is the time at which a refusal ends without new signals.
    """

    fire: bool
    kind: Kind | None
    reason: str
    again_at: datetime | None = None


def decide(state: State, signals: Signals, policy: Policy, now: datetime) -> Decision:
    """Whether a training starts now.

    A freeze and work under way hold every training. An operator's request passes all other checks:
    cool-down, budget, new days and announced events.
    """
    asked = _asked(state, signals, policy, now)
    if asked is None:
        return Decision(False, None, "no reason to train", _next_by_time(state, policy))
    kind, reason = asked
    if signals.frozen is not None:
        return Decision(False, kind, f"frozen: {signals.frozen} ({reason})")
    if signals.active is not None:
        return Decision(False, kind, f"under way: {signals.active} ({reason})")
    if kind is Kind.operator:
        return Decision(True, kind, reason)
    held = _held(state, signals, policy, now)
    if held is not None:
        why, again_at = held
        return Decision(False, kind, f"{why} ({reason})", again_at)
    return Decision(True, kind, reason)


def record(state: State, now: datetime, cost: float | None) -> State:
    """The state after a training was started at `now`; starts of earlier months are dropped."""
    month = (now.year, now.month)
    kept = tuple(f for f in state.fired if (f.at.year, f.at.month) == month)
    return replace(state, fired=(*kept, Fired(now, cost)))


def trained(state: State, at: datetime) -> State:
    """The state after a training succeeded."""
    return replace(state, trained_at=at)


def _asked(
    state: State, signals: Signals, policy: Policy, now: datetime
) -> tuple[Kind, str] | None:
    if signals.asked_by is not None:
        return Kind.operator, f"asked for by {signals.asked_by}"
    if policy.performance and signals.degraded:
        return Kind.performance, "performance is degraded"
    if policy.drift in (DriftOf.score, DriftOf.either) and signals.score_drifted:
        return Kind.drift, "the score drifted"
    if policy.drift in (DriftOf.features, DriftOf.either) and signals.drifted:
        return Kind.drift, f"features drifted: {', '.join(signals.drifted)}"
    if policy.event and signals.event is not None:
        return Kind.event, f"event: {signals.event}"
    if state.trained_at is None:
        return None
    age = now - state.trained_at
    if policy.max_age is not None and age >= policy.max_age:
        return Kind.staleness, f"the last training is {age.days} days old"
    if policy.every is not None and age >= policy.every:
        return Kind.schedule, f"a training is due every {policy.every.days} days"
    return None


def _held(
    state: State, signals: Signals, policy: Policy, now: datetime
) -> tuple[str, datetime | None] | None:
    if state.fired and now < (rested := state.fired[-1].at + policy.cool_down):
        return f"cool-down until {rested:%Y-%m-%d %H:%M} UTC", rested
    if signals.new_days < policy.min_new_days:
        known = f"{signals.new_days} labelled days since the last training"
        return f"{known}, {policy.min_new_days} are needed", None
    if signals.announced is not None and signals.announced_share >= policy.event_share:
        share = f"{100 * signals.announced_share:.0f} % of the recent days"
        return f"announced events cover {share}, mostly {signals.announced}", None
    return _over_budget(state, signals, policy, now)


def _over_budget(
    state: State, signals: Signals, policy: Policy, now: datetime
) -> tuple[str, datetime] | None:
    month = [f for f in state.fired if (f.at.year, f.at.month) == (now.year, now.month)]
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    renewed = (first + timedelta(days=32)).replace(day=1)
    if len(month) >= policy.monthly_runs:
        used = f"{len(month)} of {policy.monthly_runs} trainings used this month"
        return f"budget: {used}, renewed on {renewed:%Y-%m-%d}", renewed
    if policy.monthly_cost is None:
        return None
    spent = sum(f.cost for f in month if f.cost is not None)
    ahead = signals.estimate.cost if signals.estimate is not None else None
    if spent + (ahead or 0.0) > policy.monthly_cost:
        used = f"{spent:g} spent and {ahead or 0.0:g} estimated of {policy.monthly_cost:g}"
        return f"budget: {used} this month, renewed on {renewed:%Y-%m-%d}", renewed
    return None


def _next_by_time(state: State, policy: Policy) -> datetime | None:
    if state.trained_at is None:
        return None
    spans = [span for span in (policy.max_age, policy.every) if span is not None]
    return state.trained_at + min(spans) if spans else None

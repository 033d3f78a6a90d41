"""When a training starts, and the reason given when it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from retrain.cost import Estimate
from retrain.trigger import (
    DriftOf,
    Fired,
    Kind,
    Policy,
    Signals,
    State,
    decide,
    record,
    trained,
)

NOW = datetime(2013, 6, 26, 6, tzinfo=UTC)
POLICY = Policy()
DEGRADED = Signals(degraded=True, new_days=30)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("signals", "policy", "kind", "reason"),
    [
        (Signals(degraded=True), POLICY, Kind.performance, "performance is degraded"),
        (Signals(score_drifted=True), POLICY, Kind.drift, "the score drifted"),
        (
            Signals(drifted=("temp", "dewp")),
            Policy(drift=DriftOf.features),
            Kind.drift,
            "features drifted: temp, dewp",
        ),
        (Signals(event="new fleet"), POLICY, Kind.event, "event: new fleet"),
        (Signals(), Policy(max_age=50 * DAY), Kind.staleness, "the last training is 60 days old"),
        (Signals(), Policy(every=30 * DAY), Kind.schedule, "a training is due every 30 days"),
        (Signals(asked_by="ann"), POLICY, Kind.operator, "asked for by ann"),
        (
            Signals(degraded=True, score_drifted=True, event="x"),
            POLICY,
            Kind.performance,
            "performance is degraded",
        ),
    ],
)
def test_each_kind_fires(signals: Signals, policy: Policy, kind: Kind, reason: str) -> None:
    decision = decide(State(NOW - 60 * DAY), replace(signals, new_days=30), policy, NOW)
    assert (decision.fire, decision.kind, decision.reason) == (True, kind, reason)


@pytest.mark.parametrize(
    ("signals", "policy"),
    [
        (Signals(degraded=True), Policy(performance=False)),
        (Signals(score_drifted=True), Policy(drift=DriftOf.features)),
        (Signals(drifted=("temp",)), Policy(drift=DriftOf.score)),
        (Signals(score_drifted=True, drifted=("temp",)), Policy(drift=None)),
        (Signals(event="x"), Policy(event=False)),
        (Signals(), Policy(max_age=None)),
    ],
)
def test_what_is_switched_off_does_not_ask(signals: Signals, policy: Policy) -> None:
    decision = decide(State(NOW - 900 * DAY), replace(signals, new_days=30), policy, NOW)
    if policy.max_age is None:
        assert decision.kind is None
        assert decision.reason == "no reason to train"
    else:
        assert decision.kind is Kind.staleness


def rested(days: int) -> State:
    return State(NOW - 60 * DAY, (Fired(NOW - days * DAY),))


@pytest.mark.parametrize(
    ("state", "signals", "policy", "reason"),
    [
        (
            rested(3),
            DEGRADED,
            POLICY,
            "cool-down until 2013-06-30 06:00 UTC (performance is degraded)",
        ),
        (
            State(),
            replace(DEGRADED, new_days=6),
            POLICY,
            "6 labelled days since the last training, 7 are needed (performance is degraded)",
        ),
        (
            State(),
            replace(DEGRADED, announced="furloughs", announced_share=0.5),
            POLICY,
            "announced events cover 50 % of the recent days, mostly furloughs (performance is "
            "degraded)",
        ),
        (
            State(None, (Fired(NOW - 20 * DAY), Fired(NOW - 10 * DAY))),
            DEGRADED,
            Policy(monthly_runs=2),
            "budget: 2 of 2 trainings used this month, renewed on 2013-07-01 (performance is "
            "degraded)",
        ),
        (
            State(None, (Fired(NOW - 10 * DAY, 7.5),)),
            replace(DEGRADED, estimate=Estimate(timedelta(hours=1), 3.0, 4)),
            Policy(monthly_cost=10.0),
            "budget: 7.5 spent and 3 estimated of 10 this month, renewed on 2013-07-01 "
            "(performance is degraded)",
        ),
        (
            State(),
            replace(DEGRADED, frozen="year end"),
            POLICY,
            "frozen: year end (performance is degraded)",
        ),
        (
            State(),
            replace(DEGRADED, active="rollout r-2"),
            POLICY,
            "under way: rollout r-2 (performance is degraded)",
        ),
    ],
)
def test_each_refusal_is_named(state: State, signals: Signals, policy: Policy, reason: str) -> None:
    decision = decide(state, signals, policy, NOW)
    assert not decision.fire
    assert decision.reason == reason
    asked = replace(signals, asked_by="ann")
    held = signals.frozen is not None or signals.active is not None
    assert decide(state, asked, policy, NOW).fire is not held


def test_a_refusal_says_when_time_alone_would_change_it() -> None:
    assert decide(rested(3), DEGRADED, POLICY, NOW).again_at == NOW + 4 * DAY
    spent = State(None, (Fired(NOW - 10 * DAY),))
    assert decide(spent, DEGRADED, Policy(monthly_runs=1), NOW).again_at == datetime(
        2013, 7, 1, tzinfo=UTC
    )
    assert decide(State(NOW), Signals(), Policy(), NOW).again_at == NOW + 180 * DAY
    assert decide(State(), Signals(), Policy(), NOW).again_at is None


def test_december_renews_in_january() -> None:
    december = datetime(2013, 12, 31, 12, tzinfo=UTC)
    spent = State(None, (Fired(december - 10 * DAY),))
    decision = decide(spent, DEGRADED, Policy(monthly_runs=1), december)
    assert decision.again_at == datetime(2014, 1, 1, tzinfo=UTC)
    assert decide(spent, DEGRADED, Policy(monthly_runs=1), december + DAY).fire


def test_silence_fires_nothing() -> None:
    decision = decide(State(), Signals(), POLICY, NOW)
    assert (decision.fire, decision.kind) == (False, None)


def test_the_record_forgets_earlier_months() -> None:
    state = State(None, (Fired(NOW - 60 * DAY, 1.0), Fired(NOW - 10 * DAY, 2.0)))
    assert record(state, NOW, 3.0).fired == (Fired(NOW - 10 * DAY, 2.0), Fired(NOW, 3.0))
    assert trained(state, NOW).trained_at == NOW

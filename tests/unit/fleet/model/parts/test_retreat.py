"""The way back to the champion: whatever holds a rollout up does not hold a retreat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.document.policies import Fleet
from fleet.model.effects import Look, SetTraffic, Tell
from fleet.model.facts import (
    Asked,
    Configured,
    Declined,
    Gated,
    LogGrew,
    Registered,
    RunChanged,
    TrafficSeen,
    TrafficSet,
)
from fleet.model.records import Collection, ObjectiveStatus, TrafficCount
from fleet.model.results import LogRead, Measured
from fleet.model.tasks import Gate
from monitoring.alerts.lifecycle import Kind, Severity, Status
from monitoring.slo.objective import Verdict as Objectively
from retrain.gate import Decision, Verdict
from retrain.ports import JobPhase
from retrain.rollout.state import Phase

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STRIKE = datetime(2024, 3, 11, 12, tzinfo=UTC)
CHAMPION = "champion: v1, baseline: v0"


def confirmed(story: Any) -> Any:
    """Let the newest split that was asked for hold."""
    asked = story.ever(SetTraffic)[-1]
    return story.tell(TrafficSet(asked.key, asked.weights, asked.shadow))


def candidate(story: Any, version: str, **fields: Any) -> Any:
    story.tell(Registered(version, **fields))
    asked = story.ever(Gate)[-1]
    decision = Decision(Verdict.passed, "better")
    return story.tell(Gated(asked.id, version, decision, f"scores-{version}", 0.2))


def begun(fleet: Fleet, telling: Callable[..., Any]) -> Any:
    """A canary of v2, on a day of Berlin's strike; its split is not known to hold yet."""
    story = confirmed(telling(fleet.models["demand"]).begin())
    story.tell(at=STRIKE)
    if story.owed(Look):
        story.tell(TrafficSeen(story.now, {"v1": 100}))
    candidate(story, "v2", waived_by="m.okafor", reason="known well")
    assert story.state.promotion.rollout.phase is Phase.canary
    return story


@pytest.fixture
def under(resolve: Callable[..., Fleet], telling: Callable[..., Any]) -> Callable[[str], Any]:
    def with_policy(policy: str) -> Any:
        return begun(resolve((CHAMPION, f"{CHAMPION}, foreign: {policy}")), telling)

    return with_policy


@pytest.fixture
def canary(under: Callable[[str], Any]) -> Any:
    return under("hold")


def pages(story: Any) -> list[tuple[Status, str]]:
    told = [tell.notice for tell in story.ever(Tell) if tell.notice.kind is Kind.TRAFFIC]
    assert all(notice.severity is Severity.PAGE for notice in told)
    return [(notice.status, notice.reason) for notice in told]


# What holds a rollout up


def _frozen(story: Any) -> None:
    story.tell(Asked("freeze", "e.noether", "launch", "c1", until=story.now + 9 * DAY))


def _announced(story: Any) -> None:
    """The calendar names the day of every story here."""
    policy = story.watched.policy
    assert policy.calendar == "berlin"


def _exhausted(story: Any) -> None:
    spent = ObjectiveStatus("fast", Objectively.EXHAUSTED, True, ("14 times too fast",), 0.5, -4.0)
    story.tell(Measured(story.now, "history", (spent,)))


def _unset(story: Any) -> None:
    """The split of the canary is on its way: its deployment cannot be made."""


def _refused(story: Any) -> None:
    story.tell(Declined("set_traffic", story.ever(SetTraffic)[-1].key, "deployment v2 failed"))


def _unseen(story: Any) -> None:
    confirmed(story)
    story.tell(after=6 * HOUR)
    story.tell(Declined("look", story.owed(Look)[0].key, "endpoint: 403"))


def _gone(story: Any) -> None:
    confirmed(story)
    story.tell(after=6 * HOUR)
    story.tell(TrafficSeen(story.owed(Look)[0].at, {"v2": 100}))


def _dark(story: Any) -> None:
    confirmed(story)
    story.tell(after=6 * HOUR)
    story.tell(TrafficSeen(story.owed(Look)[0].at, {}))


def _training(story: Any) -> None:
    story.tell(Asked("retrain", "g.hopper", "", "c1"))
    story.tell(RunChanged("demand-run-1", JobPhase.failed, reason="no quota"), after=HOUR)


def _waiting(story: Any) -> None:
    candidate(story, "v3")


HOLDS = {
    "a freeze": _frozen,
    "a calendar": _announced,
    "a spent error budget": _exhausted,
    "a split on its way": _unset,
    "a refused split": _refused,
    "a refused look": _unseen,
    "a champion missing from the last look": _gone,
    "no traffic at all": _dark,
    "a training that failed": _training,
    "another version that waits": _waiting,
}


@pytest.mark.parametrize("hold", HOLDS.values(), ids=HOLDS)
def test_an_operators_retreat_is_owed_at_once(canary: Any, hold: Callable[[Any], None]) -> None:
    hold(canary)
    pending = canary.state.traffic.wanted
    canary.tell(Asked("rollback", "g.hopper", "customers complain", "c9"))
    ended = canary.state.promotion.rollouts
    assert [line["phase"] for line in canary.said("rollout")][-1 - (ended > 1)] == "rolled_back"
    back = canary.owed(SetTraffic)[0]
    assert (back.weights, back.retreat, back.lane) == ({"v1": 100}, True, "retreat")
    assert back.replaces == ((pending.key,) if pending.owed else ())


@pytest.mark.parametrize(
    "hold", ["a freeze", "a calendar", "a spent error budget", "a split on its way"]
)
def test_harm_takes_the_traffic_back_at_once(canary: Any, hold: str) -> None:
    canary.tell(after=HOUR)
    HOLDS[hold](canary)
    start = canary.now
    canary.tell(after=HOUR)
    counts = (
        TrafficCount("v2", start, canary.now, 200, 100, 0),
        TrafficCount("v1", start, canary.now, 800, 8, 0),
    )
    canary.tell(LogGrew("traffic/log", 5, Collection.traffic))
    canary.tell(LogRead("traffic/log", 0, 5, 5, (), counts))
    assert canary.state.promotion.rollout.phase is Phase.rolled_back
    assert canary.owed(SetTraffic)[0].retreat


def test_what_moves_ahead_is_no_retreat_and_keeps_its_lane(canary: Any) -> None:
    for asked in canary.ever(SetTraffic):
        assert (asked.retreat, asked.lane) == (False, "traffic")


def test_a_split_after_an_unpaid_retreat_replaces_it(canary: Any) -> None:
    """The retreat may be paid late, when the next rollout has begun."""
    first = canary.ever(SetTraffic)[-1]
    canary.tell(Asked("rollback", "g.hopper", "customers complain", "c1"))
    back = canary.ever(SetTraffic)[-1]
    candidate(canary, "v3", waived_by="m.okafor", reason="known well")
    ahead = canary.ever(SetTraffic)[-1]
    assert ahead.weights == {"v1": 80, "v3": 20}
    assert ahead.replaces == (first.key, back.key)
    # What was replaced says nothing about what holds now.
    canary.tell(TrafficSet(back.key, {"v1": 100}))
    assert canary.state.traffic.wanted.owed


# What is told


@pytest.mark.parametrize("state", ["failed", "scaling", "updating"])
def test_a_champion_that_takes_the_traffic_back_in_a_bad_state_pages(
    canary: Any, state: str
) -> None:
    canary.tell(Asked("rollback", "g.hopper", "customers complain", "c1"))
    back = canary.ever(SetTraffic)[-1]
    unready = f"deployment v1 is {state}"
    canary.tell(TrafficSet(back.key, {"v1": 100}, unready=unready))
    said = f"the traffic is back at the champion, although {unready}"
    assert pages(canary) == [(Status.FIRING, said)]
    assert canary.said("traffic")[-1]["unready"] == unready
    canary.tell(after=6 * HOUR)
    canary.tell(TrafficSeen(canary.owed(Look)[0].at, {"v1": 100}, unready=unready))
    assert canary.state.alerting.signals["unready"].active
    canary.tell(after=6 * HOUR)
    canary.tell(TrafficSeen(canary.owed(Look)[0].at, {"v1": 100}))
    assert not canary.state.alerting.signals["unready"].active


def test_a_live_deployment_that_scales_is_no_news(canary: Any) -> None:
    asked = canary.ever(SetTraffic)[-1]
    canary.tell(TrafficSet(asked.key, asked.weights, unready="deployment v1 is scaling"))
    canary.tell(after=6 * HOUR)
    seen = TrafficSeen(canary.owed(Look)[0].at, asked.weights, unready="deployment v1 is updating")
    canary.tell(seen)
    assert pages(canary) == []


def test_a_retreat_that_no_service_takes_pages_until_it_is_set(canary: Any) -> None:
    canary.tell(Asked("rollback", "g.hopper", "customers complain", "c1"))
    assert canary.wake_at == canary.now + timedelta(minutes=15)
    canary.tell(at=canary.wake_at)
    ((status, reason),) = pages(canary)
    assert status is Status.FIRING
    assert reason.startswith(
        "the traffic was to go back to v1, but that could not be set within 15"
    )
    confirmed(canary)
    assert not canary.state.alerting.signals["traffic"].active


def test_a_refused_retreat_is_tried_every_ten_minutes(canary: Any) -> None:
    canary.tell(Asked("rollback", "g.hopper", "customers complain", "c1"))
    keys = {canary.ever(SetTraffic)[-1].key}
    for _ in range(4):
        asked = canary.ever(SetTraffic)[-1]
        canary.tell(Declined("set_traffic", asked.key, "deployment v1 is not there"))
        if not canary.owed(Look):
            canary.tell(after=timedelta(minutes=10))
        canary.tell(TrafficSeen(canary.owed(Look)[0].at, {"v1": 80, "v2": 20}))
        (again,) = canary.owed(SetTraffic)
        assert again.retreat
        keys.add(again.key)
    assert len(keys) == 5


# No traffic at all


@pytest.mark.parametrize("policy", ["hold", "revert", "adopt"])
def test_a_split_of_nothing_is_an_outage_by_the_policy(
    under: Callable[[str], Any], policy: str
) -> None:
    story = confirmed(under(policy))
    before = story.state.promotion.rollout
    story.tell(after=6 * HOUR)
    story.tell(TrafficSeen(story.owed(Look)[0].at, {}))
    ((status, reason),) = pages(story)
    assert status is Status.FIRING
    assert reason.startswith("no version gets live traffic, so that no request is answered")
    assert story.state.traffic.weights == {}
    assert story.state.champion == "v1"
    assert story.state.promotion.rollout == before
    assert [asked.weights for asked in story.owed(SetTraffic)] == (
        [{"v1": 80, "v2": 20}] if policy == "revert" else []
    )
    if policy == "revert":
        confirmed(story)
    else:
        story.tell(after=6 * HOUR)
        story.tell(TrafficSeen(story.owed(Look)[0].at, {"v1": 80, "v2": 20}))
    assert story.said("restored")
    assert not story.state.alerting.signals["traffic"].active


@pytest.mark.parametrize("weights", [{"v1": 0, "v2": 0}, {"v1": 0}, {}])
def test_zeros_are_nothing_and_a_split_is_adopted_once_there_is_one(
    under: Callable[[str], Any], weights: dict[str, int]
) -> None:
    story = confirmed(under("adopt"))
    story.tell(after=6 * HOUR)
    story.tell(TrafficSeen(story.owed(Look)[0].at, weights))
    assert story.owed(SetTraffic) == []
    story.tell(after=6 * HOUR)
    story.tell(TrafficSeen(story.owed(Look)[0].at, {"v0": 100}))
    assert story.state.champion == "v0"


# Refused before there is anything to set


@pytest.fixture
def first(fleet: Fleet, telling: Callable[..., Any]) -> Any:
    """A model whose champion was refused its traffic: it is not registered yet."""
    story = telling(fleet.models["demand"]).begin()
    (asked,) = story.ever(SetTraffic)
    story.tell(Declined("set_traffic", asked.key, "demand v1: not in the registry"))
    assert [status for status, _ in pages(story)] == [Status.FIRING]
    return story


def _looked(story: Any) -> None:
    story.tell(TrafficSeen(story.owed(Look)[0].at, {}))


def _look_refused(story: Any) -> None:
    story.tell(Declined("look", story.owed(Look)[0].key, "no such endpoint"))


def _registered(story: Any) -> None:
    story.tell(Registered("v1"))


def _reconfigured(story: Any) -> None:
    story.tell(Configured("another policy"))


def _looked_later(story: Any) -> None:
    _look_refused(story)
    story.tell(Declined("set_traffic", story.owed(SetTraffic)[0].key, "no such endpoint"))
    assert story.owed(Look) == story.owed(SetTraffic) == []
    story.tell(after=6 * HOUR)
    _look_refused(story)


AGAIN = (_looked, _look_refused, _registered, _reconfigured, _looked_later)


@pytest.mark.parametrize("retry", AGAIN, ids=lambda one: one.__name__)
def test_a_refused_split_is_asked_for_again(first: Any, retry: Callable[[Any], None]) -> None:
    retry(first)
    (again,) = first.owed(SetTraffic)
    assert again.weights == {"v1": 100}
    confirmed(first)
    assert first.said("traffic")
    assert not first.state.alerting.signals["refused-set-traffic"].active


def test_a_version_that_has_nothing_to_do_with_it_asks_for_nothing(first: Any) -> None:
    first.tell(Registered("v7"))
    assert first.owed(SetTraffic) == []


def test_a_split_on_its_way_is_not_asked_for_twice(canary: Any) -> None:
    canary.tell(Registered("v2"), Configured("another policy"))
    assert canary.owed(SetTraffic) == []


def test_a_version_that_somebody_else_made_champion_challenges_nobody(
    under: Callable[[str], Any],
) -> None:
    """It waits for its rollout while another runs, and cannot be compared with itself."""
    story = confirmed(under("adopt"))
    candidate(story, "v3")
    story.tell(after=6 * HOUR)
    story.tell(TrafficSeen(story.owed(Look)[0].at, {"v3": 100}))
    assert story.state.champion == "v3"
    assert story.state.promotion.queue == ()
    story.tell(after=DAY)


def test_a_retreat_that_is_set_again_later_is_not_overdue_at_once(
    under: Callable[[str], Any],
) -> None:
    story = under("revert")
    story.tell(Asked("rollback", "g.hopper", "customers complain", "c1"))
    confirmed(story)
    story.tell(after=6 * HOUR)
    story.tell(TrafficSeen(story.owed(Look)[0].at, {"v1": 100}, ("v2",)))
    (again,) = story.owed(SetTraffic)
    assert again.retreat
    assert pages(story) == []


def test_a_look_from_before_the_retreat_says_nothing_about_its_deployment(canary: Any) -> None:
    confirmed(canary)
    canary.tell(after=6 * HOUR)
    (look,) = canary.owed(Look)
    canary.tell(Asked("rollback", "g.hopper", "customers complain", "c1"))
    back = canary.ever(SetTraffic)[-1]
    done = TrafficSet(back.key, {"v1": 100}, unready="deployment v1 is failed")
    canary.tell(done, TrafficSeen(look.at, {"v1": 80, "v2": 20}))
    assert canary.state.alerting.signals["unready"].active

"""Somebody else moves the live traffic: seen, told, and answered as the policy says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fleet.document.policies import Fleet
from fleet.model.effects import Look, SetTraffic, Tell
from fleet.model.facts import Declined, Gated, LogGrew, Registered, TrafficSeen, TrafficSet
from fleet.model.records import Collection, TrafficCount
from fleet.model.results import LogRead
from fleet.model.tasks import Gate
from monitoring.alerts.lifecycle import Kind, Severity, Status
from retrain.gate import Decision, Verdict
from retrain.rollout.state import Phase

HOUR = timedelta(hours=1)
LOOK_EVERY = timedelta(hours=6)
CHAMPION = "champion: v1, baseline: v0"


def confirmed(story: Any) -> Any:
    """Let the newest split that was asked for hold."""
    asked = story.ever(SetTraffic)[-1]
    return story.tell(TrafficSet(asked.key, asked.weights, asked.shadow))


def looked(story: Any, weights: dict[str, int], shadow: tuple[str, ...] = ()) -> Any:
    """Wait until a look is due, and let it find this."""
    story.tell(at=story.now + LOOK_EVERY)
    (look,) = story.owed(Look)
    return story.tell(TrafficSeen(look.at, weights, shadow))


@pytest.fixture
def under(resolve: Callable[..., Fleet], telling: Callable[..., Any]) -> Callable[[str], Any]:
    """A begun partition whose traffic was set, under a policy about foreign changes."""

    def begun(policy: str) -> Any:
        fleet = resolve((CHAMPION, f"{CHAMPION}, foreign: {policy}"))
        return confirmed(telling(fleet.models["demand"]).begin())

    return begun


def canary(story: Any) -> Any:
    """Bring v2 into its first canary stage; the split holds."""
    story.tell(Registered("v2", waived_by="m.okafor", reason="known well"))
    asked = story.ever(Gate)[-1]
    story.tell(Gated(asked.id, "v2", Decision(Verdict.passed, "better"), "scores-v2", 0.2))
    assert story.state.promotion.rollout.phase is Phase.canary
    return confirmed(story)


def alerts(story: Any) -> list[tuple[Status, Severity]]:
    told = [tell.notice for tell in story.ever(Tell) if tell.notice.kind is Kind.TRAFFIC]
    return [(notice.status, notice.severity) for notice in told]


def counted(story: Any, requests: int) -> Any:
    """An hour of traffic on both arms."""
    start = story.now - HOUR
    counts = (
        TrafficCount("v2", start, story.now, requests, 0, 0),
        TrafficCount("v1", start, story.now, 4 * requests, 0, 0),
    )
    blob = f"traffic/{story.now:%d%H}"
    story.tell(LogGrew(blob, 5, Collection.traffic))
    return story.tell(LogRead(blob, 0, 5, 5, (), counts))


def test_what_holds_is_looked_at_and_nothing_is_said(under: Any) -> None:
    story = under("hold")
    for _ in range(3):
        looked(story, {"v1": 100, "v2": 0})
    assert len(story.ever(Look)) == 3
    assert not alerts(story)
    assert len(story.ever(SetTraffic)) == 1


def test_a_look_waits_for_a_split_that_is_on_its_way(under: Any) -> None:
    story = under("hold")
    story.tell(Registered("v2", waived_by="m.okafor"))
    asked = story.ever(Gate)[-1]
    story.tell(Gated(asked.id, "v2", Decision(Verdict.passed, "better"), "s", 0.2))
    story.tell(at=story.now + 2 * LOOK_EVERY)
    assert not story.ever(Look)
    # One that was under way already finds the old split, which proves nothing.
    story.tell(TrafficSeen(story.now, {"v1": 100}))
    assert not story.said("foreign")


def test_held_it_pages_and_nothing_moves_towards_production(under: Any) -> None:
    story = canary(under("hold"))
    looked(story, {"v1": 40, "v2": 60})
    (line,) = story.said("foreign")
    assert line["weights"] == {"v1": 40, "v2": 60}
    assert line["wanted"] == {"v1": 80, "v2": 20}
    assert alerts(story) == [(Status.FIRING, Severity.PAGE)]
    before = story.state.promotion.rollout
    story.tell(at=story.now + timedelta(days=3))
    assert (story.state.promotion.rollout.phase, story.state.promotion.rollout.stage) == (
        before.phase,
        before.stage,
    )
    assert len(story.ever(SetTraffic)) == 2


def test_evidence_under_somebody_elses_split_does_not_count(under: Any) -> None:
    story = canary(under("hold"))
    story.tell(after=HOUR)
    counted(story, 500)
    clean = story.state.promotion.rollout.heard
    assert clean == 1000
    looked(story, {"v1": 40, "v2": 60})
    counted(story, 500)
    assert story.state.promotion.rollout.heard == clean
    # Given back: what was served in between stays out, what comes after counts.
    looked(story, {"v1": 80, "v2": 20})
    assert story.said("restored")
    counted(story, 500)
    assert story.state.promotion.rollout.heard == clean
    story.tell(after=2 * HOUR)
    counted(story, 500)
    assert story.state.promotion.rollout.heard > clean


def test_a_new_rollout_waits_while_the_split_is_somebody_elses(under: Any) -> None:
    story = under("hold")
    looked(story, {"v0": 100})
    story.tell(Registered("v2"))
    asked = story.ever(Gate)[-1]
    story.tell(Gated(asked.id, "v2", Decision(Verdict.passed, "better"), "s", 0.2))
    assert not story.state.promotion.rollout
    looked(story, {"v1": 100})
    assert story.state.promotion.rollout.challenger == "v2"


def test_reverted_it_is_set_again_once_a_look(under: Any) -> None:
    story = canary(under("revert"))
    looked(story, {"v1": 100})
    (again,) = story.owed(SetTraffic)
    assert again.weights == {"v1": 80, "v2": 20}
    assert again.key.endswith(":again:1")
    # Whoever moves it back at once does not make us fight by the second.
    story.tell(TrafficSet(again.key, {"v1": 100}))
    assert not story.owed(SetTraffic)
    looked(story, {"v1": 100})
    (third,) = story.owed(SetTraffic)
    assert third.key == again.key.replace(":1", ":2")
    confirmed(story)
    assert story.said("restored")
    assert story.state.promotion.rollout.phase is Phase.canary


def test_adopted_outside_a_rollout_it_is_the_split_to_hold(under: Any) -> None:
    story = under("adopt")
    looked(story, {"v1": 30, "v0": 70})
    assert story.state.champion == "v0"
    assert alerts(story) == [(Status.FIRING, Severity.PAGE)]
    # Set once more as ours, so that whoever records splits knows.
    (ours,) = story.owed(SetTraffic)
    assert ours.weights == {"v1": 30, "v0": 70}
    confirmed(story)
    looked(story, {"v1": 30, "v0": 70})
    assert len(story.said("foreign")) == 1
    assert len(story.ever(SetTraffic)) == 2


@pytest.mark.parametrize(
    ("found", "phase", "champion"),
    [
        ({"v1": 90, "v2": 10}, Phase.rolled_back, "v1"),
        ({"v2": 100}, Phase.stopped, "v2"),
        ({"v0": 100}, Phase.stopped, "v0"),
    ],
)
def test_adopted_in_a_canary_it_ends_the_rollout(
    under: Any, found: dict[str, int], phase: Phase, champion: str
) -> None:
    story = canary(under("adopt"))
    looked(story, found)
    assert story.state.promotion.rollout.phase is phase
    assert story.state.champion == champion
    assert story.ever(SetTraffic)[-1].weights == {champion: 100}
    confirmed(story)
    looked(story, {champion: 100})
    assert len(story.said("foreign")) == 1


def test_a_dropped_mirror_is_set_again_without_an_alert(under: Any) -> None:
    story = under("hold")
    story.tell(Registered("v2"))
    asked = story.ever(Gate)[-1]
    story.tell(Gated(asked.id, "v2", Decision(Verdict.passed, "better"), "s", 0.2))
    confirmed(story)
    assert story.state.promotion.rollout.phase is Phase.shadow
    looked(story, {"v1": 100})
    (again,) = story.owed(SetTraffic)
    assert again.shadow == ("v2",)
    assert story.said("mirror")
    assert not alerts(story)


def test_a_refused_split_pages_is_looked_up_and_asked_for_again(under: Any) -> None:
    story = canary(under("hold"))
    story.tell(at=story.now + timedelta(days=1))
    asked = story.ever(SetTraffic)[-1]
    story.tell(Declined("set_traffic", asked.key, "endpoint: somebody else's split stands"))
    assert alerts(story) == [(Status.FIRING, Severity.PAGE)]
    (look,) = story.owed(Look)
    story.tell(TrafficSeen(look.at, {"v1": 1, "v2": 99}))
    (again,) = story.owed(SetTraffic)
    # Refused again, it waits for the next look.
    story.tell(Declined("set_traffic", again.key, "endpoint: somebody else's split stands"))
    assert not story.owed(Look)
    looked(story, {"v1": 1, "v2": 99})
    confirmed(story)
    assert story.said("restored")
    assert not story.state.alerting.signals["refused-set-traffic"].active
    assert not story.state.alerting.signals["traffic"].active


def test_a_deployment_of_another_name_is_known_by_its_version(under: Any) -> None:
    story = canary(under("hold"))
    (look,) = story.tell(at=story.now + LOOK_EVERY).owed(Look)
    story.tell(TrafficSeen(look.at, {"v1": 80, "v2": 20}, (), {"green": "v2"}))
    story.tell(LogGrew("inputs/green", 5, Collection.inputs, "green"))
    assert story.state.logs.blobs["inputs/green"].deployment == "v2"
    start = story.now
    story.tell(after=HOUR)
    before = story.state.promotion.rollout.heard
    counts = (
        TrafficCount("green", start, story.now, 10, 0, 0),
        TrafficCount("v1", start, story.now, 40, 0, 0),
    )
    story.tell(LogGrew("traffic/green", 5, Collection.traffic))
    story.tell(LogRead("traffic/green", 0, 5, 5, (), counts))
    assert story.state.promotion.rollout.heard == before + 20


def test_what_was_overwritten_on_the_way_is_told_all_the_same(under: Any) -> None:
    story = under("revert")
    story.tell(Registered("v2", waived_by="m.okafor"))
    gate = story.ever(Gate)[-1]
    story.tell(Gated(gate.id, "v2", Decision(Verdict.passed, "better"), "s", 0.2))
    asked = story.ever(SetTraffic)[-1]
    met = "revert: v0=100 found instead of v1=100"
    story.tell(TrafficSet(asked.key, asked.weights, asked.shadow, {}, met))
    assert alerts(story) == [(Status.FIRING, Severity.PAGE)]
    assert story.said("foreign")[0]["reason"] == met
    looked(story, {"v1": 80, "v2": 20})
    assert not story.state.alerting.signals["traffic"].active


@pytest.mark.parametrize("policy", ["hold", "revert", "adopt"])
def test_a_look_that_was_asked_for_before_a_split_was_set_says_nothing_about_it(
    under: Any, policy: str
) -> None:
    """Its answer and that of the setting may be taken in by one unit, in either order."""
    story = under(policy)
    story.tell(at=story.now + LOOK_EVERY)
    (look,) = story.owed(Look)
    story.tell(Registered("v2", waived_by="m.okafor", reason="known well"))
    asked = story.ever(Gate)[-1]
    story.tell(Gated(asked.id, "v2", Decision(Verdict.passed, "better"), "scores-v2", 0.2))
    wanted = story.ever(SetTraffic)[-1]
    before = len(story.ever(SetTraffic))
    done = TrafficSet(wanted.key, wanted.weights, wanted.shadow)
    story.tell(done, TrafficSeen(look.at, {"v1": 100}))
    assert story.state.promotion.rollout.phase is Phase.canary
    assert len(story.ever(SetTraffic)) == before
    assert story.said("foreign") == story.said("mirror") == []
    assert alerts(story) == []
    # The next look counts.
    looked(story, {"v1": 100})
    assert len(story.said("foreign")) == 1

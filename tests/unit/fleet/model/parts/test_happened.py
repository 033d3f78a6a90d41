"""What is remembered of what happened around a model."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fleet.model.facts import Noted, Registered, TrafficSet
from fleet.model.parts.happened import KEPT, LONGEST
from fleet.model.records import Collection
from fleet.model.results import Joined
from fleet.model.tasks import Assess
from monitoring.performance import Verdict as Health


def whats(story: Any) -> list[str]:
    return [one.what for one in story.state.happened]


def test_registrations_splits_references_and_notes_are_remembered(begun: Any) -> None:
    begun.tell(Noted("DeploymentCompleted", "endpoints/shop", begun.now - timedelta(hours=3)))
    begun.tell(Registered("v7"), after=timedelta(hours=1))
    begun.tell(TrafficSet("k", {"v1": 80, "v7": 20, "v0": 0}), after=timedelta(hours=1))
    assert whats(begun)[-4:] == [
        "reference of v1", "DeploymentCompleted endpoints/shop",
        "registered v7", "traffic v1 80 %, v7 20 %",
    ]  # fmt: skip
    assert begun.state.happened[-3].at == begun.now - timedelta(hours=5)
    assert begun.state.happened[-1].at == begun.now


def test_the_same_split_set_again_is_no_news(begun: Any) -> None:
    begun.tell(TrafficSet("k", {"v1": 100}))
    before = whats(begun)
    begun.tell(TrafficSet("k2", {"v1": 100}), after=timedelta(hours=1))
    assert whats(begun) == before
    begun.tell(TrafficSet("k3", {"v1": 90, "v0": 10}), after=timedelta(hours=1))
    assert len(whats(begun)) == len(before) + 1


def test_memory_is_bounded(begun: Any) -> None:
    for i in range(2 * KEPT):
        begun.tell(Noted("Pipeline", f"runs/{i}/{'x' * 300}"), after=timedelta(minutes=1))
    assert len(whats(begun)) == KEPT
    assert max(map(len, whats(begun))) == LONGEST


def test_an_assessment_is_handed_what_may_be_why(begun: Any) -> None:
    begun.tell(Noted("DeploymentCompleted", "endpoints/shop"))
    begun.batch("2024-03-04").batch("2024-03-04", Collection.outputs)
    begun.tell(at=begun.now + timedelta(days=1))
    (asked,) = begun.ever(Assess)
    assert [day for day, _, _ in asked.history][-2:] == ["2024-03-02", "2024-03-03"]
    assert asked.history[-1][1:] == ("sketch-2024-03-03", None)
    assert asked.happened[-1].what == "DeploymentCompleted endpoints/shop"
    assert asked.health == ""


def test_what_labels_say_is_handed_on_too(begun: Any) -> None:
    for day, health in (("2024-03-04", Health.DEGRADED), ("2024-03-05", Health.HEALTHY)):
        begun.batch(day).batch(day, Collection.outputs)
        begun.tell(at=begun.now + timedelta(days=2))
        joined: Joined = begun.joined(day, health=health, reason="the reason")
        begun.tell(begun.assessed(day), joined)
    begun.batch("2024-03-08")
    begun.tell(at=begun.now + timedelta(days=2))
    first, *_, last = begun.ever(Assess)
    assert first.health == ""
    assert last.health == "performance did not move: the reason (up to 2024-03-05)"

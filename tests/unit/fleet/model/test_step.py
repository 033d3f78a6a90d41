"""A model's partition as a whole: it begins, sleeps, and owes nothing new when asked again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import codec
from engine.errors import Refused
from fleet.model.effects import Poll, SetTraffic
from fleet.model.facts import (
    Asked,
    Configured,
    Hinted,
    LogGrew,
    Noted,
    Notified,
    Parked,
    Registered,
    RunChanged,
    TrafficSet,
)
from fleet.model.records import Batch, Collection
from fleet.model.results import LabelsRead, LogRead, Referenced
from fleet.model.state import Model
from fleet.model.tasks import Assess, Join, ReadLabels, ReadLog
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from monitoring.drift.verdict import Verdict as Drift
from monitoring.performance import Verdict as Health
from retrain.ports import JobPhase


def test_a_partition_begins_with_its_champion(story: Any) -> None:
    story.tell(Configured("abc"))
    assert (story.state.champion, story.state.policy) == ("v1", "abc")
    assert story.state.champion_since == story.now
    (split,) = story.owed(SetTraffic)
    assert split.weights == {"v1": 100}
    assert story.said("policy") == [{"what": "policy", "hash": "abc"}]


def test_nothing_follows_before_a_partition_has_begun(story: Any) -> None:
    story.tell(LogGrew("a", 5, Collection.inputs, "v1"))
    assert story.effects == []


def test_a_changed_policy_is_written_down_once_and_keeps_the_champion(begun: Any) -> None:
    begun.state = begun.state.__class__(**{**vars(begun.state), "champion": "v5"})
    begun.tell(Configured("new"), Configured("new"))
    assert begun.state.champion == "v5"
    assert [line["hash"] for line in begun.said("policy")][1:] == ["new"]


def test_a_model_that_left_the_file_keeps_its_state(begun: Any) -> None:
    begun.tell(Configured("", "not in fleet.yaml any more"))
    begun.tell(Configured("", "not in fleet.yaml any more"))
    assert begun.state.dormant
    assert begun.said("dormant") == [{"what": "dormant", "reason": "not in fleet.yaml any more"}]
    assert begun.state.windows.reference == "ref"
    begun.tell(Configured(begun.watched.hash))
    assert not begun.state.dormant


def test_the_split_that_the_router_took_over_is_known(begun: Any) -> None:
    begun.tell(TrafficSet("k", {"v1": 80, "v2": 20}, ("v3",)))
    assert begun.state.traffic.weights == {"v1": 80, "v2": 20}
    assert begun.said("traffic")[-1]["shadow"] == ["v3"]


def test_a_reference_of_another_version_is_ignored(begun: Any) -> None:
    begun.tell(Referenced("v9", "other", ("2024-03-03",), 1, "s"))
    assert begun.state.windows.reference == "ref"


def test_what_a_reference_left_out_is_written_down(begun: Any) -> None:
    note = "the reference is a sample of 9 of 90 rows"
    begun.tell(Referenced("v1", "other", ("2024-03-03",), 9, "s", note=note))
    first, second = begun.said("reference")
    assert "note" not in first
    assert second["note"] == note


def test_what_was_parked_is_written_down(begun: Any) -> None:
    begun.tell(Parked("e1", "no size"))
    assert begun.said("parked") == [{"what": "parked", "id": "e1", "reason": "no size"}]


def test_a_fact_of_another_partition_is_refused(begun: Any) -> None:
    notice = Notify(
        "k", "demand", "drift-1", Kind.DRIFT, Severity.PAGE, Status.FIRING, "r", begun.now
    )
    with pytest.raises(Refused, match="a model's partition does not take Notified"):
        begun.tell(Notified(notice))


def answer(story: Any, effect: Any, draw: Any) -> Any:
    """What a worker might say about an effect."""
    match effect:
        case ReadLog():
            day = f"2024-03-0{draw(st.integers(3, 6))}"
            name = f"{effect.blob}:{effect.start}"
            end = effect.end - draw(st.integers(0, 3))
            batch = Batch(day, 9, f"rows-{name}", f"sketch-{name}")
            return LogRead(effect.blob, effect.start, max(end, effect.start), effect.end, (batch,))
        case ReadLabels():
            days = {day: 1 for day in effect.outputs if draw(st.booleans())}
            unknown = draw(st.integers(0, 1))
            return LabelsRead(
                effect.blob, effect.start, effect.end, effect.end, f"labels-{effect.blob}", days,
                unknown, effect.of,
            )  # fmt: skip
        case Assess():
            moved = draw(st.sampled_from([{}, {"x": Drift.DRIFTED}]))
            known = draw(st.sampled_from([Drift.INSUFFICIENT, Drift.STABLE]))
            verdict = Drift.DRIFTED if moved else known
            return story.assessed(
                effect.window, of=effect.of, stream=moved, verdict=verdict,
                explained_by=draw(st.sampled_from([None, "strike"])),
            )  # fmt: skip
        case Join():
            health = draw(st.sampled_from(list(Health)))
            return story.joined(effect.window, of=effect.of, health=health)
        case _:
            return None


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_whatever_happens_a_step_repeated_owes_nothing_new(
    telling: Any, fleet: Any, data: Any
) -> None:
    """`Story.tell` repeats every step and compares; here it is told whatever comes to mind.

    Besides: every state survives its trip through the store, and no effect is owed twice under one
    key while the first is unanswered.
    """
    story = telling(fleet.models["demand"]).begin()
    kinds = st.sampled_from(list(Collection))
    open_effects: list[Any] = []
    for number in range(data.draw(st.integers(3, 14))):
        grew = LogGrew(
            f"f{data.draw(st.integers(0, 3))}-{data.draw(kinds)}", 10 * number,
            data.draw(kinds), data.draw(st.sampled_from(["v0", "v1", "v2"])),
        )  # fmt: skip
        asked = Asked(
            data.draw(st.sampled_from(["retrain", "rollback", "cancel", "unfreeze", "event"])),
            "x", "y", f"c{number}",
        )  # fmt: skip
        fact = data.draw(st.sampled_from(["grew", "answer", "asked", "registered", "time"]))
        facts: list[Any] = []
        match fact:
            case "grew":
                facts = [grew, grew] if data.draw(st.booleans()) else [grew]
            case "asked":
                facts = [asked]
            case "registered":
                facts = [Registered(f"v{data.draw(st.integers(1, 4))}")]
            case "answer" if open_effects:
                effect = open_effects.pop(data.draw(st.integers(0, len(open_effects) - 1)))
                said = answer(story, effect, data.draw)
                facts = [said] if said is not None else []
        hours = data.draw(st.integers(0, 30)) if fact == "time" else 0
        story.tell(*facts, after=timedelta(hours=hours))
        open_effects += story.last
        keys = [effect.key for effect in open_effects]
        assert len(keys) == len(set(keys))
        assert codec.decode(Model, codec.encode(story.state)) == story.state


@pytest.fixture
def running(begun: Any) -> Any:
    """A run that an operator asked for and the trainer took, not due to be asked about."""
    begun.tell(Asked("retrain", "a.turing", "try it", "c1"))
    begun.tell(RunChanged("demand-run-1", JobPhase.running), after=timedelta(minutes=1))
    assert begun.owed(Poll) == []
    return begun


@pytest.mark.parametrize("hints", [1, 2])
def test_a_hint_about_the_run_asks_the_trainer_at_once_and_once(running: Any, hints: int) -> None:
    polled = running.state.training.run.poll_at
    running.tell(*[Hinted("demand-run-1")] * hints)
    (poll,) = running.owed(Poll)
    assert (poll.run, poll.at) == ("demand-run-1", running.now)
    # From here on it is asked as often as ever.
    assert running.state.training.run.poll_at > running.now
    assert running.state.training.run.poll_at != polled


def test_a_hint_about_another_run_or_one_that_is_over_asks_nothing(running: Any) -> None:
    before = running.state
    running.tell(Hinted("demand-run-7"))
    assert running.state == before
    running.tell(RunChanged("demand-run-1", JobPhase.succeeded, "demand-run-1"))
    over = running.state.training.run
    running.tell(Hinted("demand-run-1"))
    assert running.owed(Poll) == []
    assert running.state.training.run == over


def test_a_hint_before_there_was_any_run_asks_nothing(begun: Any) -> None:
    begun.tell(Hinted("demand-run-1"))
    assert begun.owed(Poll) == []
    assert begun.state.training.run is None


def test_what_happened_around_the_model_is_a_line_in_its_journal(begun: Any) -> None:
    before = begun.state
    begun.tell(Noted("Some.ModelDeployed", "endpoints/shop-demand", begun.now), Noted("Some", "x"))
    assert begun.said("noted") == [
        {
            "what": "noted", "type": "Some.ModelDeployed", "subject": "endpoints/shop-demand",
            "at": "2024-03-04T10:00:00.000000Z",
        },
        {"what": "noted", "type": "Some", "subject": "x", "at": None},
    ]  # fmt: skip
    assert replace(begun.state, happened=before.happened) == before

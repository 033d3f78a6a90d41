"""What starts a training, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.model.effects import Cancel, Poll, Publish, Submit, Tell
from fleet.model.facts import Asked, Declined, Registered, RunChanged
from fleet.model.parts import retraining
from fleet.model.tasks import Gate
from fleet.model.turn import Turn
from monitoring.alerts.lifecycle import Severity
from retrain.ports import JobPhase
from retrain.rollout.state import Phase as Ended
from retrain.rollout.state import Rollout
from tests.unit.fleet.model.days import HOUR


@pytest.mark.parametrize(
    ("zone", "trained", "first"),
    [
        # The reference's last day is the third of March, whatever the zone.
        ("Europe/Berlin", "2024-03-04T00:00:00+00:00", "2024-03-04"),
        ("America/New_York", "2024-03-04T00:00:00+00:00", "2024-03-04"),
        ("Asia/Tokyo", "2024-03-04T00:00:00+00:00", "2024-03-04"),
        # A run that ended on the fourth has not seen the whole of it.
        ("Europe/Berlin", "2024-03-04T10:00:00+00:00", "2024-03-04"),
        ("America/New_York", "2024-03-04T10:00:00-05:00", "2024-03-04"),
        ("Asia/Tokyo", "2024-03-04T08:00:00+09:00", "2024-03-04"),
    ],
)
def test_the_day_on_which_a_training_ended_is_the_first_new_one(
    resolve: Any, telling: Any, zone: str, trained: str, first: str
) -> None:
    watched = resolve(("zone: Europe/Berlin", f"zone: {zone}")).models["demand"]
    story = telling(watched).begin()
    story.state = replace(
        story.state,
        training=replace(
            story.state.training,
            trigger=replace(
                story.state.training.trigger, trained_at=datetime.fromisoformat(trained)
            ),
        ),
    )
    turn = Turn(watched, story.now, story.state)
    for day, new in (("2024-03-03", 0), (first, 1)):
        past = replace(story.state.windows.past["2024-03-03"])
        turn.windows = replace(turn.windows, past={**story.state.windows.past, day: past})
        assert retraining._signals(turn).new_days == new


@pytest.fixture
def running(begun: Any) -> Any:
    """A run that an operator asked for and the trainer took."""
    begun.tell(Asked("retrain", "g.hopper", "new prices", "c1"))
    (fired,) = begun.said("trigger")
    assert (fired["fire"], fired["kind"]) == (True, "operator")
    assert fired["reason"] == "asked for by g.hopper"
    assert len(begun.owed(Submit)) == 1
    return begun


def test_a_run_is_asked_about_until_it_has_a_version(running: Any) -> None:
    assert running.wake_at is not None
    running.tell(at=running.wake_at)
    (poll,) = running.owed(Poll)
    assert poll.run == "demand-run-1"
    running.tell(RunChanged("demand-run-1", JobPhase.running))
    running.tell(at=running.wake_at)
    assert len(running.owed(Poll)) == 1
    running.tell(RunChanged("demand-run-1", JobPhase.succeeded, "demand-run-1", cost=3.5))
    (line,) = running.said("run")
    assert (line["phase"], line["version"]) == ("succeeded", "demand-run-1")
    (ended,) = running.owed(Publish)
    assert (ended.type, ended.fields["outcome"]) == ("retrain.ended", "succeeded")
    assert (ended.fields["version"], ended.fields["cost"]) == ("demand-run-1", 3.5)
    (challenger,) = running.state.promotion.queue
    assert (challenger.version, challenger.trigger) == ("demand-run-1", "operator")
    assert running.state.training.finished[0].cost == 3.5
    assert running.state.training.trigger.trained_at == running.now


def test_a_version_that_its_job_registered_has_its_place_already(running: Any) -> None:
    running.tell(Registered("demand-run-1", "registered"))
    (queued,) = running.state.promotion.queue
    running.tell(RunChanged("demand-run-1", JobPhase.succeeded, "demand-run-1", cost=3.5))
    assert [c.id for c in running.state.promotion.queue] == [queued.id]
    assert len(running.ever(Gate)) == 1
    assert running.state.training.finished[0].cost == 3.5


@pytest.mark.parametrize("place", ["champion", "rollout"])
def test_a_version_beyond_the_queue_does_not_return_to_it(running: Any, place: str) -> None:
    version = "demand-run-1"
    if place == "champion":
        running.state = replace(running.state, champion=version)
    else:
        begun = Rollout("demand-rollout-1", version, "v1", running.now, Ended.promoted)
        running.state = replace(
            running.state, promotion=replace(running.state.promotion, rollout=begun)
        )
    running.tell(RunChanged(version, JobPhase.succeeded, version))
    assert running.state.promotion.queue == ()
    assert running.state.training.trigger.trained_at == running.now


def test_a_run_that_fails_is_a_ticket(running: Any) -> None:
    running.tell(RunChanged("demand-run-1", JobPhase.failed, reason="out of ideas"))
    (tell,) = running.owed(Tell)
    assert (tell.notice.alert, tell.notice.severity) == ("run-1", Severity.TICKET)
    assert tell.notice.reason == "demand-run-1: out of ideas"
    ended, alert = running.owed(Publish)
    assert (ended.type, alert.type) == ("retrain.ended", "alert.firing")
    assert (ended.fields["outcome"], ended.fields["version"]) == ("failed", None)
    assert running.state.promotion.queue == ()


def test_a_run_past_its_time_is_cancelled(running: Any) -> None:
    running.tell(after=timedelta(hours=4))
    assert [cancel.run for cancel in running.owed(Cancel)] == ["demand-run-1"]
    (line,) = running.said("run")
    assert line["phase"] == "timed_out"


def test_an_operator_cancels_a_run(running: Any) -> None:
    running.tell(Asked("cancel", "a.turing", "wrong data", "c2"))
    assert len(running.owed(Cancel)) == 1
    (line,) = running.said("run")
    assert (line["phase"], line["reason"]) == ("cancelled", "by a.turing: wrong data")


def test_a_job_the_trainer_will_not_take_ends_the_run(running: Any) -> None:
    running.tell(Declined("submit", "submit:demand-run-1", "train.py: no such file"))
    (line,) = running.said("run")
    assert (line["phase"], line["reason"]) == ("failed", "train.py: no such file")
    assert running.said("refused")[0]["reason"] == "train.py: no such file"


def test_a_second_request_waits_for_the_run(running: Any) -> None:
    running.tell(Asked("retrain", "a.turing", "again", "c2"), after=HOUR)
    assert running.ever(Submit) == running.ever(Submit)[:1]
    refused = running.said("trigger")[-1]
    assert refused["reason"] == "under way: run demand-run-1 (asked for by a.turing)"


def test_too_few_days_are_told_once_and_tried_again(story: Any) -> None:
    """Three of them go to the gate; ten days or three, the least is three to train on."""
    story.begin(days=5)
    story.tell(Asked("retrain", "g.hopper", "", "c1"))
    story.tell(after=HOUR)
    (line,) = story.said("trigger")
    assert line["fire"] is False
    assert line["reason"] == ("too little to train on: 2 days before 3 holdout days, 3 are needed")
    assert story.ever(Submit) == []


def test_a_freeze_holds_a_training_and_lets_it_go(begun: Any) -> None:
    until = begun.now + timedelta(days=2)
    begun.tell(Asked("freeze", "e.noether", "launch", "c1", until=until))
    begun.tell(Asked("retrain", "g.hopper", "", "c2"))
    assert begun.said("refused")[-1]["reason"] == (
        "demand is frozen until 2024-03-06T10:00Z by e.noether: unfreeze it first"
    )
    begun.tell(Asked("event", "g.hopper", "new prices", "e1"))
    assert begun.ever(Submit) == []
    begun.tell(Asked("unfreeze", "e.noether", "launched", "c3"))
    begun.tell(Asked("retrain", "g.hopper", "", "c4"))
    assert len(begun.ever(Submit)) == 1


def test_a_freeze_that_ends_by_itself_lets_a_training_go(begun: Any) -> None:
    until = begun.now + timedelta(days=2)
    begun.tell(Asked("freeze", "e.noether", "launch", "c1", until=until))
    begun.state = replace(begun.state, training=replace(begun.state.training, asked_by="g.hopper"))
    begun.tell()
    assert begun.ever(Submit) == []
    assert begun.said("trigger")[-1]["reason"] == "frozen: launch (asked for by g.hopper)"
    assert begun.wake_at is not None
    assert begun.wake_at <= until
    begun.tell(at=until)
    assert len(begun.ever(Submit)) == 1


def test_an_event_from_outside_trains_where_there_is_something_new(begun: Any) -> None:
    begun.tell(Asked("event", "/shop", "new prices", "c1"))
    assert begun.ever(Submit) == []
    assert begun.said("trigger")[-1]["kind"] == "event"


def test_a_stale_model_is_trained(begun: Any) -> None:
    """`max_age` is 60 days after the reference's end; nothing new is known then, so it waits."""
    begun.tell(at=datetime(2024, 5, 3, tzinfo=UTC))
    assert begun.said("trigger")[-1]["kind"] == "staleness"

"""From assessments and joins to alerts, and from alerts to runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.document.policies import Fleet
from fleet.model.effects import Cancel, Gate, Measure, Poll, Publish, Submit, Tell
from fleet.model.facts import (
    Asked,
    Batch,
    Collection,
    Declined,
    LogGrew,
    LogRead,
    Measured,
    ObjectiveStatus,
    Registered,
    RunChanged,
    TrafficCount,
    Trouble,
)
from fleet.model.parts import retraining
from fleet.model.turn import Turn
from fleet.work.join.findings import repeated_finding, segments_finding
from monitoring.alerts.lifecycle import Phase, Severity, Status
from monitoring.drift.verdict import Verdict as Drift
from monitoring.finding import Finding
from monitoring.performance import Verdict as Health
from monitoring.slo.objective import Objective, Sli
from monitoring.slo.objective import Verdict as Burn
from retrain.ports import JobPhase
from retrain.rollout.state import Phase as Ended
from retrain.rollout.state import Rollout

DAY = "2024-03-04"
CLOSES = datetime(2024, 3, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def assess(story: Any, day: str, **fields: Any) -> Any:
    """A day's inputs come, its window closes, and its assessment says what `fields` say."""
    story.batch(day)
    closes = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1, hours=1)
    story.tell(at=max(closes, story.now))
    return story.tell(story.assessed(day, **fields))


def degrade(story: Any, day: str = DAY, **fields: Any) -> Any:
    """A day's labels come and say that the model is degraded."""
    from fleet.model.facts import LabelsRead

    story.batch(day, Collection.outputs)
    story.tell(LogGrew(f"labels/{day}", 5, Collection.labels))
    ends = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(hours=23)
    story.tell(at=max(ends, story.now))
    reading = next(e for e in reversed(story.effects) if type(e).__name__ == "ReadLabels")
    story.tell(LabelsRead(reading.blob, 0, 5, 5, f"labels-{day}", {day: 100}, 0, reading.of))
    said = {"health": Health.DEGRADED, "reason": "calibration gap +0.2", **fields}
    return story.tell(story.joined(day, **said))


def tickets(story: Any) -> list[tuple[str, Status, Severity]]:
    """Every notification so far."""
    return [(e.notice.alert, e.notice.status, e.notice.severity) for e in story.ever(Tell)]


def test_a_page_for_performance_tells_of_drift_and_is_not_silenced_with_it(begun: Any) -> None:
    said = "x: psi 0.4; (0, 1] 10.0 % -> 20.0 % (100 and 20 rows)"
    moved = {"x": Drift.DRIFTED}
    assess(begun, DAY, verdict=Drift.DRIFTED, stream=moved, psi={"x": 0.4}, lines=(said,))
    degrade(begun)
    (page,) = [e.notice for e in begun.ever(Tell) if e.notice.alert == "performance-1"]
    assert page.lines[0].startswith(f"drifted on {DAY}: x (psi 0.4")
    assert said in page.lines
    assert page.features == ()


def test_drift_that_lasts_pages(begun: Any) -> None:
    moved = {"x": Drift.DRIFTED, "size": Drift.DRIFTING}
    assess(begun, DAY, verdict=Drift.DRIFTED, stream=moved, psi={"x": 0.4, "size": 0.05})
    (tell,) = begun.owed(Tell)
    assert (tell.team, tell.notice.alert, tell.notice.severity) == ("shop", "drift-1", "page")
    assert tell.notice.reason == f"drifted on {DAY}: x (psi 0.4)"
    assert tell.notice.features == ("size", "x")
    assert [published.type for published in begun.owed(Publish)] == [
        "drift.drifted",
        "alert.firing",
    ]
    (line,) = begun.said("alert")
    assert (line["alert"], line["phase"]) == ("drift-1", "firing")


def test_the_streams_verdict_is_published_when_it_is_another_one(begun: Any) -> None:
    x, y = {"x": Drift.DRIFTED}, {"x": Drift.DRIFTING}
    days = [f"2024-03-{day:02}" for day in range(4, 12)]
    streams = [{}, y, y, x, None, x, {}, {}]
    for day, stream in zip(days, streams, strict=True):
        verdict = Drift.INSUFFICIENT if stream is None else Drift.STABLE
        assess(begun, day, verdict=verdict, stream=stream or {}, explained_by=None)
    events = [e for e in begun.ever(Publish) if e.type.startswith("drift.")]
    found = [(e.type, e.fields["window"], e.fields["before"]) for e in events]
    # Neither that all is well at first nor that nothing is known is news.
    assert found == [
        ("drift.drifting", days[1], "stable"),
        ("drift.drifted", days[3], "drifting"),
        ("drift.stable", days[6], "drifted"),
    ]
    assert events[1].fields == {
        "window": days[3], "verdict": "drifted", "before": "drifting", "features": ("x",),
        "rows": 100, "explained_by": None,
    }  # fmt: skip
    assert len({e.key for e in events}) == 3


def test_a_window_that_is_assessed_again_is_another_event(begun: Any) -> None:
    assess(begun, DAY, stream={"x": Drift.DRIFTED})
    begun.tell(LogGrew("late", 5, Collection.inputs, "v1"))
    begun.tell(LogRead("late", 0, 5, 5, (Batch(DAY, 9, "rows-late", "sketch-late"),)))
    begun.tell(begun.assessed(DAY))
    keys = [e.key for e in begun.ever(Publish) if e.type.startswith("drift.")]
    assert len(set(keys)) == 2


def test_drift_against_an_uncalibrated_reference_is_a_ticket(begun: Any) -> None:
    assess(begun, DAY, verdict=Drift.DRIFTED, stream={"x": Drift.DRIFTED}, calibrated=False)
    assert tickets(begun) == [("drift-1", Status.FIRING, Severity.TICKET)]


def test_drifting_is_a_ticket_and_names_five_features(begun: Any) -> None:
    moved = {f"f{i}": Drift.DRIFTING for i in range(7)}
    assess(begun, DAY, verdict=Drift.DRIFTING, stream=moved, psi=dict.fromkeys(moved, 0.03))
    (tell,) = begun.owed(Tell)
    assert tell.notice.severity is Severity.TICKET
    assert tell.notice.reason.endswith("f4 (psi 0.03) and 2 more")


def test_drift_that_an_event_explains_is_held(begun: Any) -> None:
    assess(begun, DAY, verdict=Drift.DRIFTED, stream={"x": Drift.DRIFTED}, explained_by="strike")
    assert begun.ever(Tell) == []
    assert begun.state.alerts["drift"].phase is Phase.PENDING
    (line,) = begun.said("alert")
    assert (line["phase"], line["explained_by"]) == ("pending", "strike")
    # It stays when the event is over: now it is news.
    assess(begun, "2024-03-05", verdict=Drift.DRIFTED, stream={"x": Drift.DRIFTED})
    assert tickets(begun) == [("drift-1", Status.FIRING, Severity.PAGE)]


def test_too_little_to_say_neither_fires_nor_resolves(begun: Any) -> None:
    assess(begun, DAY, verdict=Drift.DRIFTED, stream={"x": Drift.DRIFTED})
    assess(begun, "2024-03-05", verdict=Drift.INSUFFICIENT)
    begun.tell(after=timedelta(hours=20))
    assert begun.state.alerts["drift"].phase is Phase.FIRING


def test_quiet_for_long_enough_resolves(begun: Any) -> None:
    assess(begun, DAY, verdict=Drift.DRIFTED, stream={"x": Drift.DRIFTED})
    assess(begun, "2024-03-05")
    begun.tell(after=timedelta(days=1) - timedelta(microseconds=1))
    assert begun.state.alerts["drift"].phase is Phase.FIRING
    begun.tell(after=timedelta(microseconds=1))
    assert tickets(begun)[-1] == ("drift-1", Status.RESOLVED, Severity.PAGE)


def test_broken_data_pages_whatever_the_calendar_says(begun: Any) -> None:
    trouble = Trouble("all_missing", True, "3 of 6 features 100 % missing", ("b", "a", "c"))
    minor = Trouble("low_volume", False, "only 3 rows")
    assess(begun, DAY, quality=(minor, trouble), explained_by="strike")
    (tell,) = begun.owed(Tell)
    assert (tell.notice.alert, tell.notice.severity) == ("quality-1", Severity.PAGE)
    assert tell.notice.reason == "3 of 6 features 100 % missing; only 3 rows"
    assert tell.notice.features == ("a", "b", "c")


#: The first day of the strike that the fleet's calendar announces, in the midst of a freeze.
STRUCK = "2024-03-11"


def freeze(story: Any) -> None:
    until = story.now + timedelta(days=60)
    story.tell(Asked("freeze", "ann", "strike", "freeze-1", until=until))


def paged(story: Any) -> list[str]:
    """Alerts that ever paged."""
    notices = [e.notice for e in story.ever(Tell)]
    return [one.alert for one in notices if one.severity is Severity.PAGE]


@pytest.mark.parametrize("kind", ["no_rows", "type_change", "all_missing", "missing_jump"])
def test_no_event_and_no_freeze_lifts_a_page_for_broken_data(begun: Any, kind: str) -> None:
    freeze(begun)
    assess(
        begun,
        STRUCK,
        verdict=Drift.DRIFTED,
        stream={"x": Drift.DRIFTED},
        explained_by="strike",
        quality=(Trouble(kind, True, "1 of 6 features broke", ("x",)),),
    )
    assert begun.state.past[STRUCK].event == "strike"
    assert begun.state.alerts["drift"].phase is Phase.PENDING
    assert paged(begun) == ["quality-1"]


def test_no_event_and_no_freeze_lifts_a_page_for_a_burning_objective(
    fleet: Fleet, telling: Callable[..., Any]
) -> None:
    objective = Objective("answers", "demand", Sli.AVAILABILITY, 0.99, timedelta(days=30))
    story = telling(replace(fleet.models["demand"], objectives=(objective,))).begin()
    freeze(story)
    noon = datetime.fromisoformat(STRUCK).replace(tzinfo=UTC, hour=12)
    heard = TrafficCount("v1", noon - HOUR, noon, 100, 90, 0)
    story.tell(LogRead("traffic", 0, 1, 1, (), (heard,)), at=noon)
    (measure,) = story.owed(Measure)
    burns = ObjectiveStatus("answers", Burn.BURNING, True, ("burns 90 times too fast",), 0.1, 0.0)
    story.tell(Measured(measure.at, "history", (burns,)))
    assert paged(story) == ["slo-answers-1"]


def test_no_event_and_no_freeze_lifts_a_page_for_silence(begun: Any) -> None:
    """On a public holiday fewer requests are expected, and none at all is still too few."""
    freeze(begun)
    start, end = datetime(2024, 4, 8, tzinfo=UTC), datetime(2024, 4, 30, 22, tzinfo=UTC)
    hours = int((end - start) / HOUR)
    for at in (start + i * HOUR for i in range(hours)):
        heard = TrafficCount("v1", at, at + HOUR, 24 + at.hour % 3, 0, 0)
        begun.tell(LogRead("traffic", 0, 1, 1, (), (heard,)), at=at + HOUR)
    due = begun.state.hearing.due
    assert end < due < end + timedelta(hours=24), "the holiday lasts a day"
    begun.tell(at=due)
    assert paged(begun) == ["silence-1"]


def test_lesser_trouble_with_data_is_a_ticket(begun: Any) -> None:
    assess(begun, DAY, quality=(Trouble("low_volume", False, "only 3 rows"),))
    assert tickets(begun) == [("quality-1", Status.FIRING, Severity.TICKET)]


def test_scores_that_moved_are_a_ticket(begun: Any) -> None:
    assess(begun, DAY, score=Drift.DRIFTED, score_psi=0.4)
    (tell,) = begun.owed(Tell)
    assert (tell.notice.alert, tell.notice.severity) == ("score-1", Severity.TICKET)
    assert tell.notice.reason == f"scores moved: psi 0.4 on the 7 days up to {DAY}"


def test_degraded_performance_pages_and_trains(begun: Any) -> None:
    begun.batch("2024-03-03")
    degrade(begun, DAY)
    begun.tell()
    assert ("performance-1", Status.FIRING, Severity.PAGE) in tickets(begun)
    # One new labelled day is known, two are needed: the refusal is written down once.
    refusals = [line for line in begun.said("trigger") if not line["fire"]]
    assert [line["kind"] for line in refusals] == ["performance"]
    assert refusals[0]["reason"].startswith("1 new labelled days, 2 are needed")
    begun.tell(after=HOUR)
    begun.tell(after=HOUR)
    assert len(begun.said("trigger")) == 1
    assert begun.ever(Submit) == []
    degrade(begun, "2024-03-05")
    (fired,) = [line for line in begun.said("trigger") if line["fire"]]
    assert (fired["kind"], fired["run"]) == ("performance", "demand-run-1")
    (submitted,) = begun.ever(Submit)
    job = submitted.job
    assert job.days == tuple(fired["days"])
    assert len(job.days) == 10
    assert len(job.holdout_days) == 3
    assert max(job.days) < min(job.holdout_days)
    assert max(job.holdout_days) == "2024-03-05"
    assert job.inputs[job.days[0]] == f"rows-{job.days[0]}"
    assert (job.model, job.time_limit) == ("demand", timedelta(hours=4))


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
        trigger=replace(story.state.trigger, trained_at=datetime.fromisoformat(trained)),
    )
    turn = Turn(watched, story.now, story.state)
    for day, new in (("2024-03-03", 0), (first, 1)):
        past = replace(story.state.past["2024-03-03"])
        turn.change(past={**story.state.past, day: past})
        assert retraining._signals(turn).new_days == new


def test_few_labels_are_a_ticket(begun: Any) -> None:
    degrade(begun, DAY, health=Health.INSUFFICIENT, labelled=40, reason="too few labels")
    assert tickets(begun) == [("labels-1", Status.FIRING, Severity.TICKET)]
    assert begun.state.signals["labels"].reason == f"40 of 100 labels of {DAY} are in (40%)"
    assert begun.state.signals["performance"].active is None


def test_an_explained_degradation_asks_for_nothing(begun: Any) -> None:
    for day in (DAY, "2024-03-05", "2024-03-06"):
        degrade(begun, day, explained_by="strike")
    assert begun.ever(Tell) == []
    assert begun.ever(Submit) == []


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
    (challenger,) = running.state.queue
    assert (challenger.version, challenger.trigger) == ("demand-run-1", "operator")
    assert running.state.finished[0].cost == 3.5
    assert running.state.trigger.trained_at == running.now


def test_a_version_that_its_job_registered_has_its_place_already(running: Any) -> None:
    running.tell(Registered("demand-run-1", "registered"))
    (queued,) = running.state.queue
    running.tell(RunChanged("demand-run-1", JobPhase.succeeded, "demand-run-1", cost=3.5))
    assert [c.id for c in running.state.queue] == [queued.id]
    assert len(running.ever(Gate)) == 1
    assert running.state.finished[0].cost == 3.5


@pytest.mark.parametrize("place", ["champion", "rollout"])
def test_a_version_beyond_the_queue_does_not_return_to_it(running: Any, place: str) -> None:
    version = "demand-run-1"
    if place == "champion":
        running.state = replace(running.state, champion=version)
    else:
        begun = Rollout("demand-rollout-1", version, "v1", running.now, Ended.promoted)
        running.state = replace(running.state, rollout=begun)
    running.tell(RunChanged(version, JobPhase.succeeded, version))
    assert running.state.queue == ()
    assert running.state.trigger.trained_at == running.now


def test_a_run_that_fails_is_a_ticket(running: Any) -> None:
    running.tell(RunChanged("demand-run-1", JobPhase.failed, reason="out of ideas"))
    (tell,) = running.owed(Tell)
    assert (tell.notice.alert, tell.notice.severity) == ("run-1", Severity.TICKET)
    assert tell.notice.reason == "demand-run-1: out of ideas"
    ended, alert = running.owed(Publish)
    assert (ended.type, alert.type) == ("retrain.ended", "alert.firing")
    assert (ended.fields["outcome"], ended.fields["version"]) == ("failed", None)
    assert running.state.queue == ()


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
    assert line["reason"] == "2 training days before 3 holdout days, 3 are needed"
    assert story.ever(Submit) == []


def test_a_freeze_holds_a_training_and_lets_it_go(begun: Any) -> None:
    until = begun.now + timedelta(days=2)
    begun.tell(Asked("freeze", "e.noether", "launch", "c1", until=until))
    begun.tell(Asked("retrain", "g.hopper", "", "c2"))
    assert begun.ever(Submit) == []
    assert begun.said("trigger")[-1]["reason"] == "frozen: launch (asked for by g.hopper)"
    begun.tell(Asked("unfreeze", "e.noether", "launched", "c3"))
    assert len(begun.ever(Submit)) == 1


def test_a_freeze_that_ends_by_itself_lets_a_training_go(begun: Any) -> None:
    until = begun.now + timedelta(days=2)
    begun.tell(Asked("freeze", "e.noether", "launch", "c1", until=until))
    begun.tell(Asked("retrain", "g.hopper", "", "c2"))
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


def test_an_alert_is_acknowledged_by_its_name(begun: Any) -> None:
    assess(begun, DAY, verdict=Drift.DRIFTED, stream={"x": Drift.DRIFTED})
    begun.tell(Asked("ack", "a.turing", "", "c1", "drift-1"))
    alert = begun.state.alerts["drift"]
    assert (alert.phase, alert.acknowledged_by) == (Phase.ACKNOWLEDGED, "a.turing")
    begun.tell(Asked("ack", "a.turing", "", "c2", "drift-9"))
    assert begun.said("refused")[-1]["reason"] == "drift-9: no alert of that name has fired"


def test_a_refused_effect_is_told_once_as_a_ticket(begun: Any) -> None:
    assess(begun, DAY)
    begun.tell(Declined("build_reference", "reference:v1:file", "reference.parquet: no column"))
    assert tickets(begun) == [("refused-build-reference-1", Status.FIRING, Severity.TICKET)]
    assert begun.state.counts["declined"] == 1


def test_a_refusal_is_news_for_a_day(begun: Any) -> None:
    refused = Declined("tag", "tag:v2", "v2: no such version")
    begun.tell(refused)
    begun.tell(refused, after=timedelta(hours=20))
    begun.tell(after=timedelta(hours=23))
    assert begun.state.signals["refused-tag"].active
    begun.tell(after=HOUR)
    assert not begun.state.signals["refused-tag"].active
    # Refused again while the ticket is still open, it is news again.
    begun.tell(refused, after=HOUR)
    assert begun.state.signals["refused-tag"].active
    assert begun.state.alerts["refused-tag"].quiet is None
    for _ in range(2):
        assert begun.state.alerts["refused-tag"].phase is Phase.FIRING
        begun.tell(after=timedelta(days=1))
    assert begun.state.alerts["refused-tag"].phase is Phase.RESOLVED
    assert [status for _, status, _ in tickets(begun)][-1] is Status.RESOLVED
    begun.tell(refused, after=HOUR)
    assert begun.state.alerts["refused-tag"].id == "refused-tag-2"


def test_a_partition_wakes_when_a_refusal_is_no_news_any_more(begun: Any) -> None:
    begun.tell(Declined("tag", "tag:v2", "v2: no such version"))
    over = begun.now + timedelta(days=1)
    for _ in range(50):
        if begun.now >= over:
            break
        begun.tell(at=begun.wake_at)
    assert begun.now == over
    assert not begun.state.signals["refused-tag"].active


def test_a_refused_split_stays_news_until_the_split_holds(begun: Any) -> None:
    begun.tell(Declined("set_traffic", "traffic:x", "no such deployment"))
    begun.tell(after=timedelta(days=3))
    assert begun.state.signals["refused-set-traffic"].active


def condition(story: Any, key: str) -> Any:
    return story.state.signals.get(key)


def test_a_segment_that_alone_is_degraded_is_a_ticket_until_it_is_not(begun: Any) -> None:
    said = "1 of 4 segments degraded: kind=a (300 labels): calibration gap +0.1"

    def joined(day: str, degraded: str) -> None:
        degrade(begun, day, health=Health.HEALTHY, findings=(segments_finding(day, degraded),))

    joined(DAY, "")
    assert condition(begun, "segments") is None
    joined("2024-03-05", said)
    told = condition(begun, "segments")
    assert (told.active, told.severity) == (True, Severity.TICKET)
    assert told.reason == f"{said} (up to 2024-03-05)"
    joined("2024-03-06", "")
    assert condition(begun, "segments").active is False


def test_rows_logged_again_are_a_ticket_above_the_policys_share(begun: Any) -> None:
    policy = begun.watched.policy.quality

    def joined(day: str, again: int) -> None:
        found = repeated_finding(day, again, 100, policy)
        degrade(begun, day, health=Health.HEALTHY, findings=(found,))

    joined(DAY, 5)
    assert condition(begun, "repeated") is None
    joined("2024-03-05", 6)
    told = condition(begun, "repeated")
    assert (told.active, told.severity) == (True, Severity.TICKET)
    assert told.reason.startswith("6 of 106 rows of 2024-03-05 had been logged before (6%)")


def test_a_model_that_leans_on_other_features_is_a_ticket_explained_by_the_days_event(
    begun: Any,
) -> None:
    reason = "agrees by NDCG 0.700: x from rank 1 to 3 on 2024-03-05"
    found = Finding("association", True, reason, features=("x",))
    degrade(begun, health=Health.HEALTHY)
    assert condition(begun, "association") is None
    degrade(begun, "2024-03-05", health=Health.HEALTHY, findings=(found,), event="strike")
    told = condition(begun, "association")
    assert (told.active, told.severity, told.features) == (True, Severity.TICKET, ("x",))
    assert told.explained_by == "strike"
    assert told.reason.endswith("x from rank 1 to 3 on 2024-03-05")


def test_drift_of_features_the_model_hardly_looks_at_is_a_ticket_and_says_why(begun: Any) -> None:
    both = {"x": Drift.DRIFTED, "z": Drift.DRIFTED}
    assess(begun, DAY, verdict=Drift.DRIFTED, stream={"z": Drift.DRIFTED}, negligible={"z": 0.003})
    told = condition(begun, "drift")
    assert (told.active, told.severity) == (True, Severity.TICKET)
    assert "of negligible importance: 0.3% of the model's" in told.reason
    assess(begun, "2024-03-05", verdict=Drift.DRIFTED, stream=both, negligible={"z": 0.003})
    assert condition(begun, "drift").severity is Severity.PAGE

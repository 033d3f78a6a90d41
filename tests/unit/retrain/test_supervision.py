"""The supervision of a training run, from its first step to its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter

from retrain.ports import JobPhase, JobStatus, TrainingJob
from retrain.run import (
    EDGES,
    ENDS,
    Cancel,
    Cancelled,
    Elapsed,
    Ended,
    Observation,
    Phase,
    Policy,
    Poll,
    Polled,
    Run,
    Submit,
)
from retrain.supervision import step

NOW = datetime(2013, 6, 26, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY = Policy()
JOB = TrainingJob(
    id="run-3-1",
    model="delays",
    spec="python train.py",
    days=("2013-06-01", "2013-06-02"),
    holdout_days=("2013-06-03",),
    inputs={"rows": "logs/"},
    time_limit=POLICY.time_limit,
    tags={"driftwarden.run": "run-3"},
)
FIRST = Run("run-3", "performance", NOW, JOB)
SUBMITTED = step(FIRST, Elapsed(), POLICY, NOW).run
DONE = JobStatus(JobPhase.succeeded, "v7", cost=2.5)
BROKE = JobStatus(JobPhase.failed, reason="node lost", infrastructure=True)


def polled(run: Run, status: JobStatus) -> Polled:
    return Polled(run.job.id, status)


RUNNING = step(SUBMITTED, polled(SUBMITTED, JobStatus(JobPhase.running)), POLICY, NOW + MINUTE).run
STARTS = {Phase.requested: FIRST, Phase.submitted: SUBMITTED, Phase.running: RUNNING}
LATE = NOW + timedelta(hours=7)
UNKNOWN = JobStatus(JobPhase.unknown)


def moves(run: Run) -> list[tuple[Observation, datetime]]:
    """Everything that can be seen of a run, now and after its time limit."""
    said = [
        JobStatus(JobPhase.running),
        UNKNOWN,
        DONE,
        BROKE,
        JobStatus(JobPhase.succeeded),
        JobStatus(JobPhase.failed, reason="exit 1"),
        JobStatus(JobPhase.cancelled),
    ]
    seen: list[Observation] = [Elapsed(), Cancelled("ann", "enough")]
    if run.phase is not Phase.requested:
        seen += [polled(run, status) for status in said]
    return [(each, at) for each in seen for at in (NOW + 2 * MINUTE, LATE)]


def test_every_edge_is_walked_and_no_other() -> None:
    walked: dict[Phase, set[Phase]] = {phase: set() for phase in Phase}
    for phase, run in STARTS.items():
        for seen, at in moves(run):
            after = step(run, seen, POLICY, at).run
            if after.phase is not phase or after.attempt != run.attempt:
                walked[phase].add(after.phase)
    assert walked == {phase: set(EDGES[phase]) for phase in Phase}


@pytest.mark.parametrize("phase", STARTS)
def test_a_step_repeated_owes_nothing_new(phase: Phase) -> None:
    for seen, at in moves(STARTS[phase]):
        once = step(STARTS[phase], seen, POLICY, at)
        again = step(once.run, seen, POLICY, at)
        assert again.effects == ()
        assert again.run == once.run
        assert once.wake_at is None or once.wake_at > at


@pytest.mark.parametrize("phase", sorted(ENDS))
def test_an_end_is_an_end(phase: Phase) -> None:
    ended = replace(RUNNING, phase=phase)
    for seen, at in moves(RUNNING):
        assert step(ended, seen, POLICY, at).run == ended


def test_the_first_step_submits_once() -> None:
    first = step(FIRST, Elapsed(), POLICY, NOW)
    assert first.effects == (Submit("run-3-1:submit", FIRST.job),)
    assert first.wake_at == NOW + 5 * MINUTE


def test_it_asks_at_the_declared_pace() -> None:
    assert step(SUBMITTED, Elapsed(), POLICY, NOW + 4 * MINUTE).effects == ()
    due = step(SUBMITTED, Elapsed(), POLICY, NOW + 5 * MINUTE)
    assert due.effects == (Poll("run-3-1:poll:20130626T060500", "run-3-1"),)
    assert due.wake_at == NOW + 10 * MINUTE


def test_success_needs_a_version() -> None:
    done = step(RUNNING, polled(RUNNING, DONE), POLICY, NOW + 9 * MINUTE)
    assert done.effects == (Ended("run-3:ended", Phase.succeeded, "v7", "trained v7"),)
    assert (done.run.version, done.run.cost, done.run.ended_at) == ("v7", 2.5, NOW + 9 * MINUTE)
    bare = step(RUNNING, polled(RUNNING, JobStatus(JobPhase.succeeded)), POLICY, NOW)
    assert (bare.run.phase, bare.run.reason) == (Phase.failed, "no version was registered")


def test_time_over_cancels_the_job() -> None:
    late = step(RUNNING, Elapsed(), POLICY, NOW + timedelta(hours=6))
    assert late.effects == (
        Cancel("run-3-1:cancel", "run-3-1"),
        Ended(
            "run-3:ended",
            Phase.timed_out,
            None,
            "still running after 6 h (training.run.time_limit)",
        ),
    )


def test_a_success_told_late_still_counts() -> None:
    assert step(RUNNING, polled(RUNNING, DONE), POLICY, LATE).run.phase is Phase.succeeded


def test_an_operator_cancels_and_is_named() -> None:
    ended = step(RUNNING, Cancelled("ann", "wrong data"), POLICY, NOW)
    assert ended.run.reason == "by ann: wrong data"
    assert Cancel("run-3-1:cancel", "run-3-1") in ended.effects
    early = step(FIRST, Cancelled("ann", "wrong data"), POLICY, NOW)
    assert [type(effect) for effect in early.effects] == [Ended]


def test_a_lost_node_is_tried_again_once() -> None:
    again = step(RUNNING, polled(RUNNING, BROKE), POLICY, NOW)
    assert again.effects == (Submit("run-3-2:submit", replace(FIRST.job, id="run-3-2")),)
    assert again.run.reason == "retry 1 of 1: node lost"
    over = step(again.run, polled(again.run, BROKE), POLICY, NOW)
    assert (over.run.phase, over.run.reason) == (
        Phase.failed,
        "node lost, no retries left (attempt 2)",
    )


def test_the_trainings_own_failure_is_not_tried_again() -> None:
    failed = step(
        RUNNING, polled(RUNNING, JobStatus(JobPhase.failed, reason="exit 1")), POLICY, NOW
    )
    assert (failed.run.phase, failed.run.reason) == (Phase.failed, "exit 1")


def test_what_is_said_of_an_earlier_attempt_is_ignored() -> None:
    again = step(RUNNING, polled(RUNNING, BROKE), POLICY, NOW).run
    assert step(again, Polled("run-3-1", BROKE), POLICY, NOW).run == again


def test_silence_of_the_trainer_is_borne_for_a_while() -> None:
    quiet = step(RUNNING, polled(RUNNING, UNKNOWN), POLICY, NOW).run
    assert quiet.unknown_since == NOW
    still = step(quiet, polled(quiet, UNKNOWN), POLICY, NOW + 29 * MINUTE).run
    assert still.attempt == 1
    lost = step(still, polled(still, UNKNOWN), POLICY, NOW + 30 * MINUTE).run
    assert (lost.attempt, lost.reason) == (
        2,
        "retry 1 of 1: the trainer has not known the job for 30 min (training.run.unknown_for)",
    )
    back = step(still, polled(still, JobStatus(JobPhase.running)), POLICY, NOW + 30 * MINUTE).run
    assert back.unknown_since is None


def test_costs_of_attempts_add() -> None:
    spent = replace(BROKE, cost=1.5)
    again = step(RUNNING, polled(RUNNING, spent), POLICY, NOW).run
    assert step(again, polled(again, DONE), POLICY, NOW).run.cost == 4.0


def test_the_state_survives_json() -> None:
    adapter = TypeAdapter(Run)
    for run in STARTS.values():
        assert adapter.validate_json(adapter.dump_json(run)) == run

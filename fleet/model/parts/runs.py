"""A training run: submitted, polled, cancelled and ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fleet.model.effects import Cancel, Poll, Publish, Submit
from fleet.model.facts import Asked, Declined, Hinted, RunChanged
from fleet.model.lines import training
from fleet.model.part import Part, take
from fleet.model.signals.catalogue import RUN
from fleet.model.slices.promotion import Challenger
from fleet.model.slices.training import Finished
from fleet.model.turn import Turn
from fleet.published import Event
from monitoring.finding import Finding
from retrain import run, supervision, trigger
from retrain.ports import JobPhase, JobStatus

SHORTEST = timedelta(seconds=1)


def changed(turn: Turn, fact: RunChanged) -> RunChanged:
    """Take over the trainer's answer about the run."""
    status = JobStatus(fact.phase, fact.version, fact.reason, fact.infrastructure, fact.cost)
    _observe(turn, run.Polled(fact.run, status))
    return fact


def asked(turn: Turn, fact: Asked) -> Asked:
    """Cancel the run where an operator says so."""
    if fact.verb == "cancel":
        _observe(turn, run.Cancelled(fact.by, fact.reason))
    return fact


def hinted(turn: Turn, fact: Hinted) -> Hinted:
    """Make the run's next question to the trainer due; a hint at another run changes nothing."""
    known = turn.training.run
    if known is None or known.ended or known.poll_at is None:
        return fact
    if fact.run in (known.id, known.job.id):
        turn.training = replace(
            turn.training, run=replace(known, poll_at=min(known.poll_at, turn.now))
        )
    return fact


def declined(turn: Turn, fact: Declined) -> Declined | None:
    """Fail the run whose submission or poll was refused; its end is the alert."""
    known = turn.training.run
    if fact.effect not in ("submit", "poll") or known is None:
        return fact
    changed(turn, RunChanged(known.job.id, JobPhase.failed, None, fact.reason))
    return None


def follow(turn: Turn) -> None:
    """Move the run on with time."""
    _observe(turn, run.Elapsed())


def _observe(turn: Turn, seen: run.Observation) -> None:
    known, policy = turn.training.run, turn.watched.policy.training
    if known is None or known.ended or policy is None:
        return
    step = supervision.step(known, seen, policy.run, turn.now)
    turn.training = replace(turn.training, run=step.run)
    turn.wake(step.wake_at)
    for effect in step.effects:
        _run_effect(turn, effect)


def _run_effect(turn: Turn, effect: run.Effect) -> None:
    match effect:
        case run.Submit(job=job):
            turn.owe(Submit(job.id, job))
        case run.Poll(job_id=job_id):
            turn.owe(Poll(job_id, turn.now))
        case run.Cancel(job_id=job_id):
            turn.owe(Cancel(job_id))
        case run.Ended():
            _run_ended(turn, effect)


def _run_ended(turn: Turn, ended: run.Ended) -> None:
    over = turn.training.run
    if over is None:
        return
    turn.say(training.Run(over.id, ended.outcome, ended.version, ended.reason))
    turn.owe(
        Publish(
            f"retrain:{ended.key}",
            Event.RETRAIN_ENDED,
            {
                "run": over.id,
                "trigger": over.trigger,
                "outcome": ended.outcome,
                "version": ended.version,
                "reason": ended.reason,
                "cost": over.cost,
            },
            turn.now,
        )
    )
    failed = ended.outcome in (run.Phase.failed, run.Phase.timed_out)
    turn.signal(Finding(RUN, failed, f"{over.id}: {ended.reason}"))
    if ended.outcome is not run.Phase.succeeded or ended.version is None:
        return
    took = max(turn.now - over.at, SHORTEST).total_seconds()
    turn.training = replace(
        turn.training,
        finished=(*turn.training.finished, Finished(took, over.cost))[-10:],
        trigger=trigger.trained(turn.training.trigger, turn.now),
    )
    if ended.version not in turn.model.versions_under_way:
        challenger = Challenger(ended.version, over.id, over.trigger)
        turn.promotion = replace(turn.promotion, queue=(*turn.promotion.queue, challenger))


PART = Part(
    "runs",
    (take(RunChanged, changed), take(Asked, asked), take(Hinted, hinted), take(Declined, declined)),
    follow,
)
#: A run that has just begun is handed over in the unit that decided it.
HANDED_OVER = Part("runs: handed over", follow=follow)

"""Supervise one training run: submit it once, poll it, limit its time, retry a failed node."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from retrain.ports import JobPhase, JobStatus
from retrain.run import (
    Cancel,
    Cancelled,
    Effect,
    Ended,
    Observation,
    Phase,
    Policy,
    Poll,
    Polled,
    Run,
    Submit,
)


@dataclass(frozen=True)
class Step:
    """The run after an observation, the effects it owes, and when to step again."""

    run: Run
    effects: tuple[Effect, ...]
    wake_at: datetime | None


def step(run: Run, observation: Observation, policy: Policy, now: datetime) -> Step:
    """Apply one observation at `now`; an ended run stays as it is and owes nothing."""
    if run.ended:
        return Step(run, (), None)
    match observation:
        case Cancelled(by, reason):
            after = _end(run, Phase.cancelled, f"by {by}: {reason}", now)
        case Polled(job_id, status) if job_id == run.job.id and run.phase is not Phase.requested:
            after = _heard(run, status, policy, now)
        case _:
            after = run
    effects: tuple[Effect, ...] = ()
    if not after.ended:
        after, effects = _due(after, run, policy, now)
    if after.ended:
        effects = _last(run, after)
    return Step(after, effects, _wake(after))


def _heard(run: Run, status: JobStatus, policy: Policy, now: datetime) -> Run:
    cost = (run.cost or 0.0) + status.cost if status.cost is not None else run.cost
    match status.phase:
        case JobPhase.running:
            return replace(run, phase=Phase.running, unknown_since=None)
        case JobPhase.unknown:
            lost = run.unknown_since is not None and now >= run.unknown_since + policy.unknown_for
            if lost:
                silent = f"{_span(policy.unknown_for)} (training.run.unknown_for)"
                return _again(run, f"the trainer has not known the job for {silent}", policy, now)
            return replace(run, unknown_since=run.unknown_since or now)
        case JobPhase.succeeded if status.version is None:
            return _end(replace(run, cost=cost), Phase.failed, "no version was registered", now)
        case JobPhase.succeeded:
            done = replace(run, cost=cost, version=status.version)
            return _end(done, Phase.succeeded, f"trained {status.version}", now)
        case JobPhase.cancelled:
            reason = status.reason or "cancelled at the trainer"
            return _end(replace(run, cost=cost), Phase.cancelled, reason, now)
        case JobPhase.failed:
            reason = status.reason or "the training failed"
            spent = replace(run, cost=cost)
            if status.infrastructure:
                return _again(spent, reason, policy, now)
            return _end(spent, Phase.failed, reason, now)


def _again(run: Run, reason: str, policy: Policy, now: datetime) -> Run:
    if run.attempt > policy.retries:
        return _end(run, Phase.failed, f"{reason}, no retries left (attempt {run.attempt})", now)
    job = replace(run.job, id=f"{run.id}-{run.attempt + 1}")
    return replace(
        run,
        phase=Phase.submitted,
        job=job,
        attempt=run.attempt + 1,
        since=now,
        poll_at=now + policy.poll_every,
        unknown_since=None,
        reason=f"retry {run.attempt} of {policy.retries}: {reason}",
    )


def _due(after: Run, before: Run, policy: Policy, now: datetime) -> tuple[Run, tuple[Effect, ...]]:
    """Submit, poll or time out a run that has not ended, as is due at `now`."""
    if after.phase is Phase.requested:
        after = replace(after, phase=Phase.submitted, since=now, poll_at=now + policy.poll_every)
    if after.since is None or after.poll_at is None:
        return after, ()
    if before.phase is Phase.requested or after.job.id != before.job.id:
        return after, (Submit(f"{after.job.id}:submit", after.job),)
    if now >= after.since + after.job.time_limit:
        limit = f"{_span(after.job.time_limit)} (training.run.time_limit)"
        return _end(after, Phase.timed_out, f"still running after {limit}", now), ()
    if now < after.poll_at:
        return after, ()
    asked = Poll(f"{after.job.id}:poll:{after.poll_at:%Y%m%dT%H%M%S}", after.job.id)
    return replace(after, poll_at=now + policy.poll_every), (asked,)


def _end(run: Run, phase: Phase, reason: str, now: datetime) -> Run:
    return replace(run, phase=phase, reason=reason, ended_at=now, poll_at=None)


def _span(length: timedelta) -> str:
    minutes = length / timedelta(minutes=1)
    return f"{minutes:.3g} min" if minutes < 60 else f"{minutes / 60:.3g} h"


def _last(before: Run, after: Run) -> tuple[Effect, ...]:
    ended = Ended(f"{after.id}:ended", after.phase, after.version, after.reason)
    stop = after.phase in (Phase.cancelled, Phase.timed_out) and before.phase is not Phase.requested
    return (Cancel(f"{after.job.id}:cancel", after.job.id), ended) if stop else (ended,)


def _wake(run: Run) -> datetime | None:
    if run.ended or run.since is None or run.poll_at is None:
        return None
    return min(run.poll_at, run.since + run.job.time_limit)

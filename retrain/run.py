"""One training run: submitted once, watched, limited in time, tried again if its node fails."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

import engine.policy
from retrain.ports import JobPhase, JobStatus, TrainingJob


class Phase(StrEnum):
    """Where a run stands; the last four are ends."""

    requested = "requested"
    submitted = "submitted"
    running = "running"
    succeeded = "succeeded"
    failed = "failed"
    cancelled = "cancelled"
    timed_out = "timed_out"


ENDS = frozenset({Phase.succeeded, Phase.failed, Phase.cancelled, Phase.timed_out})
EDGES: dict[Phase, frozenset[Phase]] = {
    Phase.requested: frozenset({Phase.submitted, Phase.cancelled}),
    # Back to submitted: a new attempt after the infrastructure failed.
    Phase.submitted: frozenset({Phase.running, Phase.submitted}) | ENDS,
    Phase.running: frozenset({Phase.submitted}) | ENDS,
    Phase.succeeded: frozenset(),
    Phase.failed: frozenset(),
    Phase.cancelled: frozenset(),
    Phase.timed_out: frozenset(),
}


class Policy(engine.policy.Policy):
    """How a run is watched."""

    time_limit: timedelta = Field(
        timedelta(hours=6), gt=timedelta(0), description="Time after which an attempt is cancelled."
    )
    poll_every: timedelta = Field(
        timedelta(minutes=5), gt=timedelta(0), description="How often the trainer is asked."
    )
    unknown_for: timedelta = Field(
        timedelta(minutes=30),
        gt=timedelta(0),
        description="How long the trainer may not know the job before it counts as lost.",
    )
    retries: int = Field(
        1, ge=0, le=5, description="New attempts after failures of the infrastructure."
    )


@dataclass(frozen=True)
class Run:
    """One run; `job` is the job of the present attempt, `since` when that attempt began.

    `unknown_since`: the trainer has not known the job from then on.
    """

    id: str
    trigger: str
    at: datetime
    job: TrainingJob
    phase: Phase = Phase.requested
    attempt: int = 1
    since: datetime | None = None
    poll_at: datetime | None = None
    unknown_since: datetime | None = None
    ended_at: datetime | None = None
    version: str | None = None
    cost: float | None = None
    reason: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing can follow any more."""
        return self.phase in ENDS


@dataclass(frozen=True)
class Elapsed:
    """Nothing but time has passed."""


@dataclass(frozen=True)
class Polled:
    """What the trainer said about one job; about an earlier attempt's it is ignored."""

    job_id: str
    status: JobStatus


@dataclass(frozen=True)
class Cancelled:
    """An operator ends the run."""

    by: str
    reason: str


Observation = Elapsed | Polled | Cancelled


@dataclass(frozen=True)
class Submit:
    """Hand the job to the trainer."""

    key: str
    job: TrainingJob


@dataclass(frozen=True)
class Poll:
    """Ask the trainer about the job; the answer comes back as `Polled`."""

    key: str
    job_id: str


@dataclass(frozen=True)
class Cancel:
    """Tell the trainer to stop the job."""

    key: str
    job_id: str


@dataclass(frozen=True)
class Ended:
    """The run is over."""

    key: str
    outcome: Phase
    version: str | None
    reason: str


Effect = Submit | Poll | Cancel | Ended


@dataclass(frozen=True)
class Step:
    """The state after an observation, what it owes, and when to look again."""

    run: Run
    effects: tuple[Effect, ...]
    wake_at: datetime | None


def step(run: Run, observation: Observation, policy: Policy, now: datetime) -> Step:
    """What follows from one observation at `now`; an ended run owes nothing any more."""
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
                return _again(run, "the trainer lost the job", policy, now)
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
        return _end(run, Phase.failed, f"{reason} (attempt {run.attempt})", now)
    job = replace(run.job, id=f"{run.id}-{run.attempt + 1}")
    return replace(
        run,
        phase=Phase.submitted,
        job=job,
        attempt=run.attempt + 1,
        since=now,
        poll_at=now + policy.poll_every,
        unknown_since=None,
        reason=f"again: {reason}",
    )


def _due(after: Run, before: Run, policy: Policy, now: datetime) -> tuple[Run, tuple[Effect, ...]]:
    """What time makes due on a run that goes on."""
    if after.phase is Phase.requested:
        after = replace(after, phase=Phase.submitted, since=now, poll_at=now + policy.poll_every)
    if after.since is None or after.poll_at is None:
        return after, ()
    if before.phase is Phase.requested or after.job.id != before.job.id:
        return after, (Submit(f"{after.job.id}:submit", after.job),)
    if now >= after.since + after.job.time_limit:
        limit = after.job.time_limit
        return _end(after, Phase.timed_out, f"still running after {limit}", now), ()
    if now < after.poll_at:
        return after, ()
    asked = Poll(f"{after.job.id}:poll:{after.poll_at:%Y%m%dT%H%M%S}", after.job.id)
    return replace(after, poll_at=now + policy.poll_every), (asked,)


def _end(run: Run, phase: Phase, reason: str, now: datetime) -> Run:
    return replace(run, phase=phase, reason=reason, ended_at=now, poll_at=None)


def _last(before: Run, after: Run) -> tuple[Effect, ...]:
    ended = Ended(f"{after.id}:ended", after.phase, after.version, after.reason)
    stop = after.phase in (Phase.cancelled, Phase.timed_out) and before.phase is not Phase.requested
    return (Cancel(f"{after.job.id}:cancel", after.job.id), ended) if stop else (ended,)


def _wake(run: Run) -> datetime | None:
    if run.ended or run.since is None or run.poll_at is None:
        return None
    return min(run.poll_at, run.since + run.job.time_limit)

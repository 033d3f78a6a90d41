"""The states of one training run, its observations and its effects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

import engine.policy
from engine.duration import Duration
from retrain.ports import JobStatus, TrainingJob


class Phase(StrEnum):
    """The phase of a run; the last four are final."""

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
    # Back to submitted: a new attempt after an infrastructure failure.
    Phase.submitted: frozenset({Phase.running, Phase.submitted}) | ENDS,
    Phase.running: frozenset({Phase.submitted}) | ENDS,
    Phase.succeeded: frozenset(),
    Phase.failed: frozenset(),
    Phase.cancelled: frozenset(),
    Phase.timed_out: frozenset(),
}


class Policy(engine.policy.Policy):
    """How a run is watched."""

    time_limit: Duration = Field(
        timedelta(hours=6), gt=timedelta(0), description="Time after which an attempt is cancelled."
    )
    poll_every: Duration = Field(
        timedelta(minutes=5), gt=timedelta(0), description="How often the trainer is asked."
    )
    unknown_for: Duration = Field(
        timedelta(minutes=30),
        gt=timedelta(0),
        description="How long the trainer may not know the job before it counts as lost.",
    )
    retries: int = Field(
        1, ge=0, le=5, description="New attempts after failures of the infrastructure."
    )


@dataclass(frozen=True)
class Run:
    """One run; `job` is the job of the current attempt, `since` when that attempt began.

    `unknown_since`: since when the trainer has not known the job.
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
        """Whether the run is in a final phase."""
        return self.phase in ENDS


@dataclass(frozen=True)
class Elapsed:
    """Time has passed, without an answer or a command."""


@dataclass(frozen=True)
class Polled:
    """The trainer's answer about one job; ignored if that is the job of an earlier attempt."""

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

"""Ports to train, serve and register models; each host implements them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from engine.errors import Refused
from retrain.registry import Stage


class JobPhase(StrEnum):
    """A job's phase by its trainer; `unknown` is a missing answer, never a failure by itself."""

    running = "running"
    succeeded = "succeeded"
    failed = "failed"
    cancelled = "cancelled"
    unknown = "unknown"


@dataclass(frozen=True)
class TrainingJob:
    """One training to carry out.

    `days` and `holdout_days` are ISO dates, `inputs` maps an input's name to where it lies,
    `spec` is what the host's trainer understands: a command line, or the name of a pipeline.
    """

    id: str
    model: str
    spec: str
    days: tuple[str, ...]
    holdout_days: tuple[str, ...]
    inputs: dict[str, str]
    time_limit: timedelta
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JobStatus:
    """A job's state by its trainer.

    `version` is the version it registered, once it succeeded. `infrastructure` marks a failure that
    is not the training's own (a lost node, a quota), so that a retry makes sense. `cost` is in the
    currency of the budget, where the trainer knows it.
    """

    phase: JobPhase
    version: str | None = None
    reason: str = ""
    infrastructure: bool = False
    cost: float | None = None


class Trainer(Protocol):
    """Runs trainings; every method is idempotent."""

    def submit(self, job: TrainingJob) -> None:
        """Start the job, once per `job.id`."""

    def poll(self, job_id: str, now: datetime) -> JobStatus:
        """The job's status at `now`."""

    def cancel(self, job_id: str) -> None:
        """Stop the job if it still runs."""


@dataclass(frozen=True)
class Traffic:
    """How live traffic is split: whole percent by version, summing to 100, plus shadows.

    A version of weight 0 is the same as one left out. Shadows score a copy of the traffic; their
    answers are discarded.

    A `retreat` gives the traffic back to the champion: nothing but the write may hold it up.

    Of a split that was read: `names` gives the version by the name of its deployment in logs, where
    the two differ; `foreign` describes a split set by somebody else that this one replaced;
    `unready` describes deployments that get live traffic although they are not in order.
    """

    weights: dict[str, int]
    shadow: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    foreign: str = field(default="", compare=False)
    unready: str = field(default="", compare=False)
    retreat: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if sum(self.weights.values()) != 100 or min(self.weights.values()) < 0:
            raise Refused(f"traffic {self.weights}: weights must be 0 to 100 and sum to 100")
        if live := {v for v in self.shadow if self.weights.get(v, 0) > 0}:
            raise Refused(f"traffic: {', '.join(sorted(live))} cannot be live and shadow at once")


class Serving(Protocol):
    """Routes live traffic."""

    def set_traffic(
        self, model: str, traffic: Traffic, key: str, replaces: tuple[str, ...] = ()
    ) -> None:
        """Make `traffic` hold for `model`; the same `key` always carries the same target.

        `replaces` are earlier keys that may still be on their way: they are late from now on, and
        change nothing.
        """

    def traffic(self, model: str) -> Traffic | None:
        """The split that holds now; None where no version gets live traffic."""


@dataclass(frozen=True)
class ModelCard:
    """A registry's record of one version; training days are inclusive ISO dates.

    `importance` weighs features, in any unit, as the training measured it; empty if it did not.
    """

    name: str
    version: str
    features: tuple[str, ...]
    training_from: str | None = None
    training_to: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    stage: Stage = Stage.candidate
    importance: dict[str, float] = field(default_factory=dict)


class Registry(Protocol):
    """Stores model versions."""

    def card(self, model: str, version: str) -> ModelCard:
        """The card of one version; Refused when there is none."""

    def tag(self, model: str, version: str, tags: dict[str, str], stage: Stage) -> None:
        """Add `tags` to the version and put it into `stage`; repeating changes nothing."""

    def versions(self, model: str) -> tuple[str, ...]:
        """All versions of the model, oldest first."""

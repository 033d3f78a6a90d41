"""Training: when it was last triggered and declined, and the run under way."""

from __future__ import annotations

from dataclasses import dataclass, field

from retrain.run import Run
from retrain.trigger import State as TriggerState


@dataclass(frozen=True)
class Finished:
    """One past run, for the estimate of the next one's cost."""

    seconds: float
    cost: float | None


@dataclass(frozen=True)
class Training:
    """The run under way or ended last, and what decides on the next one.

    `declined` is the reason why the last trigger did not fire, `asked_by` the operator and `event`
    the watched event that ask for a retraining, `started` the number of runs so far.
    """

    trigger: TriggerState = field(default_factory=TriggerState)
    declined: str = ""
    asked_by: str | None = None
    event: str | None = None
    run: Run | None = None
    finished: tuple[Finished, ...] = ()
    started: int = 0

    @property
    def active(self) -> Run | None:
        """The run that has not ended, if there is one."""
        return None if self.run is None or self.run.ended else self.run

"""Choose the days that a challenger is trained on, and the later days that evaluate it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from pydantic import Field, model_validator

import engine.policy
from engine.policy import MOST_ROWS


class Policy(engine.policy.Policy):
    """How the days of a training are chosen."""

    days: int = Field(
        60, ge=1, le=3653, description="Training days at most, the newest ones first."
    )
    holdout_days: int = Field(
        7, ge=1, le=366, description="Newest usable days, kept out of training for the gate."
    )
    min_days: int = Field(
        14, ge=1, le=3653, description="Training days below which no training is possible."
    )
    min_labelled: float = Field(
        0.8,
        ge=0,
        le=1,
        description="Share of a day's rows that must be labelled for the day to be used.",
    )
    min_rows: int = Field(1, ge=1, le=MOST_ROWS, description="Rows below which a day is not used.")
    exclude_events: bool = Field(
        True, description="Whether days of announced events are left out of training."
    )

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.min_days > self.days:
            raise ValueError(f"min_days {self.min_days} is never reached in days {self.days}")
        return self


@dataclass(frozen=True)
class DayRow:
    """One day of logged rows; `event` names an announced event on it."""

    day: date
    rows: int
    labelled: int
    event: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """A day that was not used, and why."""

    day: date
    reason: str


@dataclass(frozen=True)
class Selection:
    """The days chosen, oldest first; every holdout day is later than every training day.

    `reason` is empty when there is enough to train on.
    """

    training: tuple[date, ...]
    holdout: tuple[date, ...]
    left_out: tuple[LeftOut, ...]
    reason: str = ""

    @property
    def enough(self) -> bool:
        """Whether there are enough days to start a training."""
        return not self.reason


def select(days: Sequence[DayRow], policy: Policy, today: date) -> Selection:
    """Choose among complete days before `today`.

    Days of events are left out of both sides: they would teach exceptions to the challenger, or
    judge it by them. Days too old for the training window are not reported as left out.
    """
    usable: list[date] = []
    left: list[LeftOut] = []
    wanted = policy.days + policy.holdout_days
    for row in sorted(days, key=lambda row: row.day, reverse=True):
        if len(usable) == wanted:
            break
        if (why := _unfit(row, policy, today)) is None:
            usable.append(row.day)
        else:
            left.append(LeftOut(row.day, why))
    holdout = tuple(reversed(usable[: policy.holdout_days]))
    training = tuple(reversed(usable[policy.holdout_days :]))
    reason = ""
    if len(training) < policy.min_days:
        reason = (
            f"too little to train on: {len(training)} days before {len(holdout)} holdout days, "
            f"{policy.min_days} are needed"
        )
    return Selection(training, holdout, tuple(reversed(left)), reason)


def _unfit(row: DayRow, policy: Policy, today: date) -> str | None:
    if row.day >= today:
        return "the day is not over"
    if policy.exclude_events and row.event is not None:
        return f"announced event: {row.event}"
    if row.rows < policy.min_rows:
        return f"{row.rows} rows, {policy.min_rows} are needed"
    if row.labelled < policy.min_labelled * row.rows:
        least = f"{100 * policy.min_labelled:g} %"
        return f"{row.labelled} of {row.rows} rows labelled, {least} are needed"
    return None

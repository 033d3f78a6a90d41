"""The way to production as data: a strategy turns the policy into a tuple of stages.

A stage says how the traffic is split, for how long, and by which rule it is left. The legal moves
are derived here, the traffic and the next time to look in `place`, the rules are in `exits`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import accumulate
from typing import ClassVar, Self

from pydantic import Field, model_validator

import engine.policy
from engine.duration import Duration
from retrain import gate
from retrain.rollout import judge
from retrain.rollout.state import Phase


class Exit(StrEnum):
    """The rule by which a stage is left; `exits.EXITS` holds the rules."""

    gate = "gate"
    counted = "counted"
    cleared = "cleared"


@dataclass(frozen=True)
class Stage:
    """One stage of a rollout.

    `weight` is the percent of the live traffic on the challenger; with `mirror` the challenger
    scores a copy of the traffic. `hold` is how long the stage lasts at least.
    """

    phase: Phase
    weight: int
    mirror: bool
    hold: timedelta
    exit: Exit

    @property
    def split(self) -> bool:
        """Whether both versions answer live requests, so that guards can compare them."""
        return 0 < self.weight < 100


Strategy = Callable[["Policy"], tuple[Stage, ...]]


class StagePolicy(engine.policy.Policy):
    """One canary stage."""

    weight: int = Field(description="Percent of the live traffic on the challenger.", ge=1, le=99)
    hold: Duration = Field(description="How long the stage lasts.", gt=timedelta(0))


class Policy(engine.policy.Policy):
    """The path of a challenger to production."""

    #: Name in `STRATEGIES`. Not a field: a field enters the policy's hash, which is journalled.
    strategy: ClassVar[str] = "canary"

    shadow: Duration = Field(
        timedelta(days=7),
        gt=timedelta(0),
        description="How long the challenger scores a copy of the traffic before it answers any.",
    )
    steps: tuple[StagePolicy, ...] = Field(
        (
            StagePolicy(weight=10, hold=timedelta(days=2)),
            StagePolicy(weight=50, hold=timedelta(days=2)),
        ),
        min_length=1,
        description="Canary stages in order.",
    )
    bake: Duration = Field(
        timedelta(days=1),
        description="How long the challenger answers all traffic before it is promoted.",
    )
    label_wait: Duration = Field(
        timedelta(days=3),
        description="How long evidence is awaited after the end of a phase before deciding "
        "without it.",
    )
    approval: bool = Field(
        False, description="Whether an operator has to approve before live traffic moves."
    )
    approval_wait: Duration = Field(
        timedelta(days=7),
        description="How long an approval is awaited before the rollout is stopped.",
    )

    @model_validator(mode="after")
    def _stages_can_be_left(self) -> Self:
        check(STRATEGIES[self.strategy](self))
        return self


@dataclass(frozen=True)
class Rules:
    """The three policies that a rollout obeys."""

    rollout: Policy
    judge: judge.Policy
    gate: gate.Policy


def canary(policy: Policy) -> tuple[Stage, ...]:
    """A shadow, live traffic step by step, then all of it until a guard is cleared."""
    return (
        Stage(Phase.shadow, 0, mirror=True, hold=policy.shadow, exit=Exit.gate),
        *(
            Stage(Phase.canary, step.weight, mirror=False, hold=step.hold, exit=Exit.counted)
            for step in policy.steps
        ),
        Stage(Phase.bake, 100, mirror=False, hold=policy.bake, exit=Exit.cleared),
    )


#: By the name that a rollout keeps. Stages with two live arms are those of `Policy.steps`.
STRATEGIES: dict[str, Strategy] = {"canary": canary}


def check(stages: Sequence[Stage]) -> None:
    """Refuse stages whose exit rule could never find what it decides on.

    Raises
    ------
    ValueError
        With the number of the stage, from 1, and what it lacks.
    """
    if not any(stage.weight for stage in stages):
        raise ValueError("no stage gives the challenger live traffic")
    compared = False
    for number, (stage, place) in enumerate(zip(stages, places(stages), strict=True), 1):
        compared |= stage.split
        named = f"stage {number} ({stage.phase}, {stage.weight} %)"
        if place in places(stages)[: number - 1]:
            raise ValueError(f"{named}: only stages with two live arms may share a phase")
        if (stage.phase is Phase.shadow) != (stage.weight == 0):
            raise ValueError(f"{named}: a shadow, and no other stage, has weight 0")
        if stage.mirror and stage.weight:
            raise ValueError(f"{named}: a live challenger cannot score mirrored traffic as well")
        match stage.exit:
            case Exit.gate if not stage.mirror:
                raise ValueError(f"{named}: exit rule gate compares on mirrored traffic")
            case Exit.counted if not stage.split:
                raise ValueError(f"{named}: exit rule counted needs two live arms at once")
            case Exit.cleared if not compared:
                raise ValueError(f"{named}: exit rule cleared needs two live arms by then")


def places(stages: Sequence[Stage]) -> list[tuple[Phase, int]]:
    """Return where each stage stands: its phase, and the index of the latest split stage."""
    begun = accumulate(int(stage.split) for stage in stages)
    return [(stage.phase, max(0, count - 1)) for stage, count in zip(stages, begun, strict=True)]


def first_live(stages: Sequence[Stage]) -> int:
    """Return the index of the first stage in which the challenger answers requests."""
    return next(at for at, stage in enumerate(stages) if stage.weight)


def edges(ways: Iterable[Sequence[Stage]]) -> dict[Phase, frozenset[Phase]]:
    """Return the legal moves between phases over all `ways`; an end has none.

    A waiver starts at the first live stage. Only live traffic can be rolled back.
    """
    after: dict[Phase, set[Phase]] = {phase: set() for phase in Phase}
    for stages in ways:
        after[Phase.waiting] |= {stages[0].phase, stages[first_live(stages)].phase, Phase.stopped}
        following = [*(stage.phase for stage in stages[1:]), Phase.promoted]
        for stage, then in zip(stages, following, strict=True):
            back = {Phase.rolled_back} if stage.weight else set()
            after[stage.phase] |= ({then, Phase.stopped} | back) - {stage.phase}
    return {phase: frozenset(phases) for phase, phases in after.items()}


EDGES = edges(strategy(Policy()) for strategy in STRATEGIES.values())

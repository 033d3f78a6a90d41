"""The aggregate of one model: every fact that reaches its partition, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.errors import Refused
from engine.step import Step
from fleet.document.policies import Watched
from fleet.model.facts import Fact
from fleet.model.part import Taken
from fleet.model.parts import (
    alerts,
    announced,
    archive,
    azure_alerts,
    candidates,
    commands,
    configured,
    counts,
    happened,
    labels,
    logs,
    looks,
    merging,
    objectives,
    reference,
    refusals,
    registry,
    renewal,
    reports,
    retraining,
    rollouts,
    runs,
    silence,
    split,
    strangers,
    uncollected,
    unfinished,
    windows,
)
from fleet.model.signals import drift
from fleet.model.signals import labels as labelled
from fleet.model.state import Model
from fleet.model.turn import Turn

#: The parts of a step, in the order in which facts pass through them and in which they follow.
PARTS = (
    configured.PART,
    commands.PART,
    refusals.PART,
    happened.PART,
    reference.PART,
    logs.PART,
    unfinished.PART,
    archive.PART,
    uncollected.PART,
    labels.PART,
    merging.PART,
    windows.PART,
    renewal.PART,
    counts.PART,
    objectives.PART,
    silence.PART,
    drift.PART,
    labelled.PART,
    runs.PART,
    registry.PART,
    candidates.PART,
    split.PART,
    rollouts.PART,
    looks.PART,
    strangers.PART,
    azure_alerts.PART,
    alerts.PART,
    reports.PART,
    announced.PART,
    retraining.PART,
    runs.HANDED_OVER,
)
TAKEN = frozenset(take.kind for part in PARTS for take in part.takes)


def step(state: Model, facts: Sequence[Fact], watched: Watched, now: datetime) -> Step:
    """Take the facts in, then owe everything that follows from what is known.

    Pure and level-triggered: stepping again without a fact owes nothing new.

    Raises
    ------
    Refused
        A fact of a kind that no part takes.
    """
    turn = Turn(watched, now, state)
    for fact in facts:
        if type(fact) not in TAKEN:
            raise Refused(f"a model's partition does not take {type(fact).__name__}")
        _take(turn, fact)
    told = len(turn.lines)
    happened.remember(turn, turn.lines)
    if turn.model.champion:
        for part in PARTS:
            if part.follow is not None:
                part.follow(turn)
        happened.remember(turn, turn.lines[told:])
    return turn.step()


def _take(turn: Turn, fact: Fact) -> None:
    """Hand a fact from part to part until one of them stops it."""
    passed: Taken | None = fact
    for take in (take for part in PARTS for take in part.takes):
        if passed is None:
            return
        passed = take(turn, passed)

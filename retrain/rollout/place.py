"""Where a rollout stands among its stages, and what follows from that: traffic and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from retrain.ports import Traffic
from retrain.rollout.plan import Exposure
from retrain.rollout.stages import STRATEGIES, Policy, Stage, StagePolicy, places
from retrain.rollout.state import Phase, Rollout


def stages_of(rollout: Rollout, policy: Policy) -> tuple[Stage, ...]:
    """Return the stages by the rollout's own strategy and steps; the rest follows the policy."""
    return _drawn(rollout.strategy, rollout.stages, policy)


def stage_of(rollout: Rollout, policy: Policy) -> Stage | None:
    """Return the stage under way; None while the rollout waits and after its end."""
    stages = stages_of(rollout, policy)
    here = (rollout.phase, rollout.stage)
    return dict(zip(places(stages), stages, strict=True)).get(here)


def enter(
    rollout: Rollout, stages: Sequence[Stage], at: int, reason: str, now: datetime
) -> Rollout:
    """Return the rollout at the begin of `stages[at]`."""
    phase, number = places(stages)[at]
    moved = (now,) if stages[at].weight else ()
    return replace(
        rollout,
        phase=phase,
        stage=number,
        since=now,
        changes=rollout.changes + moved,
        heard=0,
        reason=reason,
    )


def leave(rollout: Rollout, policy: Policy, reason: str, now: datetime) -> Rollout:
    """Return the rollout in the stage after its present one; after the last it is promoted."""
    stages = stages_of(rollout, policy)
    after = places(stages).index((rollout.phase, rollout.stage)) + 1
    if after == len(stages):
        return replace(rollout, phase=Phase.promoted, reason=reason)
    return enter(rollout, stages, after, reason, now)


def traffic(rollout: Rollout, policy: Policy) -> Traffic | None:
    """Return the split that has to hold now; None while the rollout waits and owns no traffic."""
    old, new = rollout.champion, rollout.challenger
    if rollout.phase is Phase.promoted:
        return Traffic({new: 100})
    if rollout.ended:
        return Traffic({old: 100}, retreat=True)
    stage = stage_of(rollout, policy)
    if stage is None:
        return None
    live = {new: stage.weight} if stage.weight else {}
    return Traffic({old: 100 - stage.weight, **live}, shadow=(new,) if stage.mirror else ())


def wake_at(rollout: Rollout, policy: Policy, now: datetime) -> datetime | None:
    """Return the next moment at which time alone may move the rollout."""
    stage = stage_of(rollout, policy)
    if stage is None:
        return None
    end = rollout.since + stage.hold
    due = [end, end + policy.label_wait]
    if not stage.weight:
        # An approval is awaited before live traffic moves.
        due.append(end + policy.label_wait + policy.approval_wait)
    return min((moment for moment in due if moment > now), default=None)


@lru_cache(maxsize=256)
def _drawn(strategy: str, pinned: tuple[Exposure, ...], policy: Policy) -> tuple[Stage, ...]:
    steps = tuple(StagePolicy(weight=step.weight, hold=step.hold) for step in pinned)
    return STRATEGIES[strategy](policy.model_copy(update={"steps": steps}) if steps else policy)

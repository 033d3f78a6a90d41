"""The rules by which a stage is left: to the next stage or to `stopped`; None while it lasts.

`frozen` holds every move towards production. The step rolls back on a rejected guard before it
asks a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from retrain import gate
from retrain.rollout import judge
from retrain.rollout.place import leave
from retrain.rollout.stages import Exit, Rules, Stage
from retrain.rollout.state import Phase, Rollout

Rule = Callable[[Rollout, Stage, Rules, datetime, bool], Rollout | None]


def gated(
    rollout: Rollout, stage: Stage, rules: Rules, now: datetime, frozen: bool
) -> Rollout | None:
    """Leave when the losses on mirrored traffic, looked at once, pass and the move is approved."""
    policy = rules.rollout
    end = rollout.since + stage.hold
    late = now >= end + policy.label_wait
    complete = "shadow" in rollout.through and rollout.through["shadow"] >= end
    if now < end or not (complete or late):
        return None
    result = rollout.shadow_result
    if result is None:
        # Stored, so that a repeated step does not look at the shadow a second time.
        looked = gate.shadow_verdict(rollout.shadow_days, rollout.need, rules.gate)
        return replace(rollout, shadow_result=looked, reason=f"shadow {looked.verdict}")
    if result.verdict is not gate.Verdict.passed:
        reason = f"shadow {result.verdict}: {result.reason}"
        return replace(rollout, phase=Phase.stopped, reason=reason)
    if policy.approval and not rollout.approved_by:
        if now < end + policy.label_wait + policy.approval_wait:
            return None
        reason = "shadow passed, but nobody approved it in time (rollout.approval_wait)"
        return replace(rollout, phase=Phase.stopped, reason=reason)
    return None if frozen else leave(rollout, policy, f"shadow passed: {result.reason}", now)


def counted(
    rollout: Rollout, stage: Stage, rules: Rules, now: datetime, frozen: bool
) -> Rollout | None:
    """Leave after the hold when a live request of the challenger was counted."""
    policy = rules.rollout
    end = rollout.since + stage.hold
    if frozen or now < end:
        return None
    if rollout.heard == 0:
        if now < end + policy.label_wait:
            return None
        reason = f"no live request of the challenger was counted in the stage of {stage.weight} %"
        return replace(rollout, phase=Phase.stopped, reason=reason)
    return leave(rollout, policy, f"stage of {stage.weight} % completed", now)


def cleared(
    rollout: Rollout, stage: Stage, rules: Rules, now: datetime, frozen: bool
) -> Rollout | None:
    """Leave after the hold when a powered guard is cleared; stop when none is."""
    policy = rules.rollout
    end = rollout.since + stage.hold
    if now < end:
        return None
    awaited = [
        guard.name
        for guard in rollout.guards
        if guard.powered and rollout.through.get(guard.name, rollout.changes[0]) < rollout.since
    ]
    if awaited and now < end + policy.label_wait:
        return None
    verdicts = {guard.name: judge.verdict(guard) for guard in rollout.guards}
    told = ", ".join(f"{name} {verdict}" for name, verdict in verdicts.items())
    if judge.Verdict.cleared not in verdicts.values():
        return replace(rollout, phase=Phase.stopped, reason=f"no powered guard cleared: {told}")
    return None if frozen else leave(rollout, policy, f"cleared: {told}", now)


EXITS: dict[Exit, Rule] = {Exit.gate: gated, Exit.counted: counted, Exit.cleared: cleared}

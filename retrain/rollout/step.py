"""How a challenger reaches production: shadow, canary stages, bake; or does not.

The state machine is level-triggered: evidence is a set, what follows from it is derived, and
repeating a step owes nothing new. Silence moves nothing except, in the end, to `stopped`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from engine.errors import Refused
from retrain import gate
from retrain.registry import Stage
from retrain.rollout import judge
from retrain.rollout.evidence import learn
from retrain.rollout.plan import Expectation, Exposure, Plan, plan
from retrain.rollout.stages import traffic, wake_at
from retrain.rollout.state import (
    Effect,
    Elapsed,
    Ended,
    Observation,
    Outset,
    Phase,
    Policy,
    Rollout,
    Rules,
    SetTraffic,
    Step,
    Tag,
)


def start(
    rollout: Rollout, outset: Outset, rules: Rules, now: datetime, *, frozen: bool = False
) -> Step:
    """Let a waiting rollout begin against the present champion; a freeze keeps it waiting.

    Raises
    ------
    Refused
        When the challenger is the champion already, or an expectation names an unknown guard.
    """
    if rollout.phase is not Phase.waiting or frozen:
        return Step(rollout, (), wake_at(rollout, rules.rollout, now))
    if rollout.challenger == outset.champion:
        raise Refused(f"rollout {rollout.id}: {outset.champion} is the champion already")
    stages = tuple(Exposure(s.weight, s.hold) for s in rules.rollout.steps)
    outlook = _planned(rollout, outset, stages, rules.judge)
    begun = replace(
        rollout,
        champion=outset.champion,
        stages=stages,
        plan=outlook,
        guards=outlook.guards(),
        phase=Phase.shadow,
        since=now,
        reason=f"shadow; {outlook.reason()}",
    )
    if rollout.waived_by is not None:
        begun = _expose(begun, 0, f"shadow waived by {rollout.waived_by}", now)
    settled = step(begun, Elapsed(), rules, now)
    return replace(settled, effects=_owed(rollout, begun) + settled.effects)


def step(
    rollout: Rollout, observation: Observation, rules: Rules, now: datetime, *, frozen: bool = False
) -> Step:
    """What follows from one observation at `now`.

    `frozen` holds every move towards production; it never holds a rollback or a stop.
    """
    if rollout.ended:
        return Step(rollout, (), None)
    before = rollout
    effects: tuple[Effect, ...] = ()
    after: Rollout | None = learn(rollout, observation, rules)
    while after is not None:
        effects += _owed(before, after)
        before, after = after, _advance(after, rules, now, frozen)
    return Step(before, effects, wake_at(before, rules.rollout, now))


def _planned(
    rollout: Rollout, outset: Outset, stages: tuple[Exposure, ...], policy: judge.Policy
) -> Plan:
    known = {e.guard: e for e in outset.expectations}
    if unknown := known.keys() - set(policy.guards):
        raise Refused(f"rollout {rollout.id}: no guard named {', '.join(sorted(unknown))}")
    expected = [known.get(name, Expectation(name, None)) for name in policy.guards]
    return plan(expected, outset.requests_per_hour, stages, policy)


def _advance(rollout: Rollout, rules: Rules, now: datetime, frozen: bool) -> Rollout | None:
    """The next state that is due, or None when nothing is."""
    match rollout.phase:
        case Phase.shadow:
            return _after_shadow(rollout, rules, now, frozen)
        case Phase.canary | Phase.bake:
            rejected = [guard for guard in rollout.guards if guard.rejected]
            if rejected:
                reason = "; ".join(_harm(guard) for guard in rejected)
                return replace(rollout, phase=Phase.rolled_back, reason=reason)
            if rollout.phase is Phase.canary:
                return None if frozen else _after_stage(rollout, rules.rollout, now)
            return _after_bake(rollout, rules.rollout, now, frozen)
        case _:
            return None


def _after_shadow(rollout: Rollout, rules: Rules, now: datetime, frozen: bool) -> Rollout | None:
    policy = rules.rollout
    if rollout.waived_by is not None:
        reason = f"shadow waived by {rollout.waived_by}"
        return None if frozen else _expose(rollout, 0, reason, now)
    end = rollout.since + policy.shadow
    late = now >= end + policy.label_wait
    complete = "shadow" in rollout.through and rollout.through["shadow"] >= end
    if now < end or not (complete or late):
        return None
    result = rollout.shadow_result
    if result is None:
        # Kept, so that this look stays the only one however often the step is repeated.
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
    return None if frozen else _expose(rollout, 0, f"shadow passed: {result.reason}", now)


def _after_stage(rollout: Rollout, policy: Policy, now: datetime) -> Rollout | None:
    stage = rollout.stages[rollout.stage]
    end = rollout.since + stage.hold
    if now < end:
        return None
    if rollout.heard == 0:
        if now < end + policy.label_wait:
            return None
        reason = f"no live request of the challenger was counted in the stage of {stage.weight} %"
        return replace(rollout, phase=Phase.stopped, reason=reason)
    if rollout.stage + 1 < len(rollout.stages):
        return _expose(rollout, rollout.stage + 1, f"stage of {stage.weight} % completed", now)
    changes = (*rollout.changes, now)
    return replace(
        rollout,
        phase=Phase.bake,
        since=now,
        changes=changes,
        reason=f"stage of {stage.weight} % completed",
    )


def _after_bake(rollout: Rollout, policy: Policy, now: datetime, frozen: bool) -> Rollout | None:
    end = rollout.since + policy.bake
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
    return None if frozen else replace(rollout, phase=Phase.promoted, reason=f"cleared: {told}")


def _expose(rollout: Rollout, stage: int, reason: str, now: datetime) -> Rollout:
    changes = (*rollout.changes, now)
    return replace(
        rollout,
        phase=Phase.canary,
        stage=stage,
        since=now,
        changes=changes,
        heard=0,
        reason=reason,
    )


def _harm(guard: judge.Guard) -> str:
    ours, theirs = _bad(guard.bad_c, guard.n_c), _bad(guard.bad_s, guard.n_s)
    return f"{guard.name} rejected: {ours} bad on the challenger, {theirs} on the champion"


def _bad(bad: float, total: float) -> str:
    return f"{bad:,.0f} of {total:,.0f} ({100 * bad / max(total, 1):.3g} %)"


def _owed(before: Rollout, after: Rollout) -> tuple[Effect, ...]:
    """What a move from one phase or stage to the next owes; nothing when there is no move."""
    if (before.phase, before.stage) == (after.phase, after.stage):
        return ()
    key = f"{after.id}:{after.phase}:{after.stage}"
    effects: list[Effect] = []
    split = traffic(after)
    # A challenger that never began leaves the traffic alone: another rollout may own it.
    if split is not None and not (before.phase is Phase.waiting and after.ended):
        effects.append(SetTraffic(f"{key}:traffic", split))
    effects += _tags(before, after, key)
    if after.ended:
        effects.append(Ended(f"{key}:ended", after.phase, after.reason))
    return tuple(effects)


def _tags(before: Rollout, after: Rollout, key: str) -> list[Tag]:
    tags = {"driftwarden.rollout": after.id}
    if after.challenger == after.champion:
        # It went into production by another way, which has tagged it.
        return []
    if after.ended:
        stage = Stage.production if after.phase is Phase.promoted else Stage.archived
        tags["driftwarden.outcome"] = str(after.phase)
    elif before.phase is Phase.waiting:
        stage = Stage.staging
    else:
        return []
    owed = [Tag(f"{key}:tag:{after.challenger}", after.challenger, stage, tags)]
    if after.phase is Phase.promoted:
        old = {"driftwarden.succeeded_by": after.challenger}
        owed.insert(0, Tag(f"{key}:tag:{after.champion}", after.champion, Stage.archived, old))
    return owed

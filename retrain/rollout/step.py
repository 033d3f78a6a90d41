"""One step of a rollout: from an observation to the next state and what it owes.

The state machine is level-triggered: evidence is a set, what follows from it is derived, and
repeating a step owes nothing new. Silence moves nothing except, in the end, to `stopped`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from engine.errors import Refused
from retrain.registry import Stage
from retrain.rollout import judge
from retrain.rollout.evidence import learn
from retrain.rollout.exits import EXITS
from retrain.rollout.place import enter, stage_of, traffic, wake_at
from retrain.rollout.plan import Expectation, Exposure, Plan, plan
from retrain.rollout.stages import STRATEGIES, Policy, Rules, first_live
from retrain.rollout.state import (
    Effect,
    Elapsed,
    Ended,
    Observation,
    Outset,
    Phase,
    Rollout,
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
    stages = STRATEGIES[rules.rollout.strategy](rules.rollout)
    exposures = tuple(Exposure(stage.weight, stage.hold) for stage in stages if stage.split)
    outlook = _planned(rollout, outset, exposures, rules.judge)
    pinned = replace(
        rollout,
        champion=outset.champion,
        strategy=rules.rollout.strategy,
        stages=exposures,
        plan=outlook,
        guards=outlook.guards(),
    )
    first, reason = 0, f"{stages[0].phase}; {outlook.reason()}"
    if rollout.waived_by is not None:
        first, reason = first_live(stages), f"shadow waived by {rollout.waived_by}"
    begun = enter(pinned, stages, first, reason, now)
    settled = step(begun, Elapsed(), rules, now)
    return replace(settled, effects=_owed(rollout, begun, rules.rollout) + settled.effects)


def step(
    rollout: Rollout, observation: Observation, rules: Rules, now: datetime, *, frozen: bool = False
) -> Step:
    """Apply one observation at `now`.

    `frozen` holds every move towards production; it never holds a rollback or a stop.
    """
    if rollout.ended:
        return Step(rollout, (), None)
    before = rollout
    effects: tuple[Effect, ...] = ()
    after: Rollout | None = learn(rollout, observation, rules)
    while after is not None:
        effects += _owed(before, after, rules.rollout)
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
    """Return the next state that is due, or None when nothing is."""
    stage = stage_of(rollout, rules.rollout)
    if stage is None:
        return None
    rejected = [guard for guard in rollout.guards if guard.rejected]
    if stage.weight and rejected:
        reason = "; ".join(_harm(guard) for guard in rejected)
        return replace(rollout, phase=Phase.rolled_back, reason=reason)
    return EXITS[stage.exit](rollout, stage, rules, now, frozen)


def _harm(guard: judge.Guard) -> str:
    ours, theirs = _bad(guard.bad_c, guard.n_c), _bad(guard.bad_s, guard.n_s)
    return f"{guard.name} rejected: {ours} bad on the challenger, {theirs} on the champion"


def _bad(bad: float, total: float) -> str:
    return f"{bad:,.0f} of {total:,.0f} ({100 * bad / max(total, 1):.3g} %)"


def _owed(before: Rollout, after: Rollout, policy: Policy) -> tuple[Effect, ...]:
    """The effects of a change of phase or stage; none when neither changed."""
    if (before.phase, before.stage) == (after.phase, after.stage):
        return ()
    key = f"{after.id}:{after.phase}:{after.stage}"
    effects: list[Effect] = []
    split = traffic(after, policy)
    # A rollout that ends while waiting changes no traffic: another rollout may own it.
    if split is not None and not (before.phase is Phase.waiting and after.ended):
        effects.append(SetTraffic(f"{key}:traffic", split))
    effects += _tags(before, after, key)
    if after.ended:
        effects.append(Ended(f"{key}:ended", after.phase, after.reason))
    return tuple(effects)


def _tags(before: Rollout, after: Rollout, key: str) -> list[Tag]:
    tags = {"driftwarden.rollout": after.id}
    if after.challenger == after.champion:
        # It is the champion already, promoted by other means that tagged it.
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

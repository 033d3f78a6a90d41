"""What a rollout learns from an observation; evidence is a set, so a repetition changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from engine.errors import Refused
from retrain.rollout import judge
from retrain.rollout.place import stage_of
from retrain.rollout.stages import Exit, Policy, Rules
from retrain.rollout.state import (
    Abort,
    Approve,
    ChampionGone,
    Elapsed,
    Evidence,
    Observation,
    Phase,
    Rollout,
    ShadowEvidence,
)


def learn(rollout: Rollout, observation: Observation, rules: Rules) -> Rollout:
    """Return the rollout with the observation in it; nothing is decided here."""
    match observation:
        case Elapsed():
            return rollout
        case ShadowEvidence():
            return _learn_shadow(rollout, observation, rules.rollout)
        case Evidence():
            return _learn_guard(rollout, observation, rules.judge)
        case Approve(by):
            return replace(rollout, approved_by=tuple(sorted({*rollout.approved_by, by})))
        case Abort(by, reason):
            stage = stage_of(rollout, rules.rollout)
            live = stage is not None and stage.weight > 0
            phase = Phase.rolled_back if live else Phase.stopped
            return replace(rollout, phase=phase, reason=f"by {by}: {reason}")
        case ChampionGone(successor):
            if rollout.phase is Phase.waiting or successor == rollout.champion:
                return replace(rollout, champion=successor)
            reason = f"the champion {rollout.champion} was replaced by {successor}"
            return replace(rollout, phase=Phase.stopped, champion=successor, reason=reason)


def evidence_from(rollout: Rollout, policy: judge.Policy) -> datetime | None:
    """When live requests start to count for the guards; None before the canary."""
    return rollout.changes[0] + policy.warm_up if rollout.changes else None


def _learn_shadow(rollout: Rollout, evidence: ShadowEvidence, policy: Policy) -> Rollout:
    stage = stage_of(rollout, policy)
    if stage is None or stage.exit is not Exit.gate or rollout.shadow_result is not None:
        return rollout
    first = rollout.since.date()
    last = (rollout.since + stage.hold - timedelta(microseconds=1)).date()
    days = {day.day: day for day in rollout.shadow_days}
    days |= {day.day: day for day in evidence.days if first <= day.day <= last}
    return replace(
        rollout,
        shadow_days=tuple(days[key] for key in sorted(days)),
        through=_later(rollout.through, "shadow", evidence.through),
    )


def _learn_guard(rollout: Rollout, evidence: Evidence, policy: judge.Policy) -> Rollout:
    begin = evidence_from(rollout, policy)
    if begin is None or evidence.end <= rollout.changes[0]:
        return rollout
    if (name := f"{evidence.guard}/{evidence.id}") in rollout.seen:
        return rollout
    names = [guard.name for guard in rollout.guards]
    if evidence.guard not in names:
        raise Refused(
            f"rollout {rollout.id}: no guard named {evidence.guard!r}, it has {', '.join(names)}"
        )
    known = replace(
        rollout,
        seen=(*rollout.seen, name),
        through=_later(rollout.through, evidence.guard, evidence.end),
    )
    straddles = any(evidence.start < change < evidence.end for change in rollout.changes)
    if evidence.start < begin or straddles:
        return replace(known, left_out=rollout.left_out + 1)
    guards = tuple(
        judge.update(guard, evidence.counts, policy) if guard.name == evidence.guard else guard
        for guard in rollout.guards
    )
    fresh = evidence.counts.n_c if evidence.start >= rollout.since else 0
    return replace(known, guards=guards, heard=rollout.heard + fresh)


def _later(through: dict[str, datetime], source: str, moment: datetime) -> dict[str, datetime]:
    return {**through, source: max(through.get(source, moment), moment)}

"""How a challenger reaches production: shadow, canary stages, bake; or does not.

The state machine is level-triggered: evidence is a set, what follows from it is derived, and
repeating a step owes nothing new. Silence moves nothing except, in the end, to `stopped`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

import engine.policy
from engine.errors import Refused
from retrain import gate, judge
from retrain.plan import Expectation, Exposure, Plan, plan
from retrain.ports import Traffic
from retrain.registry import Stage


class Phase(StrEnum):
    """Where a rollout stands; the last three are ends."""

    waiting = "waiting"
    shadow = "shadow"
    canary = "canary"
    bake = "bake"
    promoted = "promoted"
    rolled_back = "rolled_back"
    stopped = "stopped"


EDGES: dict[Phase, frozenset[Phase]] = {
    Phase.waiting: frozenset({Phase.shadow, Phase.canary, Phase.stopped}),
    Phase.shadow: frozenset({Phase.canary, Phase.stopped}),
    Phase.canary: frozenset({Phase.bake, Phase.rolled_back, Phase.stopped}),
    Phase.bake: frozenset({Phase.promoted, Phase.rolled_back, Phase.stopped}),
    Phase.promoted: frozenset(),
    Phase.rolled_back: frozenset(),
    Phase.stopped: frozenset(),
}


class StagePolicy(engine.policy.Policy):
    """One canary stage."""

    weight: int = Field(description="Percent of the live traffic on the challenger.", ge=1, le=99)
    hold: timedelta = Field(description="How long the stage lasts.", gt=timedelta(0))


class Policy(engine.policy.Policy):
    """The path of a challenger to production."""

    shadow: timedelta = Field(
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
    bake: timedelta = Field(
        timedelta(days=1),
        ge=timedelta(0),
        description="How long the challenger answers all traffic before it is promoted.",
    )
    label_wait: timedelta = Field(
        timedelta(days=3),
        ge=timedelta(0),
        description="How long evidence is awaited after the end of a phase before deciding "
        "without it.",
    )
    approval: bool = Field(
        False, description="Whether an operator has to approve before live traffic moves."
    )
    approval_wait: timedelta = Field(
        timedelta(days=7),
        ge=timedelta(0),
        description="How long an approval is awaited before the rollout is stopped.",
    )


@dataclass(frozen=True)
class Rules:
    """The three policies that a rollout obeys."""

    rollout: Policy
    judge: judge.Policy
    gate: gate.Policy


@dataclass(frozen=True)
class Rollout:
    """One challenger's way.

    `stages` is pinned at the start and `stage` an index into it, `since` is when the phase or
    stage began, `heard` the live requests of the challenger counted in this stage, `changes` the
    times at which weights changed. `shadow_days` and `seen` are sets; `through` says up to when
    each source of evidence is complete ("shadow" or a guard's name). `left_out` counts intervals
    that were not used.
    """

    id: str
    challenger: str
    champion: str
    since: datetime
    phase: Phase = Phase.waiting
    need: gate.Need = field(default_factory=gate.Need)
    stages: tuple[Exposure, ...] = ()
    stage: int = 0
    waived_by: str | None = None
    approved_by: tuple[str, ...] = ()
    plan: Plan | None = None
    guards: tuple[judge.Guard, ...] = ()
    shadow_days: tuple[gate.DayLoss, ...] = ()
    shadow_result: gate.Decision | None = None
    seen: tuple[str, ...] = ()
    through: dict[str, datetime] = field(default_factory=dict)
    changes: tuple[datetime, ...] = ()
    heard: float = 0
    left_out: int = 0
    reason: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing can follow any more."""
        return not EDGES[self.phase]


@dataclass(frozen=True)
class Elapsed:
    """Nothing but time has passed."""


@dataclass(frozen=True)
class ShadowEvidence:
    """Paired losses of shadow days; a day given again replaces the earlier one.

    `through`: labels are in for everything served before it.
    """

    days: tuple[gate.DayLoss, ...]
    through: datetime


@dataclass(frozen=True)
class Evidence:
    """One guard's counts over what was served in [start, end), under an id of its own.

    The interval must not straddle a time in `Rollout.changes` nor begin in the warm-up (see
    `evidence_from`): such an interval is left out, because its arms were not split by one weight.
    What was served before the canary is ignored.
    """

    guard: str
    id: str
    start: datetime
    end: datetime
    counts: judge.Interval


@dataclass(frozen=True)
class Abort:
    """An operator, or a rule of the service, ends the rollout."""

    by: str
    reason: str


@dataclass(frozen=True)
class Approve:
    """An operator lets live traffic move."""

    by: str


@dataclass(frozen=True)
class ChampionGone:
    """The version that the challenger is compared with no longer serves; `successor` does."""

    successor: str


Observation = Elapsed | ShadowEvidence | Evidence | Abort | Approve | ChampionGone


@dataclass(frozen=True)
class SetTraffic:
    """Make the split hold."""

    key: str
    traffic: Traffic


@dataclass(frozen=True)
class Tag:
    """Put a version into a stage of the registry."""

    key: str
    version: str
    stage: Stage
    tags: dict[str, str]


@dataclass(frozen=True)
class Ended:
    """The rollout is over."""

    key: str
    outcome: Phase
    reason: str


Effect = SetTraffic | Tag | Ended


@dataclass(frozen=True)
class Step:
    """The state after an observation, what it owes, and when to look again."""

    rollout: Rollout
    effects: tuple[Effect, ...]
    wake_at: datetime | None


def start(
    rollout: Rollout,
    champion: str,
    expectations: Sequence[Expectation],
    requests_per_hour: float,
    rules: Rules,
    now: datetime,
    *,
    frozen: bool = False,
) -> Step:
    """Let a waiting rollout begin against the present champion; a freeze keeps it waiting.

    Raises
    ------
    Refused
        When the challenger is the champion already, or an expectation names an unknown guard.
    """
    if rollout.phase is not Phase.waiting or frozen:
        return Step(rollout, (), wake_at(rollout, rules.rollout, now))
    if rollout.challenger == champion:
        raise Refused(f"rollout {rollout.id}: {champion} is the champion already")
    known = {e.guard: e for e in expectations}
    if unknown := known.keys() - set(rules.judge.guards):
        raise Refused(f"rollout {rollout.id}: no guard named {', '.join(sorted(unknown))}")
    stages = tuple(Exposure(s.weight, s.hold) for s in rules.rollout.steps)
    outlook = plan(
        [known.get(name, Expectation(name, None)) for name in rules.judge.guards],
        requests_per_hour,
        stages,
        rules.judge,
    )
    begun = replace(
        rollout,
        champion=champion,
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
    after: Rollout | None = _learn(rollout, observation, rules)
    while after is not None:
        effects += _owed(before, after)
        before, after = after, _advance(after, rules, now, frozen)
    return Step(before, effects, wake_at(before, rules.rollout, now))


def traffic(rollout: Rollout) -> Traffic | None:
    """The split that has to hold now; None while the rollout waits and owns no traffic."""
    old, new = rollout.champion, rollout.challenger
    match rollout.phase:
        case Phase.waiting:
            return None
        case Phase.shadow:
            return Traffic({old: 100}, shadow=(new,))
        case Phase.canary:
            weight = rollout.stages[rollout.stage].weight
            return Traffic({old: 100 - weight, new: weight})
        case Phase.bake:
            return Traffic({old: 0, new: 100})
        case Phase.promoted:
            return Traffic({new: 100})
        case Phase.rolled_back | Phase.stopped:
            return Traffic({old: 100})


def evidence_from(rollout: Rollout, policy: judge.Policy) -> datetime | None:
    """From when on live requests count for the guards; None before the canary."""
    return rollout.changes[0] + policy.warm_up if rollout.changes else None


def wake_at(rollout: Rollout, policy: Policy, now: datetime) -> datetime | None:
    """The next moment at which time alone may move the rollout."""
    match rollout.phase:
        case Phase.shadow:
            end = rollout.since + policy.shadow
            due = [end, end + policy.label_wait, end + policy.label_wait + policy.approval_wait]
        case Phase.canary:
            end = rollout.since + rollout.stages[rollout.stage].hold
            due = [end, end + policy.label_wait]
        case Phase.bake:
            end = rollout.since + policy.bake
            due = [end, end + policy.label_wait]
        case _:
            due = []
    return min((moment for moment in due if moment > now), default=None)


def _learn(rollout: Rollout, observation: Observation, rules: Rules) -> Rollout:
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
            live = rollout.phase in (Phase.canary, Phase.bake)
            phase = Phase.rolled_back if live else Phase.stopped
            return replace(rollout, phase=phase, reason=f"by {by}: {reason}")
        case ChampionGone(successor):
            if rollout.phase is Phase.waiting or successor == rollout.champion:
                return replace(rollout, champion=successor)
            reason = f"the champion {rollout.champion} was replaced by {successor}"
            return replace(rollout, phase=Phase.stopped, champion=successor, reason=reason)


def _learn_shadow(rollout: Rollout, evidence: ShadowEvidence, policy: Policy) -> Rollout:
    if rollout.phase is not Phase.shadow or rollout.shadow_result is not None:
        return rollout
    first = rollout.since.date()
    last = (rollout.since + policy.shadow - timedelta(microseconds=1)).date()
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
        return replace(rollout, phase=Phase.stopped, reason="shadow passed, but nobody approved")
    return None if frozen else _expose(rollout, 0, f"shadow passed: {result.reason}", now)


def _after_stage(rollout: Rollout, policy: Policy, now: datetime) -> Rollout | None:
    stage = rollout.stages[rollout.stage]
    end = rollout.since + stage.hold
    if now < end:
        return None
    if rollout.heard == 0:
        if now < end + policy.label_wait:
            return None
        reason = f"no live request of the challenger was counted at {stage.weight} %"
        return replace(rollout, phase=Phase.stopped, reason=reason)
    if rollout.stage + 1 < len(rollout.stages):
        return _expose(rollout, rollout.stage + 1, f"{stage.weight} % held", now)
    changes = (*rollout.changes, now)
    return replace(
        rollout, phase=Phase.bake, since=now, changes=changes, reason=f"{stage.weight} % held"
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
    return (
        f"{guard.name} rejected: {guard.bad_c:g} bad of {guard.n_c:g} on the challenger, "
        f"{guard.bad_s:g} of {guard.n_s:g} on the champion"
    )


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

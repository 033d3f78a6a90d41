"""One rollout: its phases, what it remembers, what it observes and what it owes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from retrain import gate
from retrain.ports import Traffic
from retrain.registry import Stage
from retrain.rollout import judge
from retrain.rollout.plan import Expectation, Exposure, Plan


class Phase(StrEnum):
    """The phase of a rollout; the last three are final."""

    waiting = "waiting"
    shadow = "shadow"
    canary = "canary"
    bake = "bake"
    promoted = "promoted"
    rolled_back = "rolled_back"
    stopped = "stopped"


ENDS = frozenset({Phase.promoted, Phase.rolled_back, Phase.stopped})


@dataclass(frozen=True)
class Rollout:
    """One rollout of one challenger.

    `strategy` and `stages`, those with two live arms, are pinned at the start. `phase` and `stage`,
    the index of the latest of `stages`, say where it stands; `since` is when that began, `heard`
    the live requests of the challenger counted since, `changes` the times at which weights
    changed. `shadow_days` and `seen` are sets; `through` says up to when
    each source of evidence is complete ("shadow" or a guard's name). `left_out` counts intervals
    that were not used.
    """

    id: str
    challenger: str
    champion: str
    since: datetime
    phase: Phase = Phase.waiting
    need: gate.Need = field(default_factory=gate.Need)
    strategy: str = "canary"
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
        """Whether the rollout is in a final phase."""
        return self.phase in ENDS


@dataclass(frozen=True)
class Outset:
    """What a rollout starts from: who serves, what its guards count, and how much traffic."""

    champion: str
    expectations: tuple[Expectation, ...]
    requests_per_hour: float


@dataclass(frozen=True)
class Elapsed:
    """Time has passed, without evidence or a command."""


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
    """`successor` has replaced the champion that the challenger is compared with."""

    successor: str


Observation = Elapsed | ShadowEvidence | Evidence | Abort | Approve | ChampionGone


@dataclass(frozen=True)
class SetTraffic:
    """Set the traffic split."""

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
    """The rollout after an observation, the effects it owes, and when to step again."""

    rollout: Rollout
    effects: tuple[Effect, ...]
    wake_at: datetime | None

"""Retrains, rollouts and traffic from the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from dashboards.journal import Journal
from fleet.model.lines import serving, training

ENDS = ("promoted", "rolled_back", "stopped")
REGISTERED = "registered"


@dataclass(frozen=True)
class Retrain:
    """A new version: its trigger, its training days, and the gate's verdict.

    `outcome` is the run's. `trigger` is `registered` where the version was registered from outside:
    then there is no run, and `waived_by` may name the person who waived the shadow.
    """

    id: str
    trigger: str
    at: datetime
    reason: str = ""
    days: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    ended: datetime | None = None
    outcome: str | None = None
    outcome_reason: str = ""
    version: str | None = None
    waived_by: str | None = None
    gated: datetime | None = None
    gate: str | None = None
    gate_reason: str = ""

    @property
    def verdict_reason(self) -> str:
        """The gate's reason, or the reason that there is none."""
        if self.gate is not None:
            return self.gate_reason
        if self.outcome is not None and self.version is None:
            return f"run {self.outcome}: {self.outcome_reason}"
        return "not trained yet" if self.version is None else "not judged yet"


@dataclass(frozen=True)
class Stage:
    """A phase of a rollout, or one weight of its canary, and when it began."""

    phase: str
    stage: int
    at: datetime
    reason: str


@dataclass(frozen=True)
class Rollout:
    """One rollout; `outcome` is None until it ends."""

    id: str
    challenger: str
    champion: str
    began: datetime
    reason: str
    stages: tuple[Stage, ...]
    ended: datetime | None = None
    outcome: str | None = None
    waived_by: str | None = None
    guards: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Split:
    """The traffic from an instant on: percent by version, and the versions in shadow."""

    at: datetime
    weights: Mapping[str, int]
    shadow: tuple[str, ...] = ()


def retrains(journal: Journal) -> tuple[Retrain, ...]:
    """Return every version that was trained or registered, in order of time.

    Lines of triggers, runs, registrations and gates are read.
    """
    found: dict[str, Retrain] = {}
    for at, began in journal.of(training.Trigger):
        if began.run is not None:
            found[began.run] = _started(began.run, at, began)
    for at, new in journal.of(training.Registered):
        found[new.version] = Retrain(
            new.version, REGISTERED, at, new.reason, version=new.version, waived_by=new.waived_by
        )
    for at, run in journal.of(training.Run):
        known = found.get(run.run, Retrain(run.run, "", at))
        found[run.run] = replace(
            known, ended=at, outcome=run.phase, version=run.version, outcome_reason=run.reason
        )
    for at, gate in journal.of(training.Gate):
        key = gate.id if gate.id in found else gate.version
        known = found.get(key, Retrain(key, gate.trigger, at, version=gate.version))
        found[key] = replace(
            known, id=gate.id, gated=at, gate=gate.verdict, gate_reason=gate.reason
        )
    return tuple(sorted(found.values(), key=lambda retrain: retrain.at))


def _started(run: str, at: datetime, line: training.Trigger) -> Retrain:
    return Retrain(run, line.kind, at, line.reason, line.days or (), line.left_out or ())


def rollouts(told: Sequence[tuple[datetime, serving.Rollout]]) -> tuple[Rollout, ...]:
    """Return every rollout in the order in which they began."""
    found: dict[str, Rollout] = {}
    for at, line in told:
        stage = Stage(line.phase, line.stage, at, line.reason)
        known = found.get(line.id)
        if known is None:
            known = Rollout(line.id, line.challenger, line.champion, at, line.reason, ())
        over = line.phase in ENDS
        found[line.id] = replace(
            known,
            reason=line.reason,
            stages=(*known.stages, stage),
            ended=at if over else None,
            outcome=line.phase if over else None,
            waived_by=line.waived_by,
            guards=line.guards,
        )
    return tuple(found.values())

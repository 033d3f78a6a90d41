"""Retrains, rollouts and traffic from the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

Line = dict[str, Any]
Told = tuple[datetime, Line]

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
    guards: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Split:
    """The traffic from an instant on: percent by version, and the versions in shadow."""

    at: datetime
    weights: dict[str, int]
    shadow: tuple[str, ...] = ()


def retrains(told: Mapping[str, Sequence[Told]]) -> tuple[Retrain, ...]:
    """Return every version that was trained or registered, in order of time.

    `told` holds the journal's lines by kind; lines of triggers, runs, registrations and gates are
    read.
    """
    found: dict[str, Retrain] = {}
    for at, line in told.get("trigger", ()):
        if line["fire"]:
            found[line["run"]] = _started(at, line)
    for at, line in told.get(REGISTERED, ()):
        found[line["version"]] = Retrain(
            line["version"],
            REGISTERED,
            at,
            line["reason"],
            version=line["version"],
            waived_by=line["waived_by"],
        )
    for at, line in told.get("run", ()):
        known = found.get(line["run"], Retrain(line["run"], "", at))
        found[line["run"]] = replace(
            known,
            ended=at,
            outcome=line["phase"],
            version=line["version"],
            outcome_reason=line["reason"],
        )
    for at, line in told.get("gate", ()):
        key = line["id"] if line["id"] in found else line["version"]
        known = found.get(key, Retrain(key, line["trigger"], at, version=line["version"]))
        found[key] = replace(
            known, id=line["id"], gated=at, gate=line["verdict"], gate_reason=line["reason"]
        )
    return tuple(sorted(found.values(), key=lambda retrain: retrain.at))


def _started(at: datetime, line: Line) -> Retrain:
    return Retrain(
        line["run"], line["kind"], at, line["reason"], tuple(line["days"]), tuple(line["left_out"])
    )


def rollouts(told: Sequence[Told]) -> tuple[Rollout, ...]:
    """Return every rollout in the order in which they began."""
    found: dict[str, Rollout] = {}
    for at, line in told:
        name, phase = line["id"], line["phase"]
        stage = Stage(phase, line["stage"], at, line["reason"])
        known = found.get(name)
        if known is None:
            known = Rollout(name, line["challenger"], line["champion"], at, line["reason"], ())
        over = phase in ENDS
        found[name] = replace(
            known,
            reason=line["reason"],
            stages=(*known.stages, stage),
            ended=at if over else None,
            outcome=phase if over else None,
            waived_by=line["waived_by"],
            guards=line["guards"],
        )
    return tuple(found.values())

"""Lines about new versions: triggers, runs, registrations and the gate."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet.model.lines.omitted import OMITTED


@dataclass(frozen=True)
class Trigger:
    """A retraining was asked for, and began or was declined.

    `run`, `days`, `holdout` and `left_out` belong to one that began.
    """

    fire: bool
    kind: str
    reason: str
    run: str | None = field(default=None, metadata=OMITTED)
    days: tuple[str, ...] | None = field(default=None, metadata=OMITTED)
    holdout: tuple[str, ...] | None = field(default=None, metadata=OMITTED)
    left_out: tuple[str, ...] | None = field(default=None, metadata=OMITTED)


@dataclass(frozen=True)
class Run:
    """A run ended in this phase."""

    run: str
    phase: str
    version: str | None
    reason: str


@dataclass(frozen=True)
class Registered:
    """A version was registered from outside; `waived_by` waived its shadow."""

    version: str
    waived_by: str | None
    reason: str


@dataclass(frozen=True)
class Surveyed:
    """A look found the model in the registry; versions created up to `newest` ask for nothing."""

    newest: str


@dataclass(frozen=True)
class Gate:
    """The gate judged a version that a run or a registration, `id`, brought."""

    id: str
    version: str
    trigger: str
    verdict: str
    reason: str

"""Promotion: versions at the gate, and the rollout under way."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet.model.slices.registry import Registry
from retrain.gate import Need
from retrain.rollout.state import Rollout


@dataclass(frozen=True)
class Challenger:
    """A version on its way: at the gate, then waiting for its rollout."""

    version: str
    id: str
    trigger: str
    gated: bool = False
    asked: bool = False
    waived_by: str | None = None
    waived_for: str = ""
    scores: str = ""
    bad_rate: float | None = None

    @property
    def need(self) -> Need:
        """The reason to change the champion, from the trigger that asked for the version."""
        return Need(
            degraded=self.trigger in ("performance", "drift"),
            stale=self.trigger in ("staleness", "schedule"),
            asked_by="an operator" if self.trigger == "operator" else None,
        )


@dataclass(frozen=True)
class Promotion:
    """Versions on their way to production.

    `scores` are blobs with the scores of a version on its reference, `rates` the share of large
    losses that the gate found, both by version; `rollouts` is the number of rollouts so far;
    `registry` is what is known of the registry's versions.
    """

    queue: tuple[Challenger, ...] = ()
    rollout: Rollout | None = None
    rollouts: int = 0
    scores: dict[str, str] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    registry: Registry = field(default_factory=Registry)

    @property
    def active(self) -> Rollout | None:
        """The rollout that has not ended, if there is one."""
        return None if self.rollout is None or self.rollout.ended else self.rollout

"""The state of one watched model: ids, cursors, counters; never rows, never statistics."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from fleet.model.slices.alerting import Alerting
from fleet.model.slices.logs import Logs
from fleet.model.slices.promotion import Promotion
from fleet.model.slices.service import Objectives, Silence
from fleet.model.slices.traffic import Traffic
from fleet.model.slices.training import Training
from fleet.model.slices.windows import Windows
from monitoring.calendars import Freeze
from monitoring.drift.why import Happening


@dataclass(frozen=True)
class Model:
    """Everything a model's partition knows: the model itself, and one slice a subject."""

    policy: str = ""
    dormant: bool = False
    champion: str = ""
    champion_since: datetime | None = None
    freezes: tuple[Freeze, ...] = ()
    happened: tuple[Happening, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    logs: Logs = field(default_factory=Logs)
    windows: Windows = field(default_factory=Windows)
    objectives: Objectives = field(default_factory=Objectives)
    silence: Silence = field(default_factory=Silence)
    alerting: Alerting = field(default_factory=Alerting)
    training: Training = field(default_factory=Training)
    promotion: Promotion = field(default_factory=Promotion)
    traffic: Traffic = field(default_factory=Traffic)

    @property
    def under_way(self) -> str | None:
        """The run, the waiting version or the rollout that holds back another retraining."""
        if self.training.active is not None:
            return f"run {self.training.active.id}"
        if self.promotion.queue:
            return f"challenger {self.promotion.queue[0].version}"
        if self.promotion.active is not None:
            return f"rollout of {self.promotion.active.challenger}"
        return None

    @property
    def versions_under_way(self) -> set[str]:
        """Versions that need no place in the queue: they have one, or are beyond it."""
        known = {challenger.version for challenger in self.promotion.queue} | {self.champion}
        rollout = self.promotion.rollout
        return known if rollout is None else known | {rollout.challenger}

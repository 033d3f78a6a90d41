"""Alerting: what every signal said last, and the alerts that came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitoring.alerts.lifecycle import Alert, Condition, Phase
from monitoring.drift.verdict import Verdict


@dataclass(frozen=True)
class Alerting:
    """Alerts and signals by key; `stream` is the verdict on the inputs that was published last."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    signals: dict[str, Condition] = field(default_factory=dict)
    stream: Verdict | None = None

    @property
    def live(self) -> list[Alert]:
        """Alerts that fire, acknowledged or not."""
        return [
            one for one in self.alerts.values() if one.phase in (Phase.FIRING, Phase.ACKNOWLEDGED)
        ]

"""Alerting: what every signal said last, the alerts that came of it, and those of Azure Monitor."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitoring.alerts.azure import AzureAlert
from monitoring.alerts.lifecycle import Alert, Condition, Phase
from monitoring.drift.verdict import Verdict


@dataclass(frozen=True)
class Alerting:
    """Alerts and signals by key, and alerts of Azure Monitor by their id there.

    `stream` is the verdict on the inputs that was published last.
    """

    alerts: dict[str, Alert] = field(default_factory=dict)
    signals: dict[str, Condition] = field(default_factory=dict)
    stream: Verdict | None = None
    azure: dict[str, AzureAlert] = field(default_factory=dict)

    @property
    def live(self) -> list[Alert]:
        """Alerts that fire, acknowledged or not."""
        return [
            one for one in self.alerts.values() if one.phase in (Phase.FIRING, Phase.ACKNOWLEDGED)
        ]

"""The state of one team's on-call partition."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from monitoring.alerts import receivers
from monitoring.alerts.group import Group, Open, Policy
from monitoring.alerts.lifecycle import Kind
from monitoring.alerts.muting import Silence
from monitoring.alerts.notes import Hidden
from monitoring.alerts.reach import Down


@dataclass(frozen=True)
class OnCall:
    """The state of one team's on-call partition.

    `muted` gives the reason for each muted alert, `hidden` what each silence hid, by its id.
    `receivers` are those that cannot be reached; `outages` counts how often one could not. `links`
    are the links of pages that were used, with the moment at which each expires.
    """

    team: str
    alerts: dict[str, Open] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    muted: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, Hidden] = field(default_factory=dict)
    receivers: dict[str, Down] = field(default_factory=dict)
    outages: int = 0
    links: dict[str, datetime] = field(default_factory=dict)

    def group(self, kind: str) -> str:
        """The name of the group of one kind of alert."""
        return f"{self.team}:{kind}"

    def rules(self, kind: Kind, policy: Policy) -> Policy:
        """The policy of a group: alerts about receivers go to those that can be reached."""
        return receivers.left(policy, self.receivers) if kind is Kind.RECEIVER else policy

"""Alerts of Azure Monitor on a model's resources: their phases, and how loud each of them is.

Sources: Microsoft Learn, "Common alert schema" (severities, conditions), "What are Azure Monitor
alerts?" (alerts of the activity log are stateless: they are never resolved; an alert is kept for 30
days).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Self

from pydantic import Field, model_validator

import engine.policy
from monitoring.alerts.lifecycle import Severity

#: Alerts that are remembered; resolved ones are forgotten first.
KEPT = 100
#: What nobody resolves ends after this long: a stateless alert, and one that Azure has forgotten.
STATELESS_FOR, STATEFUL_FOR = timedelta(days=1), timedelta(days=30)
_SLUG = 40


class Sev(StrEnum):
    """The severity that an alert rule has in Azure Monitor; 0 is the most severe."""

    SEV0 = "Sev0"
    SEV1 = "Sev1"
    SEV2 = "Sev2"
    SEV3 = "Sev3"
    SEV4 = "Sev4"


class Phase(StrEnum):
    """The monitor condition of an alert."""

    FIRED = "Fired"
    RESOLVED = "Resolved"


#: An alert that fires again is another alert, with another id.
EDGES: Mapping[Phase | None, tuple[Phase, ...]] = {
    None: (Phase.FIRED, Phase.RESOLVED),
    Phase.FIRED: (Phase.RESOLVED,),
    Phase.RESOLVED: (),
}


class Policy(engine.policy.Policy):
    """Which alerts of Azure Monitor on the model's resources become alerts of Driftwarden."""

    page: tuple[Sev, ...] = Field(
        (Sev.SEV0, Sev.SEV1), description="Severities in Azure Monitor that page."
    )
    ticket: tuple[Sev, ...] = Field(
        (Sev.SEV2,),
        description="Severities that open a ticket. An alert of any other severity is only noted: "
        "pages name it among what happened just before.",
    )

    @model_validator(mode="after")
    def _one_loudness_each(self) -> Self:
        if twice := sorted(set(self.page) & set(self.ticket)):
            raise ValueError(f"{twice[0]} is in page and in ticket; leave it in one of them")
        return self

    def loudness(self, severity: Sev) -> Severity | None:
        """Return what an alert of this severity becomes; None where it is only noted."""
        if severity in self.page:
            return Severity.PAGE
        return Severity.TICKET if severity in self.ticket else None


@dataclass(frozen=True)
class AzureAlert:
    """One alert of Azure Monitor as it was last heard of; `fired` is its begin."""

    rule: str
    severity: Sev
    phase: Phase
    target: str
    description: str
    fired: datetime
    stateless: bool = False

    @property
    def loudness(self) -> tuple[bool, bool, int, datetime]:
        """How much it is worth to remember: what fires and nobody ends by itself, the gravest."""
        grave = -list(Sev).index(self.severity)
        return self.phase is Phase.FIRED, not self.stateless, grave, self.fired

    @property
    def ends(self) -> datetime:
        """When it ends although nobody resolves it."""
        return self.fired + (STATELESS_FOR if self.stateless else STATEFUL_FOR)


Known = Mapping[str, AzureAlert]


def step(known: Known, name: str, seen: AzureAlert) -> dict[str, AzureAlert] | None:
    """Return what is known after an alert was heard of; None where that is no news.

    A condition that was heard before is no news, nor is one that arrives after its own end.
    """
    before = known.get(name)
    if seen.phase not in EDGES[before.phase if before is not None else None]:
        return None
    if before is not None:
        seen = replace(seen, fired=before.fired)
    after = {**known, name: seen}
    if len(after) > KEPT:
        del after[min(after, key=lambda one: after[one].loudness)]
    return after


def ended(known: Known, now: datetime) -> list[str]:
    """Return the alerts that fire and that nobody will resolve any more."""
    return [name for name, one in known.items() if one.phase is Phase.FIRED and one.ends <= now]


def slug(rule: str) -> str:
    """Return a rule's name as part of an alert's key; the case of a rule's name does not count.

    >>> slug("High latency (P99)"), slug("遅い")
    ('high-latency-p99', 'ea81ed0b')
    """
    plain = re.sub(r"[^a-z0-9]+", "-", rule.lower()).strip("-")[:_SLUG].rstrip("-")
    return plain or sha256(rule.lower().encode("utf-8", "backslashreplace")).hexdigest()[:8]

"""Live traffic: the split that holds, the one that is to hold, and foreign ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from fleet.names import held_by


@dataclass(frozen=True)
class Wanted:
    """The split of live traffic that is to hold, under the key of the effect that sets it.

    `owed` until it was set or refused, `declined` while the last answer was a refusal, `good_at`
    when it was last known to hold, `times` how often it was set again. A `retreat` gives the
    traffic back to the champion. `replaces` are keys of earlier splits that may be unpaid still.
    """

    key: str
    weights: dict[str, int]
    shadow: tuple[str, ...]
    good_at: datetime
    owed: bool = True
    declined: bool = False
    times: int = 0
    retreat: bool = False
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Foreign:
    """A stretch of time in which a foreign split held; `until` is None while it does."""

    since: datetime
    weights: dict[str, int]
    until: datetime | None = None


@dataclass(frozen=True)
class Traffic:
    """The live traffic as it was last known.

    `weights` are percent by version, `names` versions by deployment, `looked_at` when the service
    was last asked for its split.
    """

    weights: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    wanted: Wanted | None = None
    looked_at: datetime | None = None
    foreign: tuple[Foreign, ...] = ()

    def version_of(self, deployment: str) -> str:
        """Return the version that a deployment holds; logs name deployments."""
        return held_by(deployment, self.names)

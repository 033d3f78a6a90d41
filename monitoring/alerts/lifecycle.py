"""The states of one alert, its legal moves, its policy, and the notification that it owes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

import engine.policy
from engine.duration import Duration


class Phase(StrEnum):
    """The phase of an alert; a held (calendar-explained) condition stays in `PENDING`."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


EDGES: Mapping[Phase, tuple[Phase, ...]] = {
    Phase.INACTIVE: (Phase.PENDING, Phase.FIRING),
    Phase.PENDING: (Phase.INACTIVE, Phase.FIRING),
    Phase.FIRING: (Phase.ACKNOWLEDGED, Phase.RESOLVED),
    Phase.ACKNOWLEDGED: (Phase.FIRING, Phase.RESOLVED),
    Phase.RESOLVED: (Phase.PENDING, Phase.FIRING),
}


class Severity(StrEnum):
    """A page wakes somebody; a ticket waits for the morning."""

    TICKET = "ticket"
    PAGE = "page"


class Kind(StrEnum):
    """The subject of an alert, by which alerts are grouped, silenced and inhibited."""

    DRIFT = "drift"
    PERFORMANCE = "performance"
    QUALITY = "quality"
    SLO = "slo"
    TRAFFIC = "traffic"
    CAPACITY = "capacity"
    RUN = "run"
    ROLLOUT = "rollout"
    AZURE = "azure"
    RECEIVER = "receiver"


#: The kinds of a model's alerts; an alert about a receiver is one of a team.
ModelKind = Literal[
    Kind.DRIFT,
    Kind.PERFORMANCE,
    Kind.QUALITY,
    Kind.SLO,
    Kind.TRAFFIC,
    Kind.CAPACITY,
    Kind.RUN,
    Kind.ROLLOUT,
    Kind.AZURE,
]


class Status(StrEnum):
    """The status in a notification."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Policy(engine.policy.Policy):
    """When a condition becomes an alert, and when an alert ends."""

    hold: Duration = Field(timedelta(0), description="How long a condition lasts before it fires.")
    resolve_after: Duration = Field(
        timedelta(hours=1),
        description="How long it must be quiet before a firing alert is resolved.",
    )
    renotify: Duration = Field(
        timedelta(days=1),
        gt=timedelta(0),
        description="An unacknowledged alert is sent again after this long.",
    )
    tickets: tuple[ModelKind, ...] = Field(
        (Kind.RUN, Kind.ROLLOUT),
        description="Kinds that never page, whatever the signal asks for; they open a ticket.",
    )


@dataclass(frozen=True)
class Condition:
    """The present value of a signal: the condition of one alert key of one model.

    `active` None means that nothing is known; it neither starts, nor ends, nor fires an alert.
    `explained_by` names the announced event that explains the condition.
    """

    model: str
    key: str
    kind: Kind
    active: bool | None
    reason: str
    severity: Severity = Severity.PAGE
    explained_by: str | None = None
    features: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alert:
    """One alert key of one model, over all the times it fired.

    `ripens` is when a pending alert fires (None while held); `quiet` is when the condition of a
    firing one ended; `told` is the time of the last notification, the `notices`-th.
    """

    model: str
    key: str
    kind: Kind
    phase: Phase
    severity: Severity
    reason: str
    since: datetime
    ordinal: int = 0
    ripens: datetime | None = None
    fired: datetime | None = None
    resolved: datetime | None = None
    quiet: datetime | None = None
    told: datetime | None = None
    notices: int = 0
    explained_by: str | None = None
    acknowledged_by: str | None = None
    features: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Name of the present (or last) firing, e.g. `performance-3`: the third one."""
        return f"{self.key}-{self.ordinal}"


def key_of(alert: str) -> str:
    """Return the key of an alert by its id.

    >>> key_of("refused-gate-2")
    'refused-gate'
    """
    return alert.rsplit("-", 1)[0]


@dataclass(frozen=True)
class Notify:
    """Tell the model's on-call partition; `key` is the delivery id there."""

    key: str
    model: str
    alert: str
    kind: Kind
    severity: Severity
    status: Status
    reason: str
    at: datetime
    features: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The alert's name across the fleet, e.g. `flights:performance-3`."""
        return f"{self.model}:{self.alert}"

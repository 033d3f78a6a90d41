"""Lines about alerts: what becomes one, its phases, and the pages of the on-call partition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from monitoring.alerts import lifecycle


@dataclass(frozen=True)
class Alert:
    """An alert changed; `explained_by` names the announced event that explains it."""

    alert: str
    phase: str
    kind: str
    severity: str
    reason: str
    features: tuple[str, ...]
    explained_by: str | None

    @classmethod
    def of(cls, alert: lifecycle.Alert) -> Self:
        """Return the line about an alert as it is now."""
        return cls(
            alert.id,
            alert.phase,
            alert.kind,
            alert.severity,
            alert.reason,
            alert.features,
            alert.explained_by,
        )


@dataclass(frozen=True)
class AzureAlert:
    """An alert of Azure Monitor fired, was resolved, or ended without that; `at` is an instant."""

    rule: str
    phase: str
    severity: str
    target: str
    at: str
    reason: str


@dataclass(frozen=True)
class Slo:
    """A service-level objective began to burn, or its budget is spent."""

    objective: str
    verdict: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Silence:
    """The endpoint fell silent; `expected` requests would have been usual."""

    reason: str
    expected: float | None


@dataclass(frozen=True)
class Quiet:
    """The endpoint has few requests for the hour; `expected` would have been usual."""

    reason: str
    expected: float | None


@dataclass(frozen=True)
class Notified:
    """A model told its team about an alert."""

    alert: str
    status: str
    severity: str
    reason: str


@dataclass(frozen=True)
class Undelivered:
    """A receiver could not be told; `permanent`: it refused that message for good."""

    receiver: str
    event: str
    incident: str
    reason: str
    permanent: bool


@dataclass(frozen=True)
class Delivered:
    """A receiver that could not be told before accepted a message of an incident."""

    receiver: str
    incident: str


@dataclass(frozen=True)
class Page:
    """A receiver is paged."""

    receiver: str
    severity: str
    event: str
    title: str

"""The telemetry port: takes the measurements, spans and events of `fleet.instruments`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Attributes = Mapping[str, str]
#: The W3C field that carries a trace in a queue message and in a CloudEvent's extensions.
TRACEPARENT = "traceparent"


class Telemetry(Protocol):
    """Receives measurements; failures of the exporter are never raised."""

    def span(
        self, name: str, attributes: Attributes, parent: str = ""
    ) -> AbstractContextManager[dict[str, str]]:
        """Time a block; keys that the block adds to the mapping become attributes, too.

        `parent` is the W3C `traceparent` of the parent; empty for the current span.
        """
        ...

    def add(self, metric: str, value: float, attributes: Attributes) -> None:
        """Count, set or record one value, by the metric's instrument."""
        ...

    def event(self, name: str, attributes: Attributes) -> None:
        """Record a custom event."""
        ...

    def traceparent(self) -> str:
        """Return the current span as W3C `traceparent`, empty where there is none."""
        ...


class Silent:
    """Telemetry of a host that exports none."""

    def span(
        self, name: str, attributes: Attributes, parent: str = ""
    ) -> AbstractContextManager[dict[str, str]]:
        """See `Telemetry`."""
        del name, attributes, parent
        return nullcontext({})

    def add(self, metric: str, value: float, attributes: Attributes) -> None:
        """See `Telemetry`."""

    def event(self, name: str, attributes: Attributes) -> None:
        """See `Telemetry`."""

    def traceparent(self) -> str:
        """See `Telemetry`."""
        return ""

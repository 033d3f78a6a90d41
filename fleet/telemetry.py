"""The telemetry port: takes the measurements, spans and events of `fleet.instruments`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Attributes = Mapping[str, str]
#: The W3C field that carries a trace in a queue message and in a CloudEvent's extensions.
TRACEPARENT = "traceparent"


class Telemetry(Protocol):
    """Takes measurements; it never raises for what the outside does."""

    def span(
        self, name: str, attributes: Attributes, parent: str = ""
    ) -> AbstractContextManager[dict[str, str]]:
        """Time what is done inside; what is put into the mapping becomes attributes too.

        `parent` is the W3C `traceparent` to go on from; empty is the present span.
        """
        ...

    def add(self, metric: str, value: float, attributes: Attributes) -> None:
        """Count, set or record one value, by the metric's instrument."""
        ...

    def event(self, name: str, attributes: Attributes) -> None:
        """Note a custom event."""
        ...

    def traceparent(self) -> str:
        """Return the present span as W3C `traceparent`, empty where there is none."""
        ...


class Silent:
    """Telemetry of a host that has nowhere to send it."""

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

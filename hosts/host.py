"""What every host offers to the Functions app and to the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from engine.clock import Clock
    from fleet.read import Json
    from fleet.service import Service


class Host(Protocol):
    """The domain with its ports open."""

    service: Service
    clock: Clock

    def health(self) -> Json:
        """Tell whether every partition steps; raises where the store does not answer."""
        ...

    def measure(self) -> None:
        """Report the gauges, once a tick."""
        ...

    def close(self) -> None:
        """Close every connection, file and process."""
        ...

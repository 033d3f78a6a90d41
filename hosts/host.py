"""What every host offers to the Functions app and to the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    def follow(self) -> None:
        """Take over a changed document, where it can change while the app runs."""
        ...

    def measure(self) -> None:
        """Report the gauges, once a tick."""
        ...

    def poison_doorbells(self) -> Iterator[tuple[bytes, str]]:
        """Yield the doorbells in the poison queue with the reason, each removed when it was used.

        One whose use raises stays in the queue.
        """
        ...

    def poison_events(self) -> Iterator[bytes]:
        """Yield the messages in the poison queue of events, each removed when it was used."""
        ...

    def close(self) -> None:
        """Close every connection, file and process."""
        ...

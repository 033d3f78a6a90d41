"""Where a replay is played: an app on an open host, and the world around it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from commands.replay.announcements import Json
from commands.replay.scenario import VersionPlan
from engine.store import Store
from hosts.local.position import Position


class Stage(Protocol):
    """An app on an open host, its timer and queue, and the outside that answers and announces."""

    @property
    def store(self) -> Store:
        """The store that the app works on."""
        ...

    def stands(self) -> Position | None:
        """Return the position of the replay; None where there was none."""
        ...

    def keep(self, position: Position) -> None:
        """Store the position of the replay."""
        ...

    def begin(self) -> None:
        """Make messages visible again that a killed worker held."""
        ...

    def retry_at(self) -> datetime | None:
        """Return when the next waiting message becomes visible."""
        ...

    def tick(self, at: datetime) -> None:
        """Fire the app's timer."""
        ...

    def work(self, at: datetime) -> bool:
        """Run the app's queue function on the visible messages; False where there was none."""
        ...

    def announce(self, events: Sequence[Json]) -> None:
        """Deliver events to the app."""
        ...

    def serve(self, model: str, rows: pa.Table, start: datetime) -> list[tuple[str, int]]:
        """Answer requests as live traffic; return (path, bytes) of the log files written."""
        ...

    def keep_labels(self, path: str, content: bytes) -> None:
        """Write a labels file where the logs are."""
        ...

    def register(self, plan: VersionPlan) -> None:
        """Train a version outside of Driftwarden and register it, once."""
        ...

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
        """How far the replay has come; None where there was none."""
        ...

    def keep(self, position: Position) -> None:
        """Write down how far the replay has come."""
        ...

    def begin(self) -> None:
        """Make the messages visible again that a killed worker held."""
        ...

    def retry_at(self) -> datetime | None:
        """When the next message that waits becomes visible."""
        ...

    def tick(self, at: datetime) -> None:
        """Let the app's timer fire."""
        ...

    def work(self, at: datetime) -> bool:
        """Let the app's queue function take what is visible; False where nothing was."""
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
        """Train a version outside the watcher and register it, once."""
        ...

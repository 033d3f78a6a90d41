"""What stands in for a part whose setting is missing: its work waits, and says for what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.errors import Unavailable
from fleet.ports import Listing, LogFile


@dataclass(frozen=True)
class UnsetLogs:
    """`fleet.ports.LogFiles` without an account to read from."""

    reason: str

    def read(self, path: str, start: int, end: int, container: str = "") -> bytes:
        """See `fleet.ports.LogFiles`."""
        del start, end, container
        raise Unavailable(f"log {path}: {self.reason}")

    def listing(self, folder: str, container: str = "") -> Listing:
        """See `fleet.ports.LogFiles`."""
        del container
        raise Unavailable(f"logs {folder}: {self.reason}")

    def files(self, folder: str, container: str = "") -> tuple[LogFile, ...]:
        """See `fleet.ports.LogFiles`."""
        del container
        raise Unavailable(f"logs {folder}: {self.reason}")


@dataclass(frozen=True)
class UnsetTopic:
    """`fleet.ports.Publisher` without a topic."""

    reason: str

    def publish(
        self, key: str, kind: str, subject: str, fields: dict[str, object], at: datetime
    ) -> None:
        """See `fleet.ports.Publisher`."""
        del kind, subject, fields, at
        raise Unavailable(f"event {key}: {self.reason}")

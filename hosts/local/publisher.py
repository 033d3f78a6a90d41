"""Published events on one machine: CloudEvents, one JSON line each, appended to a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from engine.errors import Unavailable
from engine.store import instant
from hosts.local.ledger import append_once


class FilePublisher:
    """Appends events to a file; one that stands there already is not written again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def publish(
        self, key: str, kind: str, subject: str, fields: dict[str, object], at: datetime
    ) -> None:
        """See `fleet.ports.Publisher`."""
        event = {
            "specversion": "1.0",
            "id": key,
            "source": "/driftwarden",
            "type": f"Driftwarden.{kind}",
            "subject": subject,
            "time": instant(at),
            "data": fields,
        }
        try:
            append_once(self._path, key, event)
        except OSError as error:
            raise Unavailable(f"{self._path}: {error.strerror}") from error

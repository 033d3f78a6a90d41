"""Published events on one machine: CloudEvents, one JSON line each, appended to a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from engine.errors import Unavailable
from fleet.published import document
from hosts.ledger import append_once


class FilePublisher:
    """Appends events to a file; one that is there already is not written again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def publish(
        self, key: str, kind: str, subject: str, fields: dict[str, object], at: datetime
    ) -> None:
        """See `fleet.ports.Publisher`."""
        event = document(key, kind, subject, fields, at)
        try:
            append_once(self._path, key, event)
        except OSError as error:
            raise Unavailable(f"{self._path}: {error.strerror}") from error

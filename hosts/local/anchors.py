"""Anchors on one machine: JSON Lines in a file beside the store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.errors import Unavailable
from hosts.ledger import append_once

ANCHORS_FILE = "anchors.jsonl"


class AnchorFile:
    """Appends anchors to a file; a key that is there already is not written again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, key: str, hour: str, anchors: Sequence[str]) -> None:
        """See `fleet.ports.Anchors`."""
        try:
            append_once(self._path, key, {"hour": hour, "anchors": list(anchors)})
        except OSError as error:
            raise Unavailable(f"{self._path}: {error.strerror}") from error

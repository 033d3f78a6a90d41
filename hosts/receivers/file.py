"""Pages as lines of the file of `kind: file`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from engine.errors import Unavailable
from fleet.document.receivers import FileReceiver
from hosts.ledger import append_once
from hosts.receivers.paging import Receipt, Surroundings, message
from monitoring.alerts.paging import Page


class PageFile:
    """Pages as JSON Lines; see `hosts.ledger`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, page: Page, at: datetime) -> Receipt:
        """See `hosts.receivers.paging.Channel`."""
        try:
            append_once(self._path, page.key, message(page, at))
        except OSError as error:
            raise Unavailable(f"receiver {page.receiver}: {error.strerror}") from error
        return Receipt(f"a line in {self._path}")


def open_file(_name: str, policy: FileReceiver, around: Surroundings) -> PageFile:
    """Open a file below the host's folder."""
    return PageFile(around.folder / policy.path)

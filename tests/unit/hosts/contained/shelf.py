"""A document in a container of Azurite, to be uploaded, changed and taken away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from azure.storage.blob import ContainerClient

from hosts.contained.container import Beside
from hosts.contained.documents import Documents
from hosts.contained.kept import Kept
from hosts.contained.place import Place

DOCUMENT = """\
version: 1
store: "azure:"
receivers:
  duty: {kind: terminal}
teams:
  shop: {page: [duty], ticket: [duty]}
calendars:
  shop: {ics: [holidays.ics]}
models:
  demand:
    team: shop
    calendar: shop
    logs: {endpoint: demand}
    reference: {data: reference.parquet}
    serving: {champion: v1}
"""
HOLIDAYS = """\
BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20260101
SUMMARY:New Year
END:VEVENT
END:VCALENDAR
"""


@dataclass
class Shelf:
    """The container, and what follows the document in it."""

    account: Any
    place: Place
    container: ContainerClient
    folder: Path

    def put(self, name: str, content: str) -> None:
        """Upload a file beside the document."""
        self.container.upload_blob(self.place.blob(name), content, overwrite=True)

    def put_later(self, name: str, content: str, than: str) -> None:
        """Upload a file until the service dates it after another one."""
        other = self.container.get_blob_client(self.place.blob(than)).get_blob_properties()
        while True:
            self.put(name, content)
            own = self.container.get_blob_client(self.place.blob(name)).get_blob_properties()
            if own.last_modified > other.last_modified:
                return

    def documents(self) -> Documents:
        """Return what a new process follows the document with."""
        service = self.account.blobs()
        return Documents(Beside(service, self.place), Kept(service, self.place), self.folder)


def present() -> datetime:
    """Return the time of the service's own dates."""
    return datetime.now(UTC)


def later() -> datetime:
    """Return a time at which no upload goes on any more."""
    return present() + timedelta(minutes=10)

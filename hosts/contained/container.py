"""The blobs of a document and of the files beside it, by etag."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient

from engine.errors import Conflict
from hosts.azure.storage.storage_errors import Expected, translated
from hosts.contained.place import Place


@dataclass(frozen=True)
class Listed:
    """One blob as its container lists it; `digest` is its MD5, empty where nobody kept one."""

    etag: str
    modified: datetime
    size: int
    digest: bytes


class Beside:
    """The document's folder in its container.

    Raises
    ------
    Unavailable
        Where the service throttles, fails, denies or does not answer, or has no such container.
    """

    def __init__(self, service: BlobServiceClient, place: Place) -> None:
        self.place = place
        self.container: ContainerClient = service.get_container_client(place.container)

    def listed(self) -> dict[str, Listed]:
        """Return every blob in the folder and below, by its name in the container."""
        with translated(str(self.place)):
            return {
                one.name: Listed(
                    one.etag,
                    one.last_modified,
                    one.size,
                    bytes(one.content_settings.content_md5 or b""),
                )
                for one in self.container.list_blobs(name_starts_with=self.place.prefix)
            }

    def content(self, name: str, etag: str) -> bytes:
        """Return what a blob holds at an etag; Conflict where it has changed since."""
        found: bytes | None = None
        with translated(f"{self.place.container}/{name}"), Expected(ResourceNotFoundError):
            found = self.container.download_blob(
                name, etag=etag, match_condition=MatchConditions.IfNotModified
            ).readall()
        if found is None:
            raise Conflict(f"{name}: removed meanwhile")
        return found

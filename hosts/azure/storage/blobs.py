"""Blobs named by their content, in one container of Azure Blob Storage."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from engine.blobs import content_name
from engine.errors import Broken, Refused
from hosts.azure.storage.storage_errors import Expected, translated

#: Bytes of blobs that an instance caches: a reference is some ninety small blobs, and every window
#: needs it.
AT_HAND = 64 * 1024 * 1024
#: The store's own container.
CONTAINER = "driftwarden"
_NAME = re.compile(r"[0-9a-f]{64}")


class AzureBlobs:
    """`engine.blobs.Blobs` in a container; made where missing.

    Names have no folders: hashes spread over the service's partitions anyway.

    Raises
    ------
    Unavailable
        Where the service does not answer.
    """

    def __init__(self, service: BlobServiceClient, container: str = CONTAINER) -> None:
        self._container = service.get_container_client(container)
        self._at_hand: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        with translated(f"container {container}"), Expected(ResourceExistsError):
            self._container.create_container()

    def put(self, content: bytes) -> str:
        """Keep `content` and return its name; writing it again changes nothing."""
        name = content_name(content)
        with translated(self._where(name)), Expected(ResourceExistsError):
            # Not overwriting sends If-None-Match: *, so that the first writer wins.
            self._container.upload_blob(name, content, overwrite=False)
        self._keep(name, content)
        return name

    def get(self, name: str) -> bytes:
        """Return the content; Refused where no blob has that name, Broken where it is damaged."""
        if (known := self._known(name)) is not None:
            return known
        content: bytes | None = None
        with translated(self._where(name)), Expected(ResourceNotFoundError):
            content = self._container.download_blob(_checked(name)).readall()
        if content is None:
            raise Refused(f"{self._where(name)}: not found")
        if content_name(content) != name:
            raise Broken(f"{self._where(name)}: holds other content, restore it from a backup")
        self._keep(name, content)
        return content

    def address(self, name: str) -> str:
        """Return the address of a blob, for a reader with a role, e.g. a training job."""
        url: str = self._container.get_blob_client(_checked(name)).url
        return url

    def names(self) -> Iterator[str]:
        """Yield every name, in order."""
        with translated(f"container {self._container.container_name}"):
            for name in self._container.list_blob_names():
                if _NAME.fullmatch(name):
                    yield name

    def delete(self, name: str) -> None:
        """Remove the blob; nothing happens where there is none."""
        with self._lock:
            self._size -= len(self._at_hand.pop(name, b""))
        with translated(self._where(name)), Expected(ResourceNotFoundError):
            self._container.delete_blob(_checked(name))

    def _known(self, name: str) -> bytes | None:
        with self._lock:
            if name in self._at_hand:
                self._at_hand.move_to_end(name)
            return self._at_hand.get(name)

    def _keep(self, name: str, content: bytes) -> None:
        """Cache the blobs used last; names are hashes of content, so that no entry expires."""
        with self._lock:
            if name not in self._at_hand:
                self._size += len(content)
            self._at_hand[name] = content
            self._at_hand.move_to_end(name)
            while self._size > AT_HAND:
                _, oldest = self._at_hand.popitem(last=False)
                self._size -= len(oldest)

    def _where(self, name: str) -> str:
        return f"blob {self._container.container_name}/{name}"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Refused(f"blob {name!r}: not a name, expected 64 hexadecimal digits")
    return name

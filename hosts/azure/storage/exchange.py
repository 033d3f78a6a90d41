"""Files that jobs of the workspace read and write: one container beside the store's own.

A job's identity needs a role on this container alone; the store's holds the journals' key.
"""

from __future__ import annotations

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from engine.blobs import content_name
from hosts.azure.storage.storage_errors import Expected, translated

#: The container of the reports' files.
CONTAINER = "reports"


class Exchange:
    """Keeps what jobs read under the hash of its content, and returns what they wrote."""

    def __init__(self, service: BlobServiceClient, container: str = CONTAINER) -> None:
        self._container = service.get_container_client(container)
        self.account = str(service.account_name)
        self.container = container

    def open(self) -> None:
        """Make the container where it is missing."""
        with translated(f"container {self.container}"), Expected(ResourceExistsError):
            self._container.create_container()

    def put(self, content: bytes) -> str:
        """Keep `content` and return its name; writing it again changes nothing."""
        name = content_name(content)
        with translated(f"blob {self.container}/{name}"):
            self._container.upload_blob(name, content, overwrite=True)
        return name

    def get(self, name: str) -> bytes | None:
        """Return a file; None where there is none."""
        with translated(f"blob {self.container}/{name}"), Expected(ResourceNotFoundError):
            content: bytes = self._container.download_blob(name).readall()
            return content
        return None

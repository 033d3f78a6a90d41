"""Events that Event Grid could not deliver: blobs in a container of the app's account."""

from __future__ import annotations

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from hosts.azure.storage.storage_errors import translated

#: Where the subscriptions keep them; see infra/modules/delivery.bicep.
CONTAINER = "deadletter"
#: Counted at a tick: one page of a listing.
MOST = 5000


class DeadLetters:
    """Counts the dead letters in a container; there are none where there is no container.

    Raises
    ------
    Unavailable
        Where the service does not answer.
    """

    def __init__(self, service: BlobServiceClient, container: str = CONTAINER) -> None:
        self._container = service.get_container_client(container)

    @property
    def name(self) -> str:
        """The container's name."""
        return self._container.container_name

    def waiting(self) -> int:
        """Return the number of blobs, each of which holds one or more events; 5,000 at most."""
        with translated(f"container {self.name}"):
            try:
                pages = self._container.list_blob_names(results_per_page=MOST).by_page()
                return sum(1 for _ in next(pages, ()))
            except ResourceNotFoundError:
                return 0

"""Anchors in Azure: JSON Lines in append blobs beside the store, one blob a month."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

from fleet import anchors
from hosts.azure.storage.blobs import CONTAINER
from hosts.azure.storage.storage_errors import Expected, translated

FOLDER = "anchors/"


class AnchorBlobs:
    """Appends anchors; a key that is sent twice may be two equal lines.

    An append blob takes 50,000 blocks, so that a month has one of its own.
    """

    def __init__(self, service: BlobServiceClient, container: str = CONTAINER) -> None:
        self._container = service.get_container_client(container)

    def keep(self, key: str, hour: str, lines: Sequence[str]) -> None:
        """See `fleet.ports.Anchors`."""
        name = f"{FOLDER}{hour[:7]}.jsonl"
        line = json.dumps({"key": key, "hour": hour, "anchors": list(lines)}) + "\n"
        # The service creates it only where it is missing (If-None-Match: *).
        blob = self._container.get_blob_client(name)
        with translated(f"blob {self._container.container_name}/{name}"):
            with Expected(ResourceExistsError):
                blob.create_append_blob(match_condition=MatchConditions.IfMissing)
            blob.append_block(line.encode())

    def read(self) -> Iterator[anchors.Anchor]:
        """Yield every kept anchor.

        Raises
        ------
        Refused
            A line holds no anchors.
        """
        with translated(f"container {self._container.container_name}"):
            for name in self._container.list_blob_names(name_starts_with=FOLDER):
                content: bytes = self._container.download_blob(name).readall()
                yield from anchors.parse(content.decode("utf-8", "replace").splitlines(), name)

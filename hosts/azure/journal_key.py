"""The keys of the journals in Azure: the app's setting, else a private blob beside the store."""

from __future__ import annotations

from collections.abc import Mapping

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from engine.seal import PLAIN, Seal
from hosts import keys
from hosts.azure.storage.blobs import CONTAINER
from hosts.azure.storage.storage_errors import Expected, translated

KEY_BLOB = "journal.key"


def seal(service: BlobServiceClient, settings: Mapping[str, str]) -> Seal:
    """Return the keys of a store: those of the setting, else of its blob, made where missing.

    Raises
    ------
    Refused
        The setting or the blob holds no key.
    """
    found = known(service, settings)
    if found.keys:
        return found
    # Where another instance was first, its key holds.
    with translated(f"blob {CONTAINER}/{KEY_BLOB}"), Expected(ResourceExistsError):
        service.get_blob_client(CONTAINER, KEY_BLOB).upload_blob(
            keys.made().encode(), overwrite=False
        )
    return known(service, settings)


def known(service: BlobServiceClient, settings: Mapping[str, str]) -> Seal:
    """Return the keys of a store without making any; none where there are none."""
    given = keys.setting(settings)
    if given is not None:
        return given
    with translated(f"blob {CONTAINER}/{KEY_BLOB}"):
        try:
            found: bytes = service.get_blob_client(CONTAINER, KEY_BLOB).download_blob().readall()
        except ResourceNotFoundError:
            return PLAIN
    return keys.parse(found.decode("utf-8", "replace"), f"blob {CONTAINER}/{KEY_BLOB}")

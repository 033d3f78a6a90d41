"""The last valid document with its files: in the store's blobs by hash, named by one more blob."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from pydantic import TypeAdapter, ValidationError

from engine.errors import Refused
from hosts.azure.storage.blobs import CONTAINER, AzureBlobs
from hosts.azure.storage.readonly import ReadOnlyBlobs
from hosts.azure.storage.storage_errors import Expected, translated
from hosts.contained.place import Place
from hosts.folders import files_below

NAMES = TypeAdapter(dict[str, str])


class Kept:
    """Keeps one version of the document at `place`: the last that was taken over."""

    def __init__(self, service: BlobServiceClient, place: Place) -> None:
        self._service = service
        self._name = f"documents/{place.container}/{place.path}.json"
        self._blob = service.get_blob_client(CONTAINER, self._name)

    def keep(self, folder: Path) -> None:
        """Keep the version whose files a folder holds."""
        blobs = AzureBlobs(self._service)
        names = {name: blobs.put(file.read_bytes()) for name, file in files(folder)}
        with translated(f"blob {CONTAINER}/{self._name}"):
            self._blob.upload_blob(NAMES.dump_json(names), overwrite=True)

    def unpack(self, folder: Path) -> bool:
        """Write the files of the kept version into a folder; False where none was kept.

        Refused where what was kept is damaged.
        """
        found: bytes | None = None
        with translated(f"blob {CONTAINER}/{self._name}"), Expected(ResourceNotFoundError):
            found = self._blob.download_blob().readall()
        if found is None:
            return False
        try:
            names = NAMES.validate_json(found)
        except ValidationError as error:
            raise Refused(f"blob {CONTAINER}/{self._name}: damaged; remove it") from error
        blobs = ReadOnlyBlobs(self._service)
        for name, blob in names.items():
            write(folder / name, blobs.get(blob))
        return True


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a version with their names, in order."""
    for file in sorted(files_below(folder)):
        yield file.relative_to(folder).as_posix(), file


def write(file: Path, content: bytes) -> None:
    """Write a file below folders that are made where missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)

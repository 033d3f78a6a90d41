"""Feature logs as the data collector writes them into Blob or ADLS storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobPrefix, BlobProperties, BlobServiceClient, ContainerClient

from engine.errors import Broken, Conflict, Refused, Unavailable
from fleet.ports import Listing, LogFile
from fleet.skipped import Skipped
from hosts import addresses
from hosts.azure.storage.storage_errors import DENIED_DELAY, GONE, said_code, translated

#: Get Blob, status codes: the range begins at or behind the end (InvalidRange).
PAST_THE_END = 416


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Translate the errors of reading a blob whose name comes from outside."""
    try:
        with translated(where):
            try:
                yield
            except ResourceNotFoundError as error:
                if said_code(error) in GONE:
                    raise
                raise Refused(f"{where}: not found") from None
    except Broken as error:
        # An invalid name comes from an event, a log line or fleet.yaml, so that it is refused.
        raise Refused(str(error)) from None
    except Conflict as error:
        # The blob is archived, or was overwritten between two requests.
        raise Unavailable(str(error), DENIED_DELAY) from None


class AzureLogs:
    """`fleet.ports.LogFiles` on the containers of an account, read by ranges and never written.

    Parameters
    ----------
    container : tells the one that is meant where none is named.
    skipped : receives the blobs that listings leave out because no store can keep their names.

    Log files only grow, so that ranges read at different times fit together without etags. Where a
    file was replaced by a shorter one, ranges behind its end are empty until it has grown past the
    position that was read last.

    Raises
    ------
    Refused
        Where there is no such blob, or an address is not in this container.
    Unavailable
        Where the service throttles, fails, denies or does not answer, or the container cannot
        be told.
    """

    def __init__(
        self,
        service: BlobServiceClient,
        container: Callable[[], str],
        skipped: Skipped | None = None,
    ) -> None:
        self._service, self._default = service, container
        self._skipped = skipped or Skipped()

    def read(self, path: str, start: int, end: int, container: str = "") -> bytes:
        """Return the bytes [start, end) of a log, fewer where it is shorter.

        `path` is that of a blob within the container, or the blob's whole address: the data
        collector refers to long rows by address.
        """
        client = self._client(container)
        path = _within(client, path)
        if not path or {".", ".."} & set(path.split("/")):
            # HTTP clients would resolve these segments, and leave the container.
            raise Refused(f"log {path!r}: not the name of a blob")
        if not 0 <= start <= end:
            raise Refused(f"log {path}: bytes {start} to {end} are not a range")
        with reading(f"log {client.container_name}/{path}"):
            return self._read(client, path, start, end)

    def listing(self, folder: str, container: str = "") -> Listing:
        """See `fleet.ports.LogFiles`; one request for 5,000 names."""
        client, prefix = self._client(container), f"{folder}/"
        with reading(f"logs {client.container_name}/{folder}"):
            listed = client.walk_blobs(name_starts_with=prefix, delimiter="/")
            found = [one for one in listed if self._skipped.keeps(one.name)]
        folders = [one.name[len(prefix) : -1] for one in found if isinstance(one, BlobPrefix)]
        files = [LogFile(one.name, one.size) for one in found if isinstance(one, BlobProperties)]
        return Listing(tuple(folders), tuple(files))

    def files(self, folder: str, container: str = "") -> tuple[LogFile, ...]:
        """See `fleet.ports.LogFiles`; folders of a hierarchical namespace are files of no bytes."""
        client = self._client(container)
        with reading(f"logs {client.container_name}/{folder}"):
            listed = client.list_blobs(name_starts_with=f"{folder}/")
            found = [one for one in listed if self._skipped.keeps(one.name)]
        return tuple(LogFile(one.name, one.size) for one in found)

    def _client(self, container: str) -> ContainerClient:
        return self._service.get_container_client(container or self._default())

    def _read(self, client: ContainerClient, path: str, start: int, end: int) -> bytes:
        blob = client.get_blob_client(path)
        if start == end:
            blob.get_blob_properties()
            return b""
        try:
            content: bytes = blob.download_blob(start, end - start).readall()
        except HttpResponseError as error:
            if error.status_code == PAST_THE_END:
                return b""
            raise
        return content


def _within(container: ContainerClient, path: str) -> str:
    """Return the path within the container of a path or an address."""
    if not addresses.is_address(path):
        return path
    theirs, ours = addresses.split(path), addresses.split(container.url)
    folder = f"{ours.path}/"
    # An account has two hosts: .dfs. is its Data Lake endpoint.
    host = theirs.netloc.lower().replace(".dfs.", ".blob.", 1)
    if host != ours.netloc.lower() or not theirs.path.startswith(folder):
        place = f"{theirs.netloc.rpartition('@')[2]}{theirs.path}"
        raise Refused(f"log {place}: not in the container {container.container_name}")
    return unquote(theirs.path.removeprefix(folder))

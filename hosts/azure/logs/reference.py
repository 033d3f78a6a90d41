"""The tables that fleet.yaml names: in Blob storage, or deployed with the app."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from azure.core import MatchConditions
from azure.storage.blob import BlobClient, BlobProperties, BlobServiceClient, ContainerClient

from engine.errors import Refused
from hosts.azure.logs.files import reading
from hosts.folders import files_below
from hosts.tables.asked import check_place, unquoted
from monitoring.intake.csvfiles import csv_batches
from monitoring.intake.formats import codec_of, format_of
from monitoring.intake.limits import refuse_columns
from monitoring.intake.references import named_once
from monitoring.intake.sampling import sampled, seed_of
from monitoring.intake.source import BROKEN, Source, first_line
from monitoring.intake.textfiles import json_batches

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SCHEME = "az://"
#: The Functions runtime keeps its keys in such containers.
RUNTIME = "azure-webjobs-"
READ_AHEAD = 4 * 1024 * 1024


class AzureTables:
    """`fleet.ports.Tables` on `az://CONTAINER/PATH` and on files beside fleet.yaml.

    A path is one file, or a folder, of which every file below that is Parquet, CSV or JSON Lines
    is read, in the order of their names. Text may be packed (gz, zst, bz2). A table of more than
    1 M rows comes as a sample. Nothing in the containers `private` is a table that an operator may
    name. Where fleet.yaml lies in a container, relative paths begin at `home`, its folder.

    Raises
    ------
    Refused
        Where there is no such file or it cannot be read.
    Unavailable
        Where the service throttles, fails, denies or does not answer, or a file changes meanwhile.
    """

    def __init__(
        self,
        service: BlobServiceClient,
        beside: Path,
        private: Collection[str] = (),
        home: str = "",
    ) -> None:
        self._service = service
        self._beside = beside
        self._private = private
        self._home = home

    def read(self, path: str) -> pa.Table:
        """See `fleet.ports.Tables`."""
        path = self._placed(path)
        found = self._blobs(path) if path.startswith(SCHEME) else self._files(path)
        if not found:
            raise Refused(f"{path}: no Parquet, CSV or JSON Lines file there")
        rng = np.random.default_rng(seed_of(path))
        batches = (batch for source in found for batch in _batches(source))
        return sampled(named_once(batches, path), rng)

    def asked(self, path: str) -> pa.Table:
        """See `fleet.ports.Tables`."""
        path = self._placed(path)
        if not path.startswith(SCHEME):
            check_place(self._beside, path)
        else:
            self._check_blob(path)
        return unquoted(path, lambda: self.read(path))

    def _placed(self, path: str) -> str:
        if not self._home or path.startswith(SCHEME):
            return path
        if path.startswith("/") or ".." in path.split("/"):
            raise Refused(f"{path}: lies outside of the folder of fleet.yaml")
        return f"{self._home}{path.removeprefix('./')}"

    def _check_blob(self, path: str) -> None:
        container, _, name = path.removeprefix(SCHEME).partition("/")
        if container in self._private or container.startswith(RUNTIME):
            raise Refused(f"{path}: lies in the app's own container, whose files are no tables")
        if any(part.startswith(".") for part in name.split("/")):
            raise Refused(f"{path}: hidden files are no tables")

    def _files(self, path: str) -> list[Source]:
        place = self._beside / path
        if not place.exists():
            raise Refused(f"{path}: no such file or folder beside fleet.yaml")
        if place.is_file():
            return [_file(path, place)]
        names = sorted(file for file in files_below(place) if format_of(file.name))
        return [_file(file.relative_to(self._beside).as_posix(), file) for file in names]

    def _blobs(self, path: str) -> list[Source]:
        container, _, name = path.removeprefix(SCHEME).partition("/")
        if not container:
            raise Refused(f"{path}: az://CONTAINER/PATH is expected")
        client = self._service.get_container_client(container)
        with reading(path):
            # A folder is only a common prefix of names.
            below = {
                found.name: found
                for found in client.list_blobs(name_starts_with=name)
                if found.size and (found.name == name or _is_below(found.name, name))
            }
        if name in below:
            return [_blob(client, below[name])]
        return [_blob(client, found) for one, found in sorted(below.items()) if format_of(one)]


def _is_below(name: str, folder: str) -> bool:
    return not folder or name.startswith(f"{folder.rstrip('/')}/")


def _batches(source: Source) -> Iterator[pa.RecordBatch]:
    kind = format_of(source.name)
    try:
        if kind == "Parquet":
            with source.open() as stream, pq.ParquetFile(stream) as file:
                refuse_columns(source.name, file.schema_arrow.names, source.limits)
                yield from file.iter_batches(use_threads=False)
        elif kind == "CSV":
            yield from csv_batches(source)
        elif kind == "JSON Lines":
            yield from json_batches(source, [])
        else:
            raise Refused(f"{source.name}: not .parquet, .csv, .tsv or .jsonl (.gz, .zst, .bz2)")
    except BROKEN as error:
        raise Refused(f"{source.name}: cannot be read: {first_line(error)}") from error


def _file(name: str, place: Path) -> Source:
    # Arrow recognises gzip by the file name.
    packed = place.stat().st_size if codec_of(name) else 0
    return Source(name, lambda: pa.input_stream(str(place)), packed)


def _blob(container: ContainerClient, found: BlobProperties) -> Source:
    name = str(found.name)
    blob = container.get_blob_client(name)
    # Listings omit the quotes that a condition needs.
    etag = f'"{found.etag.strip(chr(34))}"'
    shown = f"{SCHEME}{container.container_name}/{name}"

    def opened() -> pa.NativeFile:
        ranges = _Ranges(blob, shown, found.size, etag)
        stream = pa.PythonFile(io.BufferedReader(ranges, READ_AHEAD), mode="r")
        codec = codec_of(name)
        return pa.CompressedInputStream(stream, codec) if codec else stream

    return Source(shown, opened, found.size if codec_of(name) else 0)


class _Ranges(io.RawIOBase):
    """A blob as a file: each read requests a range, on the condition of the listed etag."""

    def __init__(self, blob: BlobClient, name: str, size: int, etag: str) -> None:
        self._blob = blob
        self._name = name
        self._size = size
        self._etag = etag
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(start + offset, 0)
        return self._place

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer)
        count = min(len(room), self._size - self._place)
        if count <= 0:
            return 0
        with reading(self._name):
            content: bytes = self._blob.download_blob(
                self._place, count, etag=self._etag, match_condition=MatchConditions.IfNotModified
            ).readall()
        room[: len(content)] = content
        self._place += len(content)
        return len(content)

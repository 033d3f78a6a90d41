"""Reads one version of a document and its files out of a container, whenever they changed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from engine.errors import Conflict, Refused, Unavailable
from fleet.document.config import Config
from hosts import folders
from hosts.contained.container import Beside, Listed
from hosts.contained.kept import Kept, files, write
from hosts.contained.place import check_store
from hosts.runnable import MOST_BYTES, document

#: An upload of several files may take so long, from its first file to the document, which is last.
UPLOAD = timedelta(minutes=5)


@dataclass(frozen=True)
class Taken:
    """A valid version: what it says, the file that it was written to, and a hash of its files."""

    config: Config
    file: Path
    version: str


class _Uploading(Exception):
    """The files are not of one version yet."""


class Documents:
    """The versions of one document.

    Attributes
    ----------
    fault : why the newest version is not used; empty where it is.

    Parameters
    ----------
    folder : where versions are written to, each into a folder of its own.
    """

    def __init__(self, beside: Beside, kept: Kept, folder: Path) -> None:
        self.fault = ""
        self._beside, self._kept, self._folder = beside, kept, folder
        self._place = beside.place
        #: The etags of the document, and of the files that it named, when it was last examined.
        self._seen: dict[str, str | None] = {}
        self._version, self._used = "", folder

    def first(self, now: datetime) -> Taken:
        """Return the present version, or the last valid one where the present one is of no use.

        Raises
        ------
        Unavailable
            There is neither; the reason is that of the present one.
        """
        found = self.look(now)
        if found is not None:
            return found
        folder = self._new()
        reason = self.fault or f"{self._place}: its upload is not complete"
        try:
            if self._kept.unpack(folder):
                file = folder / self._place.name
                return self._taken(file, document(file, now).usable())
        except Refused as error:
            reason += f"; nor can the last valid one be used: {error}"
        raise Unavailable(reason)

    def look(self, now: datetime) -> Taken | None:
        """Return a valid version that is not in use; None where there is none, see `fault`."""
        found = None
        try:
            listed = self._beside.listed()
            seen = {name: _etag(listed, name) for name in {self._place.path, *self._seen}}
            if seen != self._seen:
                found = self._read_into_new(listed, now)
                self.fault = ""
        except _Uploading:
            self._seen = {}
        except Unavailable as error:
            self.fault, self._seen = str(error), {}
        except Refused as error:
            self.fault = str(error)
        return found

    def keep(self) -> None:
        """Keep the version that was returned last, for a start while a later one is faulty."""
        self._kept.keep(self._used)

    def _read_into_new(self, listed: Mapping[str, Listed], now: datetime) -> Taken | None:
        """Read the version that is listed into a new folder; one that is not used is removed."""
        folder, found = self._new(), None
        try:
            found = self._read(listed, folder / self._place.name, now)
        finally:
            if found is None:
                folders.remove(folder)
        return found

    def _read(self, listed: Mapping[str, Listed], file: Path, now: datetime) -> Taken | None:
        """Read the version that is listed into the folder of `file`; None where it is in use."""
        path = self._place.path
        self._seen = {path: _etag(listed, path)}
        if path not in listed:
            raise Refused(f"{self._place}: not found; `driftwarden push` uploads it")
        write(file, self._content(listed, path))
        named = {name: self._place.blob(name) for name in document(file, now).files}
        self._seen |= {blob: _etag(listed, blob) for blob in named.values()}
        for name, blob in named.items():
            if blob in listed:
                write(file.parent / name, self._content(listed, blob))
        self._check_one_version(listed, now)
        config = document(file, now).usable()
        check_store(config, self._place.name)
        if _hash(file.parent) == self._version:
            return None
        return self._taken(file, config)

    def _content(self, listed: Mapping[str, Listed], blob: str) -> bytes:
        size = listed[blob].size
        if size > MOST_BYTES:
            name = blob.removeprefix(self._place.prefix)
            raise Refused(f"{name}:1: {size >> 20:,} MB; {MOST_BYTES >> 20} MB at most")
        try:
            return self._beside.content(blob, listed[blob].etag)
        except Conflict:
            raise _Uploading from None

    def _check_one_version(self, listed: Mapping[str, Listed], now: datetime) -> None:
        """Refuse files that were changed after the document: it is uploaded last."""
        later = self._beside.listed()
        if any(_etag(later, name) != etag for name, etag in self._seen.items()):
            raise _Uploading
        whole = listed[self._place.path].modified
        for name in sorted(self._seen):
            if name in listed and listed[name].modified > whole:
                if timedelta(0) <= now - listed[name].modified < UPLOAD:
                    raise _Uploading
                file = name.removeprefix(self._place.prefix)
                told = f"is newer than {self._place.name}, which is uploaded last"
                raise Refused(f"{file}:1: {told}; `driftwarden push` uploads both")

    def _taken(self, file: Path, config: Config) -> Taken:
        self._version, self._used = _hash(file.parent), file.parent
        return Taken(config, file, self._version)

    def _new(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder))


def _etag(listed: Mapping[str, Listed], name: str) -> str | None:
    return listed[name].etag if name in listed else None


def _hash(folder: Path) -> str:
    """Return a short hash of the names and contents of all files in a folder."""
    found = sha256()
    for name, file in files(folder):
        found.update(f"{name}\n{sha256(file.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()[:16]

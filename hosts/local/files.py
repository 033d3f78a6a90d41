"""Files on one machine: blobs named by their content, and feature logs."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.blobs import content_name
from engine.errors import Broken, Refused, Unavailable
from fleet.ports import Listing, LogFile
from fleet.skipped import Skipped
from hosts import addresses, private
from hosts.local import leftovers
from hosts.local.disk import Disk, naming
from hosts.local.listing import Folders

BLOB_NAME = re.compile(r"[0-9a-f]{64}")


def replace_file(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Put `content` at `path` so that a reader, or a crash, sees all of it or none.

    It is for its owner alone. With `durable`, the content and its directory entry are on the disk
    before this returns.
    """
    private.make_folder(path.parent)
    descriptor, temporary = tempfile.mkstemp(leftovers.SUFFIX, leftovers.prefix(), path.parent)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(content)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Hold a lock file against other threads and processes; it is made where missing.

    Raises `DiskFault` where the disk is full, read-only or broken, also for what is done meanwhile.
    """
    with naming(lock.parent):
        private.make_folder(lock.parent)
        with private.opened(lock, "wb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def write_output(path: Path, content: bytes) -> None:
    """Write an operator's output file; a link is followed, and a file keeps its permissions.

    A pipe or a device is written to and not replaced. Raises `Refused` when it cannot be written
    there.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
            return
        path = path.resolve()
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
        os.chmod(path, mode)
    except OSError as error:
        raise Refused(f"{path}: cannot be written: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Blobs:
    """Blobs as files `root/ab/cd/abcd…`, two levels of folders so that none grows large.

    Every method raises `DiskFault` where the disk is full, read-only or broken.
    """

    def __init__(self, root: Path, *, durable: bool = False, disk: Disk | None = None) -> None:
        self._root = root
        self._durable = durable
        self._disk = disk or Disk(root.parent)

    def put(self, content: bytes) -> str:
        """Keep `content` and return its name; writing it again changes nothing."""
        name = content_name(content)
        path = self.path(name)
        # A file of another length was truncated by a power cut during a write that was not durable.
        with self._disk.watched(self._root):
            if not path.is_file() or path.stat().st_size != len(content):
                replace_file(path, content, durable=self._durable)
        return name

    def get(self, name: str) -> bytes:
        """Return the content; Refused where no blob has that name, Broken where it is damaged."""
        path = self.path(name)
        try:
            with self._disk.watched(path):
                content = path.read_bytes()
        except FileNotFoundError:
            raise Refused(f"blob {name}: not found below {self._root}") from None
        if content_name(content) != name:
            raise Broken(f"blob {name}: {path} holds other content, restore it from a backup")
        return content

    def names(self) -> Iterable[str]:
        """Return every name, sorted."""
        found = (path.name for path in self._root.glob("??/??/*"))
        return tuple(sorted(name for name in found if BLOB_NAME.fullmatch(name)))

    def delete(self, name: str) -> None:
        """Remove the blob; nothing happens where there is none."""
        with self._disk.watched(self._root):
            self.path(name).unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        if not BLOB_NAME.fullmatch(name):
            raise Refused(f"blob {name!r}: not a name, expected 64 hexadecimal digits")
        return self._root / name[:2] / name[2:4] / name


class Logs:
    """The feature logs below one folder, read by path and byte range, never written.

    An address in Azure storage is resolved below the folder as below its container, as in a copy of
    the container. `skipped` receives what listings leave out.
    """

    def __init__(self, root: Path, skipped: Skipped | None = None) -> None:
        self._root = root
        self._folders = Folders(root, skipped or Skipped())

    def size(self, path: str) -> int:
        """Return the length in bytes; Refused where there is no such log."""
        found = self._resolve(path)
        try:
            return found.stat().st_size
        except OSError as error:
            raise _unreadable(path, error) from error

    def read(self, path: str, start: int, end: int, container: str = "") -> bytes:
        """Return the bytes [start, end) of a log, fewer where it is shorter.

        Refused where there is no such log or the path leaves the folder; Unavailable where the file
        cannot be read now.
        """
        del container
        found = self._resolve(path)
        if not 0 <= start <= end:
            raise Refused(f"log {path}: bytes {start} to {end} are not a range")
        try:
            with open(found, "rb") as stream:
                stream.seek(start)
                return stream.read(end - start)
        except OSError as error:
            raise _unreadable(path, error) from error

    def listing(self, folder: str, container: str = "") -> Listing:
        """See `fleet.ports.LogFiles`."""
        del container
        return self._folders.listed(folder)

    def files(self, folder: str, container: str = "") -> tuple[LogFile, ...]:
        """See `fleet.ports.LogFiles`."""
        del container
        return tuple(self._folders.below(folder))

    def _resolve(self, path: str) -> Path:
        if addresses.is_address(path):
            path = addresses.within_container(path)
        root = self._root.resolve()
        try:
            found = (root / path).resolve() if "\0" not in path else root
            if found == root or not found.is_relative_to(root):
                raise Refused(f"log {path!r}: not below the logs folder")
            if not found.is_file():
                raise Refused(f"log {path}: not found")
        except OSError as error:
            raise _unreadable(path, error) from error
        except (RuntimeError, ValueError) as error:
            # A circle of links, or half a surrogate pair.
            raise Refused(f"log {path!a}: not a path") from error
        return found


def _unreadable(path: str, error: OSError) -> Refused | Unavailable:
    if error.errno == errno.ENAMETOOLONG:
        return Refused(f"log {path}: {error.strerror}")
    if isinstance(error, FileNotFoundError):
        return Refused(f"log {path}: not found")
    return Unavailable(f"log {path}: {error.strerror}")

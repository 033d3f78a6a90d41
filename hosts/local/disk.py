"""Faults of the disk, named for operators, and whether a store can be written at present.

Sources: SQLite, "Result and Error Codes"; POSIX.1-2017, errno.h.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from engine.errors import Refused, Unavailable

logger = logging.getLogger("driftwarden.host")

FULL = "the disk is full: make room; nothing is lost, and work continues by itself"
CLOSED = "it cannot be written: make the file system, the file and its folder writable"
FAILED = "the disk failed ({}): check the disk and its mount"
CROWDED = "too many files are open: raise the limit (ulimit -n)"
DAMAGED = "the file is damaged ({}): stop the server and restore the file from a backup"

#: By the primary result code of SQLite.
OF_SQLITE = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: CLOSED,
    sqlite3.SQLITE_CANTOPEN: CLOSED,
    sqlite3.SQLITE_PERM: CLOSED,
    sqlite3.SQLITE_IOERR: FAILED,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}
OF_SYSTEM = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EROFS: CLOSED,
    errno.EACCES: CLOSED,
    errno.EPERM: CLOSED,
    errno.EIO: FAILED,
    errno.EMFILE: CROWDED,
    errno.ENFILE: CROWDED,
}
#: What a file of SQLite begins with.
MAGIC = b"SQLite format 3\0"
#: When to try again: a damaged file is restored by hand.
SOON, LATER = timedelta(seconds=30), timedelta(minutes=5)
#: A store with less room than this counts as full.
ROOM = 1024 * 1024
#: The least time between two looks for room, in seconds.
LOOK_SECONDS = 5.0


class DiskFault(Unavailable):
    """The disk does not take or give back what is stored on it; `damaged` needs an operator."""

    def __init__(self, reason: str, *, damaged: bool = False) -> None:
        super().__init__(reason, LATER if damaged else SOON)
        self.damaged = damaged


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say about a disk into one line about `path`.

    Raises
    ------
    DiskFault
        The disk is full, read-only, broken, or its content is damaged.
    Unavailable
        Another process holds the file.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        found = _of_sqlite(path, error)
        if found is None:
            raise
        raise found from error
    except OSError as error:
        number = _number(error)
        if number not in OF_SYSTEM:
            raise
        said = OF_SYSTEM[number].format(os.strerror(number))
        raise DiskFault(f"{path}: {said}") from error


def _of_sqlite(path: Path, error: sqlite3.DatabaseError) -> Unavailable | None:
    # Errors of Python's module itself, such as a wrong number of values, have no code.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    found = OF_SQLITE.get(code & 0xFF)
    if found is not None:
        said = found.format(f"{error}, {error.sqlite_errorname}")
        return DiskFault(f"{path}: {said}", damaged=found is DAMAGED)
    if isinstance(error, sqlite3.OperationalError):
        return Unavailable(f"{path}: {error}")
    return None


def _number(error: OSError) -> int:
    """Return the number of an error; those of a copied folder are in its text alone."""
    if isinstance(error, shutil.Error):
        told = re.search(r"\[Errno (\d+)\]", str(error))
        return int(told[1]) if told else 0
    return error.errno or 0


def _is_database(path: Path) -> bool:
    """Tell whether a file begins as those of SQLite do."""
    with open(path, "rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


class Disk:
    """The folder of a store: it remembers a fault until the folder can be written again.

    Threads may share it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._fault: DiskFault | None = None
        self._past = ""
        self._next_look = 0.0

    @contextmanager
    def opened(self, path: Path, otherwise: str) -> Iterator[None]:
        """Name faults while `path` is opened; refuse a file that is something else."""
        try:
            with naming(path):
                yield
        except DiskFault as fault:
            if path.is_dir() or (fault.damaged and not _is_database(path)):
                raise Refused(f"{path}: {otherwise}; name another file") from fault
            raise
        except OSError as error:
            raise Refused(f"{path}: {otherwise} ({error.strerror}); name another file") from error

    @contextmanager
    def watched(self, path: Path) -> Iterator[None]:
        """Name faults as `naming` does, log each new one, and remember it."""
        try:
            with naming(path):
                yield
        except DiskFault as fault:
            self._remember(fault)
            raise
        self._look_again()

    def check(self) -> None:
        """Raise the fault that is remembered, unless the folder can be written again."""
        self._look_again()
        fault = self._fault
        if fault is not None:
            raise DiskFault(str(fault), damaged=fault.damaged)

    def _remember(self, fault: DiskFault) -> None:
        with self._lock:
            before, self._fault = self._fault, fault
            self._next_look = time.monotonic() + LOOK_SECONDS
        if before is None or str(before) != str(fault):
            logger.error("%s", fault)

    def _look_again(self) -> None:
        """Forget a fault where the folder has room; a damaged file stays damaged."""
        with self._lock:
            fault, now = self._fault, time.monotonic()
            if fault is None or fault.damaged or now < self._next_look:
                return
            self._next_look = now + LOOK_SECONDS
        try:
            with tempfile.TemporaryFile(dir=self._root) as probe:
                probe.write(bytes(ROOM))
                probe.flush()
                os.fsync(probe.fileno())
        except OSError:
            return
        with self._lock:
            # Another thread may have met a new fault while this one wrote.
            if self._fault is not fault:
                return
            self._past, self._fault = str(fault), None
        logger.warning("%s: it can be written again", self._root)

    def past(self) -> str:
        """Return the fault that is over since the last call; empty where there was none."""
        self._look_again()
        with self._lock:
            said, self._past = self._past, ""
        return said

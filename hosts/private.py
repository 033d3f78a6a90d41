"""Files and folders for their owner alone, whatever the umask: a store holds rows and pages."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO, Literal

from hosts.folders import below

FOLDER = 0o700
FILE = 0o600
#: The umask of processes that write into the store.
UMASK = 0o077


def make_folder(path: Path) -> None:
    """Make a folder and its missing parents; those that exist keep their permissions."""
    missing = takewhile(lambda folder: not folder.exists(), (path, *path.parents))
    for folder in reversed([*missing]):
        folder.mkdir(FOLDER, exist_ok=True)


def make_file(path: Path) -> None:
    """Make an empty file where there is none; its folder has to exist.

    A file that is there is not opened: closing any descriptor of a file drops all locks that the
    process has on it (POSIX.1-2017, fcntl), and SQLite in another process then takes itself for
    the last one and deletes the write-ahead log.
    """
    with suppress(FileExistsError):
        os.close(_opened(str(path), os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))


def opened(path: Path, mode: Literal["wb", "a+b"]) -> BinaryIO:
    """Open a file that is made where missing."""
    return open(path, mode, opener=_opened)


def close_to_others(root: Path) -> None:
    """Take all permissions of others from a folder and everything in it; links are left alone."""
    for path in (root, *below(root)):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & FOLDER)


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags, FILE)

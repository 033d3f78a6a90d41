"""List the files of a folder of logs; what another program writes or removes meanwhile is no fault.

Links to folders are not followed, and names that are not UTF-8 are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from engine.errors import Unavailable
from fleet.ports import Listing, LogFile


def listed(root: Path, folder: str) -> Listing:
    """Return what lies directly in a folder below `root`; Unavailable where it cannot be read."""
    folders, files = [], []
    for entry in _entries(root / folder):
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.is_dir(follow_symlinks=False):
            folders.append(entry.name)
        elif (size := _size(entry)) is not None:
            files.append(LogFile(path, size))
    return Listing(tuple(sorted(folders)), tuple(sorted(files, key=lambda file: file.path)))


def below(root: Path, folder: str) -> Iterator[LogFile]:
    """Yield every file in a folder below `root` and in the folders below it.

    Raises
    ------
    Unavailable
        A folder cannot be read, or lies deeper than the system takes a path.
    """
    waiting = [folder]
    while waiting:
        inner = waiting.pop()
        found = listed(root, inner)
        yield from found.files
        waiting += [f"{inner}/{name}" if inner else name for name in reversed(found.folders)]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.name.isprintable()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise Unavailable(f"logs {folder}: {error.strerror}") from error


def _size(entry: os.DirEntry[str]) -> int | None:
    """Return a file's size; None for what is no file, or is gone."""
    try:
        return entry.stat().st_size if entry.is_file() else None
    except OSError:
        return None

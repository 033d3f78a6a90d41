"""List the files of a folder of logs; what another program writes or removes meanwhile is no fault.

Links to folders are not followed. What is left out is remembered, so that it can be told.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from engine.errors import Unavailable
from fleet.ports import Listing, LogFile
from fleet.skipped import Skipped


class Folders:
    """Lists the folders below `root`."""

    def __init__(self, root: Path, skipped: Skipped) -> None:
        self._root, self._skipped = root, skipped

    def listed(self, folder: str) -> Listing:
        """Return what lies directly in a folder; Unavailable where it cannot be read."""
        folders, files = [], []
        for entry in self._entries(folder):
            path = f"{folder}/{entry.name}" if folder else entry.name
            if not self._skipped.keeps(path):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif (size := self._size(path, entry)) is not None:
                files.append(LogFile(path, size))
        return Listing(tuple(sorted(folders)), tuple(sorted(files, key=lambda file: file.path)))

    def below(self, folder: str) -> Iterator[LogFile]:
        """Yield every file in a folder and in the folders below it.

        Raises
        ------
        Unavailable
            A folder cannot be read.
        """
        waiting = [folder]
        while waiting:
            inner = waiting.pop()
            found = self.listed(inner)
            yield from found.files
            waiting += [f"{inner}/{name}" if inner else name for name in reversed(found.folders)]

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._root / folder) as entries:
                return list(entries)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                self._skipped.add(folder, "it lies deeper than the system takes a path")
                return []
            raise Unavailable(f"logs {self._root / folder}: {error.strerror}") from error

    def _size(self, path: str, entry: os.DirEntry[str]) -> int | None:
        """Return a file's size; None for what is no file, or is gone."""
        try:
            if entry.is_file():
                return entry.stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            self._skipped.add(path, error.strerror or "it cannot be examined")
            return None
        if entry.is_symlink():
            self._skipped.add(path, "it is a link to a folder, or to nothing")
        elif Path(entry).exists():
            self._skipped.add(path, "it is a pipe or a device")
        return None

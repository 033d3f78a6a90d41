"""Walk and remove folders of any depth: pathlib and shutil recurse, and fail at 1,000 levels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def below(root: Path) -> Iterator[Path]:
    """Yield what lies below a folder, a folder before its content; links are not followed.

    A folder that is gone, cannot be listed or has too long a path counts as empty.
    """
    waiting = [root]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                found = list(entries)
        except OSError:
            continue
        for entry in found:
            path = Path(entry.path)
            yield path
            if entry.is_dir(follow_symlinks=False):
                waiting.append(path)


def files_below(root: Path) -> Iterator[Path]:
    """Yield the files below a folder, links to files among them."""
    return (path for path in below(root) if path.is_file())


def remove(folder: Path) -> None:
    """Remove a folder and all that lies below; one that is not there is removed already.

    Raises
    ------
    OSError
        Something cannot be removed; all the rest is.
    """
    failed: OSError | None = None
    for path in reversed([folder, *below(folder)]):
        try:
            _remove(path)
        except OSError as error:
            failed = failed or error
    if failed is not None:
        raise failed


def _remove(path: Path) -> None:
    """Remove a file, a link or an empty folder; a long path is resolved once for a folder."""
    try:
        path.rmdir()
    except FileNotFoundError:
        return
    except NotADirectoryError:
        path.unlink(missing_ok=True)

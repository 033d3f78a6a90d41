"""Tables that an operator's command names: which files they may be, and what is said of them.

A command comes over HTTP, and what is said of its table is written to a journal that readers see
without a key. So it names rows, not any file that the process can read, and no content is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from engine.errors import Refused
from hosts.folders import files_below
from monitoring.intake.formats import format_of

FORMATS = "Parquet, CSV or JSON Lines"


def check_place(root: Path, path: str, private: Path | None = None) -> None:
    """Refuse a path that is not a table below `root`, or that is hidden or `private`.

    Links are followed: where a file really lies and what it is called there is what counts.
    """
    try:
        base, place = root.resolve(), root / path
        closed = private.resolve() if private is not None else None
        # Before anything is said about whether it exists.
        _check_file(path, place.resolve(), base, closed)
        if not place.exists():
            raise Refused(f"{path}: no such file or folder beside fleet.yaml")
        for file in _tables(place):
            _check_file(path, file.resolve(), base, closed)
        if place.is_file() and not (format_of(place.name) and format_of(place.resolve().name)):
            raise Refused(f"{path}: not a {FORMATS} file by its name")
    except (OSError, ValueError, RuntimeError) as error:
        raise Refused(f"{path[:200]!r}: not a path that can be looked at") from error


def unquoted(path: str, read: Callable[[], pa.Table]) -> pa.Table:
    """Read a table; where that is refused, say so without a word of its content."""
    try:
        return read()
    except Refused as error:
        told = f"cannot be read as {FORMATS}; `driftwarden check` on that file says why"
        raise Refused(f"{path}: {told}") from error


def _tables(place: Path) -> Iterator[Path]:
    """Yield the files of a folder that would be read; a link's own name has to fit, too."""
    if place.is_dir():
        for file in files_below(place):
            if format_of(file.name):
                if not format_of(file.resolve().name):
                    raise Refused(f"{file.name}: a link to what is not a {FORMATS} file")
                yield file


def _check_file(path: str, real: Path, base: Path, closed: Path | None) -> None:
    if not real.is_relative_to(base):
        raise Refused(f"{path}: lies outside the folder of fleet.yaml")
    if any(part.startswith(".") for part in real.relative_to(base).parts):
        raise Refused(f"{path}: hidden files are no tables")
    if closed is not None and real.is_relative_to(closed):
        raise Refused(f"{path}: lies in the store, whose files are no tables")

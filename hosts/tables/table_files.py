"""The files of a table: those of a folder that hold rows, their format and compression."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from engine.errors import Refused
from monitoring.intake.formats import codec_by, format_of, is_marker

SHOWN = 3
#: Node, size and time of change of a file.
Stamp = tuple[int, int, int]


def table_files(path: Path, notes: list[str]) -> list[Path]:
    """Return a file, or those of a folder that hold rows; `notes` tells what is left out.

    Refused where there are none, several formats, or some that cannot be found out about.
    """
    try:
        found = _below(path, notes) if path.is_dir() else [_regular(path)]
        filled = [file for file in found if file.stat().st_size]
    except OSError as error:
        raise Refused(f"{error.filename or path}: cannot be read: {error.strerror}") from error
    if not filled:
        raise Refused(f"{found[0]}: the file is empty (zero bytes)")
    if len(filled) < len(found):
        empty = [file for file in found if file not in filled]
        notes.append(_told(path, "of zero bytes", empty))
    formats = {file_format(file) for file in filled}
    if len(formats) > 1:
        raise Refused(f"{path}: files of several formats: {', '.join(sorted(formats))}")
    return filled


def _regular(path: Path) -> Path:
    if not path.exists():
        raise Refused(f"{path}: no such file or folder")
    if not path.is_file():
        raise Refused(f"{path}: a pipe or a device, and a table is read twice; save it to a file")
    return path


def stamp(file: Path) -> Stamp:
    """Return what changes when a file is written or replaced."""
    try:
        found = file.stat()
    except OSError as error:
        raise Refused(f"{file}: cannot be read: {error.strerror}") from error
    return found.st_ino, found.st_size, found.st_mtime_ns


def refuse_changed(file: Path, before: Stamp) -> None:
    """Raise `Refused` where a file is no longer what it was."""
    if stamp(file) != before:
        raise Refused(f"{file}: changed while it was read; try again when it is complete")


def _below(path: Path, notes: list[str]) -> list[Path]:
    below = sorted(_walked(path))
    files = [one for one in below if one.is_file()]
    found = [file for file in files if format_of(file.name)]
    other = [file for file in files if not format_of(file.name)]
    # A link to a folder may be a cycle; a broken link may have had rows.
    links = [one for one in below if one.is_symlink() and one not in files]
    special = [one for one in below if not (one.is_symlink() or one.is_dir() or one.is_file())]
    if links:
        notes.append(_told(path, "that are links to folders, or broken links,", links))
    if special:
        notes.append(_told(path, "that are pipes or devices", special))
    if not found:
        raise Refused(f"{path}: no Parquet, CSV or JSON Lines file in this folder")
    if other:
        notes.append(_told(path, "that are not Parquet, CSV or JSON Lines", other))
    return found


def _walked(path: Path) -> Iterator[Path]:
    """Yield what lies below a folder; OSError where a folder cannot be listed."""
    waiting = [path]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            found = [entry for entry in entries if not _is_hidden(entry.name)]
        for entry in found:
            yield Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))


def _is_hidden(name: str) -> bool:
    """Tell whether a file or folder is internal to a writer, e.g. `_temporary`."""
    return is_marker(name) and "=" not in name


def _told(path: Path, what: str, files: Sequence[Path]) -> str:
    names = ", ".join(str(file.relative_to(path)) for file in files[:SHOWN])
    rest = ", …" if len(files) > SHOWN else ""
    return f"{path}: files {what} left out ({len(files):,}): {names}{rest}"


def file_format(file: Path) -> str:
    """Return "Parquet", "CSV" or "JSON Lines", by the name or else by the first bytes."""
    return format_of(file.name) or _sniffed(file)


def _sniffed(file: Path) -> str:
    with opened(file) as stream:
        start = stream.read(512)
    if start.startswith(b"PAR1"):
        return "Parquet"
    if start.startswith(b"ARROW1"):
        raise Refused(f"{file}: an Arrow file; Parquet, CSV or JSON Lines are needed")
    return "JSON Lines" if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") else "CSV"


def opened(file: Path) -> pa.NativeFile:
    """Open a file and decompress it by its first bytes, whatever its name."""
    codec = codec_in(file)
    stream = pa.OSFile(str(file))
    return pa.CompressedInputStream(stream, codec) if codec else stream


def codec_in(file: Path) -> str | None:
    """Return the codec of a packed file by its first bytes."""
    with pa.OSFile(str(file)) as stream:
        return codec_by(stream.read(4))

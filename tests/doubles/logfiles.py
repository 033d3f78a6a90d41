"""Log files in memory: what `fleet.ports.LogFiles` lists of them."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.ports import Listing, LogFile


def listing(files: Mapping[str, bytes], folder: str) -> Listing:
    """What lies directly in a folder."""
    inside = [path.removeprefix(f"{folder}/") for path in below(files, folder)]
    folders = sorted({name.partition("/")[0] for name in inside if "/" in name})
    found = [f"{folder}/{name}" for name in inside if "/" not in name]
    return Listing(tuple(folders), tuple(LogFile(path, len(files[path])) for path in found))


def below(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    """The files in a folder and the folders below it."""
    return {path: files[path] for path in sorted(files) if path.startswith(f"{folder}/")}


def every(files: Mapping[str, bytes], folder: str) -> tuple[LogFile, ...]:
    """The same as the port lists them."""
    return tuple(LogFile(path, len(content)) for path, content in below(files, folder).items())

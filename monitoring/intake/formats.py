"""The format of a table's file, by its name or its first bytes."""

from __future__ import annotations

from pathlib import PurePosixPath

SUFFIXES = {
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".csv": "CSV",
    ".tsv": "CSV",
    ".tab": "CSV",
    ".psv": "CSV",
    ".jsonl": "JSON Lines",
    ".ndjson": "JSON Lines",
    ".json": "JSON Lines",
}
PACKED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}


def format_of(path: str) -> str | None:
    """The format by a file's name; hidden files and markers like _SUCCESS have none.

    Only text files are compressed as a whole; Parquet compresses its own pages.

    >>> format_of("days/1.csv.zst"), format_of("_SUCCESS"), format_of("notes.txt")
    ('CSV', None, None)
    """
    last = PurePosixPath(path)
    if is_marker(path):
        return None
    packed = last.suffix.lower() in PACKED
    found = SUFFIXES.get((last.with_suffix("") if packed else last).suffix.lower())
    return None if packed and found == "Parquet" else found


def is_marker(path: str) -> bool:
    """Whether a file is hidden or a marker, and so holds no rows."""
    return PurePosixPath(path).name.startswith((".", "_"))


def codec_of(path: str) -> str | None:
    """The codec of a compressed file by its name, as Arrow names it.

    >>> codec_of("1.csv.bz2"), codec_of("1.csv")
    ('bz2', None)
    """
    return PACKED.get(PurePosixPath(path).suffix.lower())


def codec_by(start: bytes) -> str | None:
    """The codec by a file's first bytes."""
    return next((codec for magic, codec in MAGIC.items() if start.startswith(magic)), None)

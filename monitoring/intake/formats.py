"""Which format a table's file is in, by its name or its first bytes, wherever it lies."""

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
    """Tell the format by the name; hidden files and markers like _SUCCESS have none.

    Only text is packed as a whole; Parquet packs its own pages.

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
    """Tell whether a file is hidden or a marker, which hold no rows."""
    return PurePosixPath(path).name.startswith((".", "_"))


def codec_of(path: str) -> str | None:
    """Name the codec, as Arrow does, that a file's name says it is packed with.

    >>> codec_of("1.csv.bz2"), codec_of("1.csv")
    ('bz2', None)
    """
    return PACKED.get(PurePosixPath(path).suffix.lower())


def codec_by(start: bytes) -> str | None:
    """Name the codec that a file's first bytes tell."""
    return next((codec for magic, codec in MAGIC.items() if start.startswith(magic)), None)

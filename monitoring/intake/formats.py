"""Which format a table's file is in, by its name, wherever it lies."""

from __future__ import annotations

from pathlib import PurePosixPath

SUFFIXES = {
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".csv": "CSV",
    ".jsonl": "JSON Lines",
    ".ndjson": "JSON Lines",
    ".json": "JSON Lines",
}


def format_of(path: str) -> str | None:
    """Tell the format by the name; hidden files and markers like _SUCCESS have none.

    >>> format_of("days/1.csv.gz"), format_of("_SUCCESS"), format_of("notes.txt")
    ('CSV', None, None)
    """
    last = PurePosixPath(path)
    if last.name.startswith((".", "_")):
        return None
    plain = last.with_suffix("") if last.suffix == ".gz" else last
    return SUFFIXES.get(plain.suffix.lower())

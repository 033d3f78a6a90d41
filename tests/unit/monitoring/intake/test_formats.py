"""Formats by names, codecs by names and by first bytes."""

from __future__ import annotations

import bz2
import gzip

import pytest

from monitoring.intake.formats import codec_by, codec_of, format_of, is_marker


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.parquet", "Parquet"),
        ("b/A.PQ", "Parquet"),
        ("a.csv", "CSV"),
        ("a.TSV.GZ", "CSV"),
        ("a.tab.bz2", "CSV"),
        ("a.b.jsonl.zst", "JSON Lines"),
        ("a.ndjson", "JSON Lines"),
        ("a.parquet.gz", None),
        ("a.csv.zip", None),
        ("a.txt", None),
        ("csv", None),
        ("x/.a.csv", None),
        ("x/_metadata.parquet", None),
    ],
)
def test_a_format_is_told_by_the_name(name: str, expected: str | None) -> None:
    assert format_of(name) == expected


def test_codecs() -> None:
    names = ["a.csv.gz", "a.csv.ZST", "a.csv.bz2", "a.csv"]
    assert [codec_of(name) for name in names] == ["gzip", "zstd", "bz2", None]
    contents = [gzip.compress(b"x"), bz2.compress(b"x"), b"PAR1", b""]
    assert [codec_by(content) for content in contents] == ["gzip", "bz2", None, None]
    assert [is_marker(name) for name in ("a/_SUCCESS", "a/.crc", "_a/b.csv")] == [True, True, False]

"""Files that listings leave out: shown escaped, told once, and remembered in bounded memory."""

from __future__ import annotations

import pytest

from fleet import skipped
from fleet.skipped import Skipped


@pytest.mark.parametrize(
    ("path", "shown", "reason"),
    [
        ("a/\x00.jsonl", r"a/\x00.jsonl", "its path has control characters"),
        ("a/\x7f.jsonl", r"a/\x7f.jsonl", "its path has control characters"),
        ("a/\udcff.jsonl", r"a/\udcff.jsonl", "half a surrogate pair"),
        ("\u202ea\n.jsonl", r"\u202ea\n.jsonl", "its path has control characters"),
        ("x" * 2_049, "… (2049 characters)", "its path has 2049 characters, 2048 at most"),
    ],
)
def test_what_no_store_keeps_is_told_escaped(path: str, shown: str, reason: str) -> None:
    found = Skipped()
    assert not found.keeps(path)
    assert not found.keeps(path)
    told = found.first()
    assert told is not None
    assert told[0].endswith(shown)
    assert len(told[0]) <= skipped.SHOWN
    assert reason in told[1]
    found.told()
    assert found.first() is None


@pytest.mark.parametrize("path", ["a b-ü%20.jsonl", "a\u00a0b", "\u202ea", "x" * 2_048, ""])
def test_what_a_store_keeps_is_kept(path: str) -> None:
    found = Skipped()
    assert found.keeps(path)
    assert found.first() is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skipped, "KNOWN", 2)
    found = Skipped()
    for path in ("a", "b", "b", "c", "a"):
        found.add(path, "odd")
    told = []
    while (one := found.first()) is not None:
        told.append(one[0])
        found.told()
    assert told == ["a", "b", "c", "a"]

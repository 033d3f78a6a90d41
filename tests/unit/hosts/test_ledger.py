"""A file to which every key is added once, whatever crashed in between."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from hosts.ledger import append_once


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_key_is_added_once(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.jsonl"
    assert append_once(path, "a", {"n": 1})
    assert not append_once(path, "a", {"n": 2})
    assert append_once(path, "b", {"n": 3})
    assert lines(path) == [{"key": "a", "n": 1}, {"key": "b", "n": 3}]


def test_keys_are_told_apart_exactly(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    keys = ["a", "ab", 'a"', "a\\", "ä", "", "a\n"]
    assert [append_once(path, key, {"n": 1}) for key in keys] == [True] * len(keys)
    assert [append_once(path, key, {"n": 1}) for key in keys] == [False] * len(keys)
    assert [line["key"] for line in lines(path)] == keys


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_a_line_cut_short_by_a_crash_is_taken_away(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "ledger.jsonl"
    append_once(path, "a", {"n": 1})
    append_once(path, "b", {"n": 2})
    path.write_bytes(path.read_bytes()[:-cut])
    assert append_once(path, "b", {"n": 2})
    assert lines(path) == [{"key": "a", "n": 1}, {"key": "b", "n": 2}]


def _append(path: Path) -> None:
    for i in range(40):
        append_once(path, f"k{i}", {"n": i})


@pytest.mark.usefixtures("outside")
def test_processes_that_write_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    context = multiprocessing.get_context("fork")
    several = [context.Process(target=_append, args=(path,)) for _ in range(3)]
    for process in several:
        process.start()
    for process in several:
        process.join(30)
    assert sorted(str(line["key"]) for line in lines(path)) == sorted(f"k{i}" for i in range(40))

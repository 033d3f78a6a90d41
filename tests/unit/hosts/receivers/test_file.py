"""Pages as lines of a file, each once."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from engine.errors import Unavailable
from fleet.document.receivers import FileReceiver
from hosts.receivers.file import PageFile, open_file
from tests.unit.hosts.receivers.pages import around, tell


def opened(folder: Path, path: str) -> PageFile:
    return open_file("ops", FileReceiver(kind="file", path=path), around(folder))


def test_a_page_in_a_file_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "var" / "pages.jsonl"
    tell(opened(tmp_path, "var/pages.jsonl"))
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {
            "key": "k1",
            "receiver": "ops",
            "event": "firing",
            "incident": "ops:quality-1",
            "severity": "page",
            "title": "flights: weather feed missing",
            "lines": ["temp 100 % missing", "since 00:00"],
            "alerts": ["flights:quality-1"],
            "ended": [],
            "at": "2013-12-31T12:00:00Z",
        }
    ]


def keys_in(path: Path) -> list[str]:
    return [json.loads(line)["key"] for line in path.read_text().splitlines()]


def test_the_same_key_is_written_once_also_by_another_process_later(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    first = PageFile(path)
    tell(first)
    tell(first)
    tell(first, "k10")
    tell(first, 'k"1')
    tell(PageFile(path), title="other words")
    tell(PageFile(path), 'k"1')
    assert keys_in(path) == ["k1", "k10", 'k"1']


@pytest.mark.parametrize("cut", [1, 20, 130])
def test_a_line_that_a_crash_cut_short_is_written_again(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "pages.jsonl"
    channel = PageFile(path)
    tell(channel, "k0")
    tell(channel)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    tell(channel)
    assert path.read_bytes() == whole


def test_a_file_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    channel = PageFile(tmp_path / "taken" / "pages.jsonl")
    with pytest.raises(Unavailable, match="receiver ops: "):
        tell(channel)


def _tell_many(path: Path) -> None:
    channel = PageFile(path)
    for number in range(50):
        tell(channel, f"k{number}")


@pytest.mark.usefixtures("outside")
def test_two_processes_write_each_page_once(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_tell_many, args=(path,)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(keys_in(path)) == sorted(f"k{number}" for number in range(50))

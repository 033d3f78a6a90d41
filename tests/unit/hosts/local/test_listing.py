"""Listing a folder of logs: links, odd names and files that go are no fault."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Unavailable
from fleet.ports import Listing, LogFile
from hosts.local import listing


def test_a_link_to_a_folder_is_not_followed_and_one_to_nothing_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.jsonl").write_bytes(b"12")
    (tmp_path / "a/round").symlink_to(tmp_path)
    (tmp_path / "a/gone").symlink_to(tmp_path / "nothing")
    assert list(listing.below(tmp_path, "a")) == [LogFile("a/x.jsonl", 2)]


def test_a_name_that_is_no_text_is_left_out(tmp_path: Path) -> None:
    for name in (b"\xff.jsonl", b"a\nb.jsonl", b"ok.jsonl"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"1")
    assert listing.listed(tmp_path, "").files == (LogFile("ok.jsonl", 1),)


def test_a_folder_deeper_than_the_stack_is_walked(tmp_path: Path) -> None:
    (tmp_path / "ok.jsonl").write_bytes(b"1")
    folder = tmp_path
    for _ in range(1_200):
        folder /= "a"
        folder.mkdir()
    found = list(listing.below(tmp_path, ""))
    # The runner removes folders by recursion.
    while folder != tmp_path:
        folder.rmdir()
        folder = folder.parent
    assert found == [LogFile("ok.jsonl", 1)]


def test_a_file_in_place_of_a_folder_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "traffic").write_bytes(b"1")
    assert listing.listed(tmp_path, "traffic") == Listing()


def test_a_folder_that_cannot_be_read_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(folder: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", failing)
    with pytest.raises(Unavailable, match="a: Permission denied"):
        listing.listed(tmp_path, "a")

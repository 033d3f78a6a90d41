"""Listing a folder of logs: links, odd names and files that go are no fault."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Unavailable
from fleet.ports import Listing, LogFile
from fleet.skipped import Skipped
from hosts.local.listing import Folders


def folders(root: Path) -> Folders:
    return Folders(root, Skipped())


def test_a_link_to_a_folder_is_not_followed_and_one_to_nothing_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.jsonl").write_bytes(b"12")
    (tmp_path / "a/round").symlink_to(tmp_path)
    (tmp_path / "a/gone").symlink_to(tmp_path / "nothing")
    assert list(folders(tmp_path).below("a")) == [LogFile("a/x.jsonl", 2)]


ODD = {
    "undecodable": (b"\xff.jsonl", r"\udcff.jsonl", "half a surrogate pair"),
    "a line end": (b"a\nb.jsonl", r"a\nb.jsonl", "control characters"),
    "an escape sequence": (b"a\x1b[2J.jsonl", r"a\x1b[2J.jsonl", "control characters"),
    "a tabulator": (b"a\tb.jsonl", r"a\tb.jsonl", "control characters"),
    "half of a letter": (b"gr\xc3.jsonl", r"gr\udcc3.jsonl", "half a surrogate pair"),
}
TAKEN = ("a\u00a0b.jsonl", "\u202elnosj.a", "\ufeffa.jsonl", "a\u200bb.jsonl", "größe.jsonl")


def reasons(skipped: Skipped) -> dict[str, str]:
    found = {}
    while (one := skipped.first()) is not None:
        found[one[0]] = one[1]
        skipped.told()
    return found


@pytest.mark.parametrize("case", ODD)
def test_a_name_that_no_store_keeps_is_left_out_and_told_once(tmp_path: Path, case: str) -> None:
    name, shown, reason = ODD[case]
    for one in (name, b"ok.jsonl"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + one)).write_bytes(b"1")
    skipped = Skipped()
    listed = Folders(tmp_path, skipped)
    for told in ([shown], []):
        assert listed.listed("").files == (LogFile("ok.jsonl", 1),)
        found = reasons(skipped)
        assert list(found) == told
        assert all(reason in why for why in found.values())


def test_names_with_letters_that_are_not_shown_are_names(tmp_path: Path) -> None:
    for name in TAKEN:
        (tmp_path / name).write_bytes(b"1")
    skipped = Skipped()
    files = Folders(tmp_path, skipped).listed("").files
    assert {file.path for file in files} == set(TAKEN)
    assert reasons(skipped) == {}


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    (tmp_path / "round").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "fo\nlder").mkdir()
    skipped = Skipped()
    assert Folders(tmp_path, skipped).listed("") == Listing()
    link = "it is a link to a folder, or to nothing"
    assert reasons(skipped) == {
        "gone": link,
        "round": link,
        "pipe": "it is a pipe or a device",
        "itself": "Too many levels of symbolic links",
        r"fo\nlder": "its path has control characters or half a surrogate pair",
    }


def test_a_path_that_is_too_long_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "ok.jsonl").write_bytes(b"1")
    scandir = os.scandir

    def failing(folder: Any) -> Any:
        if str(folder).endswith("a"):
            raise OSError(errno.ENAMETOOLONG, "File name too long")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", failing)
    skipped = Skipped()
    assert list(Folders(tmp_path, skipped).below("")) == [LogFile("ok.jsonl", 1)]
    assert list(reasons(skipped)) == ["a"]


def test_a_folder_deeper_than_the_stack_is_walked(tmp_path: Path) -> None:
    (tmp_path / "ok.jsonl").write_bytes(b"1")
    folder = tmp_path
    for _ in range(1_200):
        folder /= "a"
        folder.mkdir()
    found = list(folders(tmp_path).below(""))
    # The runner removes folders by recursion.
    while folder != tmp_path:
        folder.rmdir()
        folder = folder.parent
    assert found == [LogFile("ok.jsonl", 1)]


def test_a_file_in_place_of_a_folder_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "traffic").write_bytes(b"1")
    assert folders(tmp_path).listed("traffic") == Listing()


def test_a_folder_that_cannot_be_read_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(folder: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", failing)
    with pytest.raises(Unavailable, match="a: Permission denied"):
        folders(tmp_path).listed("a")

"""One suite for feature logs, on files and in Blob storage: what reading by ranges relies on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.errors import Refused
from fleet.ports import Listing, LogFile, LogFiles
from fleet.skipped import Skipped
from hosts.azure.logs.files import AzureLogs
from hosts.local.files import Logs

PATH = "modelDataCollector/demand/v1/model_inputs/2024/03/04/10/a b-ü%20.jsonl"


class Local:
    """Logs in a folder, and somebody who writes them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.skipped = Skipped()
        self.logs: LogFiles = Logs(root, self.skipped)

    def append(self, path: str, content: bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "ab") as stream:
            stream.write(content)

    def replace(self, path: str, content: bytes) -> None:
        (self.root / path).unlink()
        self.append(path, content)


class Azure:
    """Logs in a container, and somebody who writes them as append blobs."""

    def __init__(self, service: Any, name: str) -> None:
        self.container = service.create_container(name)
        self.skipped = Skipped()
        self.logs: LogFiles = AzureLogs(service, lambda: name, self.skipped)

    def append(self, path: str, content: bytes) -> None:
        blob = self.container.get_blob_client(path)
        if not blob.exists():
            blob.create_append_blob()
        if content:
            blob.append_block(content)

    def replace(self, path: str, content: bytes) -> None:
        self.container.upload_blob(path, content, overwrite=True)


@pytest.fixture(params=["local", "azure"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Local | Azure:
    if request.param == "local":
        return Local(tmp_path)
    account = request.getfixturevalue("account")
    return Azure(account.blobs(), request.getfixturevalue("fresh_name"))


def test_a_range_is_read_and_ends_where_the_file_ends(written: Local | Azure) -> None:
    written.append(PATH, b"0123456789")
    read = written.logs.read
    assert read(PATH, 0, 10) == b"0123456789"
    assert read(PATH, 3, 5) == b"34"
    assert read(PATH, 8, 1_000) == b"89"
    assert read(PATH, 4, 4) == b""


def test_a_file_goes_on_where_it_stopped(written: Local | Azure) -> None:
    written.append(PATH, b"one\ntw")
    first = written.logs.read(PATH, 0, 6)
    written.append(PATH, b"o\nthree\n")
    assert first + written.logs.read(PATH, len(first), 14) == b"one\ntwo\nthree\n"


def test_behind_its_end_there_is_nothing(written: Local | Azure) -> None:
    written.append(PATH, b"")
    assert written.logs.read(PATH, 0, 10) == b""
    written.append(PATH, b"0123")
    assert written.logs.read(PATH, 4, 10) == b""
    assert written.logs.read(PATH, 400, 500) == b""


def test_what_was_replaced_by_less_is_read_on_only_behind_the_cursor(
    written: Local | Azure,
) -> None:
    written.append(PATH, b"0123456789")
    written.replace(PATH, b"abc")
    assert written.logs.read(PATH, 10, 20) == b""
    assert written.logs.read(PATH, 1, 20) == b"bc"


@pytest.mark.parametrize("path", ["none.jsonl", "modelDataCollector", "modelDataCollector/none/x"])
@pytest.mark.parametrize(("start", "end"), [(0, 10), (5, 5)])
def test_what_is_not_there_is_refused(
    written: Local | Azure, path: str, start: int, end: int
) -> None:
    written.append(PATH, b"0123")
    with pytest.raises(Refused, match="not found"):
        written.logs.read(path, start, end)


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 2)])
def test_what_is_no_range_is_refused(written: Local | Azure, start: int, end: int) -> None:
    written.append(PATH, b"0123")
    with pytest.raises(Refused, match="are not a range"):
        written.logs.read(PATH, start, end)


@pytest.mark.parametrize("path", ["https://other.example/logs/x", "", "..", "a/../..", "\0"])
def test_what_is_elsewhere_or_no_name_is_refused(written: Local | Azure, path: str) -> None:
    with pytest.raises(Refused):
        written.logs.read(path, 0, 10)


def test_more_than_one_request_can_answer(written: Local | Azure) -> None:
    """A range above 32 MiB is the SDK's to cut; what comes back is one."""
    written.append(PATH, b"")
    piece = bytes(range(256)) * 4_096 * 3
    for _ in range(12):
        written.append(PATH, piece)
    assert written.logs.read(PATH, 7, 12 * len(piece) - 7) == (12 * piece)[7:-7]


def test_a_folder_is_listed_with_the_length_of_its_files(written: Local | Azure) -> None:
    for path, content in (
        ("a/b ü%20/1.jsonl", b"1"), ("a/b ü%20/10/2.jsonl", b"22"), ("a/b ü%20/11/00/3.jsonl", b""),
        ("a/b ü%20c/4.jsonl", b"4"), ("a/5.jsonl", b"5"),
    ):  # fmt: skip
        written.append(path, content)
    list_, folder = written.logs.listing, "a/b ü%20"
    assert list_(folder) == Listing(("10", "11"), (LogFile(f"{folder}/1.jsonl", 1),))
    assert list_("a") == Listing(("b ü%20", "b ü%20c"), (LogFile("a/5.jsonl", 1),))
    assert list_("a/b") == list_("none/of/them") == Listing()
    assert written.logs.files(folder) == (
        LogFile(f"{folder}/1.jsonl", 1), LogFile(f"{folder}/10/2.jsonl", 2),
        LogFile(f"{folder}/11/00/3.jsonl", 0),
    )  # fmt: skip
    assert written.logs.files("a/b") == written.logs.files("none") == ()


def test_a_file_whose_name_no_store_keeps_is_left_out_and_told_once(
    written: Local | Azure,
) -> None:
    for name in ("ok.jsonl", "a\u00a0b.jsonl", "\u202ea.jsonl", "a\x7fb.jsonl"):
        written.append(f"logs/{name}", b"1")
    expected = {"logs/ok.jsonl", "logs/a\u00a0b.jsonl", "logs/\u202ea.jsonl"}
    for _ in range(2):
        assert {one.path for one in written.logs.listing("logs").files} == expected
        assert {one.path for one in written.logs.files("logs")} == expected
    told = written.skipped.first()
    assert told is not None
    assert told[0] == r"logs/a\x7fb.jsonl"
    written.skipped.told()
    assert written.skipped.first() is None


def test_a_file_that_grows_is_listed_with_its_new_length(written: Local | Azure) -> None:
    for expected in (0, 3, 6):
        written.append(PATH, b"abc" if expected else b"")
        assert written.logs.files("modelDataCollector") == (LogFile(PATH, expected),)
        (found,) = written.logs.listing(PATH.rpartition("/")[0]).files
        assert found.size == expected

from __future__ import annotations

import hashlib
import multiprocessing
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import Broken, Refused
from hosts.local.files import Blobs, Logs, replace_file, write_output

# sha256 of b"abc", FIPS 180-2 appendix B.1
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture(params=[False, True], ids=["fast", "durable"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs", durable=request.param)


def test_a_blob_is_named_by_its_content_and_read_back(blobs: Blobs) -> None:
    assert blobs.put(b"abc") == ABC
    assert blobs.get(ABC) == b"abc"
    assert list(blobs.names()) == [ABC]


def test_the_file_lies_two_folders_deep(tmp_path: Path) -> None:
    Blobs(tmp_path).put(b"abc")
    assert (tmp_path / "ba" / "78" / ABC).read_bytes() == b"abc"


def test_putting_again_changes_nothing(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    path = tmp_path / "ba" / "78" / blobs.put(b"abc")
    before = path.stat()
    blobs.put(b"abc")
    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_the_empty_blob_is_a_blob(blobs: Blobs) -> None:
    assert blobs.get(blobs.put(b"")) == b""


def test_delete_removes_and_is_content_with_nothing(blobs: Blobs) -> None:
    blobs.put(b"abc")
    blobs.delete(ABC)
    blobs.delete(ABC)
    assert list(blobs.names()) == []
    with pytest.raises(Refused, match="not found"):
        blobs.get(ABC)


def test_a_store_without_a_folder_is_empty(tmp_path: Path) -> None:
    assert list(Blobs(tmp_path / "never-made").names()) == []


@pytest.mark.parametrize("name", ["", "../../etc/passwd", ABC[:-1], ABC.upper(), ABC + "/x"])
def test_what_is_no_name_is_refused(blobs: Blobs, name: str) -> None:
    with pytest.raises(Refused, match="not a name"):
        blobs.get(name)
    with pytest.raises(Refused, match="not a name"):
        blobs.delete(name)


def test_damaged_content_is_never_handed_out(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blobs.put(b"abc")
    (tmp_path / "ba" / "78" / ABC).write_bytes(b"abd")
    with pytest.raises(Broken, match="holds other content"):
        blobs.get(ABC)


def test_a_torn_file_is_healed_by_the_next_put(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blobs.put(b"abc")
    (tmp_path / "ba" / "78" / ABC).write_bytes(b"")
    blobs.put(b"abc")
    assert blobs.get(ABC) == b"abc"


def test_leftovers_of_a_crash_are_no_blobs(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blobs.put(b"abc")
    (tmp_path / "ba" / "78" / ".half.part").write_bytes(b"ab")
    assert list(blobs.names()) == [ABC]


def _put_many(root: Path) -> None:
    blobs = Blobs(root)
    for number in range(200):
        blobs.put(f"content {number}".encode())


@pytest.mark.usefixtures("outside")
def test_two_processes_putting_the_same_blobs_do_no_harm(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_put_many, args=(tmp_path,)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    expected = {hashlib.sha256(f"content {n}".encode()).hexdigest() for n in range(200)}
    assert set(Blobs(tmp_path).names()) == expected
    assert all(Blobs(tmp_path).get(name) for name in expected)
    assert not list(tmp_path.rglob("*.part"))


def test_replacing_a_file_leaves_no_leftover_when_it_fails(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path / "target", b"content")
    assert os.listdir(tmp_path) == ["target"]


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    (tmp_path / "logs" / "a").mkdir(parents=True)
    (tmp_path / "logs" / "a" / "x.jsonl").write_bytes(b"0123456789")
    (tmp_path / "secret").write_bytes(b"secret")
    return Logs(tmp_path / "logs")


def test_a_range_of_a_log_is_read(logs: Logs) -> None:
    assert logs.size("a/x.jsonl") == 10
    assert logs.read("a/x.jsonl", 0, 10) == b"0123456789"
    assert logs.read("a/x.jsonl", 3, 6) == b"345"
    assert logs.read("a/x.jsonl", 10, 10) == b""


def test_a_log_that_is_shorter_gives_what_it_has(logs: Logs) -> None:
    assert logs.read("a/x.jsonl", 8, 20) == b"89"
    assert logs.read("a/x.jsonl", 20, 30) == b""


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (5, 4)])
def test_what_is_no_range_is_refused(logs: Logs, start: int, end: int) -> None:
    with pytest.raises(Refused, match=r"a/x\.jsonl"):
        logs.read("a/x.jsonl", start, end)


@pytest.mark.parametrize("path", ["../secret", "a/../../secret", "", ".", "a/\0"])
def test_a_path_that_leaves_the_folder_is_refused(logs: Logs, path: str) -> None:
    with pytest.raises(Refused, match="not below"):
        logs.read(path, 0, 1)
    with pytest.raises(Refused, match="not below"):
        logs.size(path)


def test_absolute_paths_and_links_out_of_the_folder_are_refused(logs: Logs, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not below"):
        logs.read(str(tmp_path / "secret"), 0, 1)
    (tmp_path / "logs" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(Refused, match="not below"):
        logs.read("link", 0, 1)


def _linked_pipe(place: Path) -> None:
    os.mkfifo(place.with_name("pipe"))
    place.symlink_to(place.with_name("pipe"))


NO_FILES: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a socket": lambda place: os.mknod(place, stat.S_IFSOCK | 0o600),
    "a folder": Path.mkdir,
    "a link to itself": lambda place: place.symlink_to(place),
    "a link to nothing": lambda place: place.symlink_to(place.with_name("nothing")),
    "a link to a pipe": _linked_pipe,
    "a link to a device": lambda place: place.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("make", NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_file_is_never_waited_for(
    logs: Logs, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "logs" / "odd.jsonl")
    with pytest.raises(Refused, match=r"log '?odd\.jsonl"):
        logs.read("odd.jsonl", 0, 100)
    with pytest.raises(Refused, match=r"log '?odd\.jsonl"):
        logs.size("odd.jsonl")


@pytest.mark.parametrize(
    "path",
    ["x" * 300, "a/" * 3000 + "x", "\ud800", "a\0b", "é" * 200, "https://a/b/" + "x" * 300, "."],
    ids=range(7),
)
def test_a_path_that_no_file_can_have_is_refused(logs: Logs, path: str) -> None:
    with pytest.raises(Refused, match="log "):
        logs.read(path, 0, 1)


@pytest.mark.parametrize("path", ["a/y.jsonl", "a"])
def test_a_log_that_is_not_there_is_refused(logs: Logs, path: str) -> None:
    with pytest.raises(Refused, match="not found"):
        logs.size(path)


@pytest.mark.parametrize("kind", ["pipe", "link to a pipe"])
def test_a_page_for_a_pipe_is_written_to_it(tmp_path: Path, kind: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    target = pipe
    if kind != "pipe":
        target = tmp_path / "link"
        target.symlink_to(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_output(target, b"page")
    assert os.read(reading, 10) == b"page"
    os.close(reading)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_page_keeps_the_rights_of_the_file_that_it_replaces(tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(b"old")
    (tmp_path / "page").chmod(0o640)
    (tmp_path / "link").symlink_to("page")
    write_output(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "page").read_bytes() == b"new"
    assert (tmp_path / "page").stat().st_mode & 0o777 == 0o640
    with pytest.raises(Refused, match="cannot be written: Is a directory"):
        write_output(tmp_path, b"new")

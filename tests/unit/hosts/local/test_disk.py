"""What SQLite and the system say about a disk, made for real where that is possible."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest

from engine.errors import Refused, Unavailable
from engine.store import Insert
from hosts.local import disk
from hosts.local.disk import Disk, DiskFault, naming
from hosts.local.functions.queues import Queues
from hosts.local.sqlite import SqliteStore

NOW = datetime(2013, 7, 4, 12, tzinfo=UTC)
PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of some pages, which nobody has open."""
    made = tmp_path / "some.db"
    with closing(sqlite3.connect(made, isolation_level=None)) as file:
        file.execute("create table t (x)")
        file.execute("insert into t values (zeroblob(100000))")
    return made


def scribble(path: Path, start: int) -> None:
    """Overwrite a file from a byte on."""
    length = path.stat().st_size
    with open(path, "r+b") as stream:
        stream.seek(start)
        stream.write(b"\xa5" * (length - start))


def full(file: sqlite3.Connection, _: Path) -> None:
    file.execute("pragma max_page_count = 1")
    file.execute("insert into t values (zeroblob(100000))")


def read_only(file: sqlite3.Connection, _: Path) -> None:
    file.execute("pragma query_only = on")
    file.execute("delete from t")


def malformed(file: sqlite3.Connection, path: Path) -> None:
    scribble(path, PAGE)
    file.execute("select * from t").fetchall()


def no_database(file: sqlite3.Connection, path: Path) -> None:
    scribble(path, 0)
    file.execute("select * from t").fetchall()


def cut(file: sqlite3.Connection, path: Path) -> None:
    os.truncate(path, PAGE)
    file.execute("select * from t").fetchall()


def locked(file: sqlite3.Connection, path: Path) -> None:
    file.execute("pragma busy_timeout = 0")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        file.execute("delete from t")


def not_there(_: sqlite3.Connection, path: Path) -> None:
    sqlite3.connect(path / "below" / "a.db").execute("select 1")


@pytest.mark.parametrize(
    ("fault", "said", "kind"),
    [
        (full, "the disk is full: make room", DiskFault),
        (read_only, "it cannot be written: make", DiskFault),
        (not_there, "it cannot be written: make", DiskFault),
        (malformed, "the file is damaged (database disk image is malformed", DiskFault),
        (cut, "the file is damaged (database disk image is malformed", DiskFault),
        (no_database, "the file is damaged (file is not a database", DiskFault),
        (locked, "database is locked", Unavailable),
    ],
)
def test_what_sqlite_says_is_one_line_about_the_file(
    path: Path,
    fault: Callable[[sqlite3.Connection, Path], None],
    said: str,
    kind: type[Unavailable],
) -> None:
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as file,
        pytest.raises(Unavailable) as raised,
        naming(path),
    ):
        fault(file, path)
    assert type(raised.value) is kind
    assert str(raised.value).startswith(f"{path}: {said}")
    assert "\n" not in str(raised.value)
    damaged = isinstance(raised.value, DiskFault) and raised.value.damaged
    assert damaged == said.startswith("the file is damaged")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, disk.FULL),
        (errno.EDQUOT, disk.FULL),
        (errno.EFBIG, disk.FULL),
        (errno.EROFS, disk.CLOSED),
        (errno.EACCES, disk.CLOSED),
        (errno.EPERM, disk.CLOSED),
        (errno.EIO, "the disk failed (Input/output error): check the disk and its mount"),
        (errno.EMFILE, disk.CROWDED),
    ],
)
def test_what_the_system_says_is_one_line_about_the_file(number: int, said: str) -> None:
    with pytest.raises(DiskFault) as raised, naming(Path("blobs")):
        raise OSError(number, os.strerror(number), "blobs/ab")
    assert str(raised.value) == f"blobs: {said}"


def test_a_folder_that_cannot_be_copied_is_one_line_too() -> None:
    with pytest.raises(DiskFault, match="the disk is full"), naming(Path("models")):
        raise shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")])


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "not found"),
        IsADirectoryError(errno.EISDIR, "a folder"),
        shutil.Error("the same file"),
        sqlite3.IntegrityError("unique"),
        sqlite3.ProgrammingError("closed"),
        ValueError("no number"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_other_errors_are_passed_on(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, naming(Path("x")):
        raise error
    assert raised.value is error


def test_a_fault_is_logged_once_and_remembered_until_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "LOOK_SECONDS", 0.0)
    root = tmp_path / "store"
    watched = Disk(root)
    watched.check()
    with caplog.at_level(logging.WARNING, "driftwarden.host"):
        for _ in range(3):
            with pytest.raises(DiskFault), watched.watched(root):
                raise OSError(errno.ENOSPC, "No space left on device")
        # Nothing can be written there: the folder is missing.
        with pytest.raises(DiskFault, match="the disk is full"):
            watched.check()
        root.mkdir()
        watched.check()
        watched.check()
    assert caplog.messages == [f"{root}: {disk.FULL}", f"{root}: it can be written again"]
    assert list(root.iterdir()) == []


def test_damage_stays_until_the_server_is_stopped(tmp_path: Path) -> None:
    watched = Disk(tmp_path)
    error = sqlite3.DatabaseError("malformed")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_CORRUPT, "SQLITE_CORRUPT"
    with pytest.raises(DiskFault), watched.watched(tmp_path):
        raise error
    with watched.watched(tmp_path):
        pass
    for _ in range(2):
        with pytest.raises(DiskFault, match="restore the file from a backup"):
            watched.check()


def test_a_fault_met_while_the_folder_is_probed_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "LOOK_SECONDS", 0.0)
    watched, opened = Disk(tmp_path), tempfile.TemporaryFile

    def meet(number: int) -> None:
        with pytest.raises(DiskFault), watched.watched(tmp_path):
            raise OSError(number, os.strerror(number))

    def probe(**options: Any) -> IO[bytes]:
        monkeypatch.setattr(tempfile, "TemporaryFile", opened)
        meet(errno.EIO)
        return opened(**options)

    meet(errno.ENOSPC)
    monkeypatch.setattr(tempfile, "TemporaryFile", probe)
    with pytest.raises(DiskFault, match="the disk failed"):
        watched.check()


def test_a_damaged_store_says_so_in_every_method(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite"
    store = SqliteStore(file)
    store.commit("p", [Insert(f"k{n:02}", {"v": "x" * 9000}) for n in range(50)])
    store.close()
    queues = Queues(file)
    queues.put_all([("work", b"x" * 9000)] * 50, NOW)
    queues.close()
    scribble(file, 8 * PAGE)
    opened, queues = SqliteStore(file), Queues(file)
    for attempt in (
        lambda: opened.scan("p", "k"),
        lambda: opened.commit("p", [Insert("a", {}), Insert("k99", {})]),
        opened.partitions,
        queues.counts,
        lambda: queues.put("work", "x" * 9000, NOW),
    ):
        with pytest.raises(DiskFault, match="damaged"):
            attempt()
    opened.close()
    queues.close()


@pytest.mark.parametrize(
    "content", [b"only a text of some length\n" * 99, b"SQLite format 2\0" * 99]
)
def test_a_file_of_another_kind_is_refused_and_not_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "store.sqlite").write_bytes(content)
    with pytest.raises(Refused, match="not a Driftwarden store"):
        SqliteStore(tmp_path / "store.sqlite")

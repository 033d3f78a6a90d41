"""Files of a table that cannot be read, or not twice: refused in one line, never left out."""

from __future__ import annotations

import gzip
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import Refused
from hosts.tables import reading, table_files
from hosts.tables.reading import open_columns, read_batches
from monitoring.intake.limits import Limits

Make = Callable[[Path], Path]


def _made(name: str, content: bytes) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "a.csv")
    return folder / "a.csv"


def _loop(folder: Path) -> Path:
    (folder / "a.csv").symlink_to("b.csv")
    (folder / "b.csv").symlink_to("a.csv")
    return folder / "a.csv"


def _parquet(folder: Path) -> bytes:
    pq.write_table(pa.table({"a": list(range(1_000))}), folder / "whole")
    return (folder / "whole").read_bytes()


def _bare(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


PACKED = gzip.compress(b"a,b\n" + os.urandom(3_000).hex().encode() + b",1\n")

FAULTS: dict[str, tuple[Make, str]] = {
    "nothing there": (lambda folder: folder / "a.csv", "no such file or folder"),
    "a name beyond the system's bounds": (lambda folder: folder / ("a" * 5_000), "name too long"),
    "a pipe": (_pipe, "a pipe or a device"),
    "a device that never ends": (lambda _: Path("/dev/zero"), "a pipe or a device"),
    "a device without content": (lambda _: Path(os.devnull), "a pipe or a device"),
    "links in a circle": (_loop, "no such file or folder|symbolic links"),
    "a folder without files": (_bare, "no Parquet, CSV or JSON Lines file"),
    "no byte": (_made("a.csv", b""), "the file is empty"),
    "blank lines": (_made("a.csv", b"\n\n\n"), "no header line"),
    "a mark alone": (_made("a.csv", b"\xef\xbb\xbf"), "no header line"),
    "NUL bytes": (_made("a.csv", b"a,b\n1,\0\n"), "not text"),
    "another encoding": (_made("a.csv", b"caf\xe9,b\n1,2\n"), "the header is not text in UTF-8"),
    "UTF-16 without a mark": (_made("a.csv", "a,b\n1,2\n".encode("utf-16-le")), "not text"),
    "a row too wide": (_made("a.csv", b"a,b\n1,2\n1,2,3\n"), "Expected 2 columns, got 3"),
    "a packed file cut off": (_made("a.csv.gz", PACKED[: len(PACKED) // 2]), "cannot be read"),
    "Parquet without its end": (
        lambda folder: _made("a.parquet", _parquet(folder)[:900])(folder),
        "cannot be read: Parquet magic bytes",
    ),
    "three bytes of Parquet": (_made("a.parquet", b"PAR"), "cannot be read"),
}


@pytest.mark.parametrize(
    "read", [lambda path: open_columns(path, path.parent), lambda path: list(read_batches(path))]
)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_table_that_cannot_be_read_is_refused(
    tmp_path: Path, fault: str, read: Callable[[Path], object]
) -> None:
    make, told = FAULTS[fault]
    path = make(tmp_path)
    with pytest.raises(Refused, match=f"(?i){told}") as refused:
        read(path)
    assert len(str(refused.value).splitlines()) == 1


def test_a_folder_that_cannot_be_listed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files would be missing without a word. Made up, because root may list every folder."""
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def refused(path: str) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(Refused, match="locked: cannot be read: Permission denied"):
        table_files.table_files(tmp_path, [])


def test_pipes_in_a_folder_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    os.mkfifo(tmp_path / "b.csv")
    notes: list[str] = []
    assert table_files.table_files(tmp_path, notes) == [tmp_path / "a.csv"]
    assert notes == [f"{tmp_path}: files that are pipes or devices left out (1): b.csv"]


CONTENTS = {
    "a.csv": b"a\n1\n",
    "a.csv.gz": gzip.compress(b"a\n1\n"),
    "a.jsonl": b'{"a": 1}\n',
}
CHANGES: dict[str, Callable[[Path], object]] = {
    "appended": lambda path: path.write_bytes(path.read_bytes() * 2),
    "cut": lambda path: path.write_bytes(b""),
    "replaced": lambda path: path.with_name("new").rename(path),
    "removed": Path.unlink,
}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("change", CHANGES)
def test_text_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, change: str
) -> None:
    path = tmp_path / name
    for one in (path, tmp_path / "new"):
        one.write_bytes(CONTENTS[name])
    parts = reading._parts

    def changed(*arguments: object) -> object:
        found = parts(*arguments)  # type: ignore[arg-type]
        CHANGES[change](path)
        return found

    monkeypatch.setattr(reading, "_parts", changed)
    (tmp_path / "scratch").mkdir()
    with pytest.raises(Refused, match=r"changed while it was read|No such file"):
        open_columns(path, tmp_path / "scratch")


@pytest.mark.parametrize("change", ["cut", "replaced", "removed"])
def test_parquet_that_changes_between_columns_is_refused(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a.parquet"
    for one in (path, tmp_path / "new"):
        pq.write_table(pa.table({"a": [1], "b": [2]}), one)
    columns = open_columns(path, tmp_path)
    assert columns.column("a").to_pylist() == [1]
    CHANGES[change](path)
    with pytest.raises(Refused, match=r"changed while it was read|No such file") as refused:
        columns.column("b")
    assert type(refused.value) is Refused  # not the fault of this column alone


def test_bounds_hold_for_parquet_and_are_lifted(tmp_path: Path) -> None:
    wide, long = tmp_path / "wide.parquet", tmp_path / "long.parquet"
    pq.write_table(pa.table({f"c{number}": [1] for number in range(6)}), wide)
    pq.write_table(pa.table({"a": pa.repeat(1, 300_000)}), long)
    for path, tight, told in (
        (wide, Limits(columns=5), "6 columns, and the most is 5"),
        (long, Limits(unpacked=1 << 20), "unpacks to more than 100 times"),
    ):
        with pytest.raises(Refused, match=told):
            open_columns(path, tmp_path, tight)
        with pytest.raises(Refused, match=told):
            list(read_batches(path, tight))
        assert open_columns(path, tmp_path).rows


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".bz2"])
def test_a_packed_bomb_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.csv{suffix}"
    codec = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}[suffix]
    with pa.CompressedOutputStream(str(path), codec) as stream:
        stream.write(b"a,b\n" + b"1,2\n" * (1 << 18))
    with pytest.raises(Refused, match=r"unpacks to more than 100 times .* max-bytes"):
        open_columns(path, tmp_path, Limits(unpacked=1 << 18))
    assert open_columns(path, tmp_path, Limits(unpacked=1 << 21)).rows == 1 << 18


@contextmanager
def room(size: int) -> Iterator[None]:
    """No file of this process can be longer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_copy_that_finds_no_room_names_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n" + "1\n" * 200_000)
    (tmp_path / "scratch").mkdir()
    with room(100_000), pytest.raises(Refused) as refused:
        open_columns(path, tmp_path / "scratch")
    assert str(refused.value).startswith(f"{tmp_path / 'scratch'}: a copy of the rows cannot be wr")
    assert str(refused.value).endswith("TMPDIR names another folder")

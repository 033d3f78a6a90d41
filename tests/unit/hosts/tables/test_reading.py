"""Tables on disk: one schema for all files, one column at a time, faults by column."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import Refused
from hosts.tables.parts import READERS, ParquetPart
from hosts.tables.reading import Columns, Unreadable, open_columns, read_batches


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Any]:
    (tmp_path / "scratch").mkdir()
    return lambda path: open_columns(path, tmp_path / "scratch")


def parquet(path: Path, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def values(columns: Columns, name: str) -> list[object]:
    return columns.column(name).to_pylist()


def test_files_are_put_below_each_other(tmp_path: Path, opened: Callable[..., Any]) -> None:
    parquet(tmp_path / "f" / "1.parquet", a=[1, 2], b=["x", "y"])
    parquet(tmp_path / "f" / "2.parquet", a=[2.5], c=[True])
    columns = opened(tmp_path / "f")
    assert (columns.schema.names, columns.rows) == (["a", "b", "c"], 3)
    assert values(columns, "a") == [1.0, 2.0, 2.5]
    assert values(columns, "b") == ["x", "y", None]
    assert values(columns, "c") == [None, None, True]
    assert columns.untyped == frozenset()


def test_numbers_beside_text_leave_the_type_open(
    tmp_path: Path, opened: Callable[..., Any]
) -> None:
    parquet(tmp_path / "f" / "1.parquet", a=[1, 2])
    parquet(tmp_path / "f" / "2.parquet", a=["3", "x"])
    columns = opened(tmp_path / "f")
    assert values(columns, "a") == ["1", "2", "3", "x"]
    assert columns.untyped == {"a"}


def test_text_files_leave_every_type_open(tmp_path: Path, opened: Callable[..., Any]) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,x\n")
    columns = opened(tmp_path / "a.csv")
    assert columns.untyped == {"a", "b"}
    assert values(columns, "a") == ["1"]


def test_a_packed_file_is_known_by_its_bytes(tmp_path: Path, opened: Callable[..., Any]) -> None:
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"a\n7\n"))
    assert values(opened(tmp_path / "a.csv"), "a") == ["7"]


def test_keys_of_folders_are_columns_of_open_type(
    tmp_path: Path, opened: Callable[..., Any]
) -> None:
    parquet(tmp_path / "f" / "y=1" / "k=a%2Fb" / "1.parquet", x=[1])
    parquet(tmp_path / "f" / "y=2" / "k=__HIVE_DEFAULT_PARTITION__" / "1.parquet", x=[2])
    columns = opened(tmp_path / "f")
    assert columns.schema.names == ["x", "y", "k"]
    assert (values(columns, "y"), values(columns, "k")) == (["1", "2"], ["a/b", None])
    assert columns.untyped == {"y", "k"}
    assert opened(tmp_path / "f" / "y=1").schema.names == ["x", "k"]


def test_types_that_do_not_go_together_fail_with_their_column(
    tmp_path: Path, opened: Callable[..., Any]
) -> None:
    parquet(tmp_path / "f" / "1.parquet", a=pa.array([0], pa.date32()), x=[1])
    parquet(tmp_path / "f" / "2.parquet", a=["x"], x=[2])
    columns = opened(tmp_path / "f")
    assert values(columns, "x") == [1, 2]
    with pytest.raises(Unreadable, match=r"date32\[day\] in some files and string in others"):
        columns.column("a")


def test_a_page_that_is_damaged_fails_with_its_column(
    tmp_path: Path, opened: Callable[..., Any]
) -> None:
    path = parquet(tmp_path / "a.parquet", a=["one", "two"] * 300, x=[1, 2] * 300)
    start = pq.read_metadata(path).row_group(0).column(0).dictionary_page_offset
    body = bytearray(path.read_bytes())
    body[start : start + 20] = b"\xff" * 20
    path.write_bytes(bytes(body))
    columns = opened(path)
    assert values(columns, "x") == [1, 2] * 300
    with pytest.raises(Unreadable, match=r"a\.parquet: cannot be read: "):
        columns.column("a")


def test_what_a_folder_holds_besides_is_told(tmp_path: Path, opened: Callable[..., Any]) -> None:
    parquet(tmp_path / "f" / "1.parquet", a=[1])
    for name in ("read.me", "2.parquet", "_SUCCESS"):
        (tmp_path / "f" / name).touch()
    assert opened(tmp_path / "f").notes == (
        f"{tmp_path}/f: files that are not Parquet, CSV or JSON Lines left out (1): read.me",
        f"{tmp_path}/f: files of zero bytes left out (1): 2.parquet",
    )


def test_batches_are_read_of_every_text(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "1.tsv").write_text("a\tb\n1\tx\n")
    (tmp_path / "f" / "2.csv").write_bytes("a;b;\n2,5;y;\n".encode("utf-16"))
    found = [row for batch in read_batches(tmp_path / "f") for row in batch.to_pylist()]
    assert found == [{"a": 1, "b": "x"}, {"a": 2.5, "b": "y"}]


def test_batches_refuse_names_that_repeat(tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(twice, tmp_path / "t.parquet")
    with pytest.raises(Refused, match="two columns are called 'a'"):
        list(read_batches(tmp_path / "t.parquet"))


def test_a_thread_opens_a_file_once_for_all_its_columns(
    tmp_path: Path, opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = {f"c{number}": [number] for number in range(50)}
    columns = opened(parquet(tmp_path / "wide.parquet", **wide))
    times = []
    plain = ParquetPart.open

    def counted(part: ParquetPart) -> object:
        times.append(part)
        return plain(part)

    monkeypatch.setattr(ParquetPart, "open", counted)
    assert [values(columns, name) for name in wide] == [[number] for number in range(50)]
    assert len(times) == 1


def test_readers_of_many_files_do_not_mix(tmp_path: Path, opened: Callable[..., Any]) -> None:
    for number in range(3 * READERS):
        parquet(tmp_path / "f" / f"{number:02}.parquet", a=[number], b=[str(number)])
    columns = opened(tmp_path / "f")
    for _ in range(2):
        assert values(columns, "a") == list(range(3 * READERS))
        assert values(columns, "b") == [str(number) for number in range(3 * READERS)]


def test_a_file_that_was_written_anew_is_read_anew(
    tmp_path: Path, opened: Callable[..., Any]
) -> None:
    for number in (1, 2):
        assert values(opened(parquet(tmp_path / "a.parquet", a=[number])), "a") == [number]


@pytest.mark.parametrize(
    "place",
    ["_temporary/0/a.parquet", ".ipynb_checkpoints/a.parquet", "_delta_log/0.json", "x/.git/a.csv"],
)
def test_what_lies_in_a_hidden_folder_is_no_data(
    tmp_path: Path, opened: Callable[..., Any], place: str
) -> None:
    parquet(tmp_path / "f" / "b.parquet", a=[1])
    file = tmp_path / "f" / place
    file.parent.mkdir(parents=True)
    file.write_bytes(b"damaged")
    columns = opened(tmp_path / "f")
    assert (values(columns, "a"), columns.notes) == ([1], ())


def test_a_key_may_begin_with_an_underscore(tmp_path: Path, opened: Callable[..., Any]) -> None:
    parquet(tmp_path / "f" / "_region=eu" / "b.parquet", a=[1])
    assert values(opened(tmp_path / "f"), "_region") == ["eu"]


def test_a_hidden_folder_that_is_asked_for_is_read(
    tmp_path: Path, opened: Callable[..., Any]
) -> None:
    parquet(tmp_path / "_staged" / "b.parquet", a=[1])
    assert values(opened(tmp_path / "_staged"), "a") == [1]


def test_links_that_are_not_followed_are_told(tmp_path: Path, opened: Callable[..., Any]) -> None:
    parquet(tmp_path / "day" / "1.parquet", a=[2])
    parquet(tmp_path / "f" / "b.parquet", a=[1])
    (tmp_path / "f" / "c.parquet").symlink_to(tmp_path / "day" / "1.parquet")
    (tmp_path / "f" / "day").symlink_to(tmp_path / "day")
    (tmp_path / "f" / "gone.parquet").symlink_to(tmp_path / "gone.parquet")
    (tmp_path / "f" / "self").symlink_to(tmp_path / "f")
    columns = opened(tmp_path / "f")
    assert values(columns, "a") == [1, 2]
    assert columns.notes == (
        f"{tmp_path / 'f'}: files that are links to folders, or broken links, left out (3): "
        "day, gone.parquet, self",
    )

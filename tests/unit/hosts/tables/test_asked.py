"""Tables that an operator's command names: which files they may be, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import Refused
from hosts.tables.beside import TablesBeside

SECRET = "hunter2"
ROWS = "x,kind\n1,a\n2,b\n"


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A fleet's folder with tables, a store and what is nobody's business."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.csv").write_text(ROWS)
    (tmp_path / "id_rsa").write_text(SECRET)
    home = tmp_path / "home"
    for folder in ("data/days", "var/models/demand", ".git", "data/.cache"):
        (home / folder).mkdir(parents=True)
    for file in (
        "data/a.csv",
        "data/days/1.csv",
        "var/rows.csv",
        "data/.cache/a.csv",
        ".git/a.csv",
    ):
        (home / file).write_text(ROWS)
    for file in (".env", "data/notes.txt", "data/key", "fleet.yaml"):
        (home / file).write_text(f"TOKEN={SECRET}\n")
    pq.write_table(pa.table({"x": [1, 2], "kind": ["a", "b"]}), home / "data/a.parquet")
    return home


@pytest.fixture
def tables(fleet: Path) -> TablesBeside:
    return TablesBeside(fleet, private=fleet / "var")


@pytest.mark.parametrize(
    "path", ["data/a.csv", "./data/a.csv", "data/a.parquet", "data/days", "data/../data/a.csv"]
)
def test_a_table_below_the_folder_is_read(tables: TablesBeside, path: str) -> None:
    assert tables.asked(path).to_pydict() == {"x": [1, 2], "kind": ["a", "b"]}


def test_a_link_inside_the_folder_is_followed(fleet: Path, tables: TablesBeside) -> None:
    (fleet / "data/newest.csv").symlink_to(fleet / "data/a.csv")
    assert tables.asked("data/newest.csv").num_rows == 2


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (".env", "hidden files are no tables"),
        (".git/a.csv", "hidden files are no tables"),
        ("data/.cache/a.csv", "hidden files are no tables"),
        ("data/.cache", "hidden files are no tables"),
        ("data/notes.txt", "not a Parquet, CSV or JSON Lines file by its name"),
        ("data/key", "not a Parquet, CSV or JSON Lines file by its name"),
        ("fleet.yaml", "not a Parquet, CSV or JSON Lines file by its name"),
        ("../elsewhere/a.csv", "lies outside the folder"),
        ("../id_rsa", "lies outside the folder"),
        ("/etc/passwd", "lies outside the folder"),
        ("/etc/nothing", "lies outside the folder"),
        ("/proc/self/environ", "lies outside the folder"),
        ("data/../../elsewhere", "lies outside the folder"),
        ("var/rows.csv", "lies in the store"),
        ("var", "lies in the store"),
        (".", "hidden files are no tables|lies in the store"),
        ("data/none.csv", "no such file or folder"),
        ("data\x00.csv", "not a path|no such file"),
        ("x" * 5000, "not a path|no such file"),
    ],
)
def test_what_is_no_table_of_an_operator(tables: TablesBeside, path: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        tables.asked(path)
    assert SECRET not in str(refused.value)
    assert len(str(refused.value)) < 5200


def _to_a_file_outside(home: Path) -> None:
    (home / "data/link.csv").symlink_to(home.parent / "elsewhere/a.csv")


def _to_a_hidden_file(home: Path) -> None:
    (home / "data/link.csv").symlink_to(home / ".env")


def _to_a_file_of_no_format(home: Path) -> None:
    (home / "data/link.csv").symlink_to(home / "data/notes.txt")


def _to_a_folder_outside(home: Path) -> None:
    (home / "data/link.csv").symlink_to(home.parent / "elsewhere")


def _to_the_store(home: Path) -> None:
    (home / "data/link.csv").symlink_to(home / "var/rows.csv")


def _to_itself(home: Path) -> None:
    (home / "data/link.csv").symlink_to(home / "data/link.csv")


def _in_a_folder(home: Path) -> None:
    (home / "data/link.csv").mkdir()
    (home / "data/link.csv/b.csv").symlink_to(home.parent / "id_rsa")


def _in_a_folder_to_a_hidden_file(home: Path) -> None:
    (home / "data/link.csv").mkdir()
    (home / "data/link.csv/b.csv").symlink_to(home / ".env")


LINKS = (
    _to_a_file_outside, _to_a_hidden_file, _to_a_file_of_no_format, _to_a_folder_outside,
    _to_the_store, _to_itself, _in_a_folder, _in_a_folder_to_a_hidden_file,
)  # fmt: skip


@pytest.mark.parametrize("link", LINKS, ids=lambda one: one.__name__)
def test_a_link_is_what_it_leads_to(
    fleet: Path, tables: TablesBeside, link: Callable[[Path], None]
) -> None:
    link(fleet)
    with pytest.raises(Refused) as refused:
        tables.asked("data/link.csv")
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", f"x,kind\n1,{SECRET}\n2,3,4,{SECRET}\n"),
        ("b.csv", f"{SECRET},{SECRET}\n1,2\n"),
        ("a.jsonl", f'{{"x": {SECRET}}}\n{{"x": {SECRET}'),
        ("a.parquet", SECRET),
        ("a.csv.gz", f"\x1f\x8b{SECRET}"),
        ("b.parquet", f"PAR1{SECRET}PAR1"),
        ("c.csv", f"x,kind\n1,{SECRET}\x00\xff\n"),
        ("d.csv", ""),
    ],
)
def test_nothing_of_the_content_is_told(
    fleet: Path, tables: TablesBeside, name: str, content: str
) -> None:
    (fleet / "data" / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(Refused, match=f"^data/{name}: cannot be read as Parquet") as refused:
        tables.asked(f"data/{name}")
    assert SECRET not in str(refused.value)


def test_a_table_that_fleet_yaml_names_may_lie_anywhere(tables: TablesBeside) -> None:
    assert tables.read("../elsewhere/a.csv").num_rows == 2

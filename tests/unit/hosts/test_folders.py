"""Folders of any depth are walked and removed, and each use of a walk takes them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hosts import folders, private, references
from hosts.contained import kept
from hosts.tables import asked, table_files

LEVELS = 1_050


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that holds a table above and below more levels than the stack has."""
    inner = root = tmp_path_factory.mktemp("deep") / "root"
    root.mkdir()
    (root / "top.csv").write_text("a\n1\n")
    for _ in range(LEVELS):
        inner /= "d"
        inner.mkdir()
    (inner / "deep.csv").write_text("a\n1\n")
    yield root
    # The runner removes folders by recursion.
    folders.remove(root)
    assert not root.exists()


def closed(root: Path) -> list[Path]:
    private.close_to_others(root)
    files = list(folders.files_below(root))
    assert not any(stat.S_IMODE(file.stat().st_mode) & 0o077 for file in files)
    return files


WALKS: dict[str, Callable[[Path], list[Path]]] = {
    "files below": lambda root: list(folders.files_below(root)),
    "permissions": closed,
    "the files of a version of the document": lambda root: [file for _, file in kept.files(root)],
    "a table that a command names": lambda root: list(asked._tables(root)),
    "a table": lambda root: table_files.table_files(root, []),
}


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_takes_any_depth(deep: Path, name: str) -> None:
    assert sorted(file.name for file in WALKS[name](deep)) == ["deep.csv", "top.csv"]


def test_the_size_of_a_deep_folder_is_known(deep: Path) -> None:
    assert references._too_large(deep) == 0


def test_links_are_listed_and_removed_but_not_followed(tmp_path: Path) -> None:
    kept_file = tmp_path / "outside/kept"
    kept_file.parent.mkdir()
    kept_file.write_bytes(b"1")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(kept_file.parent)
    (root / "round").symlink_to(root)
    os.mkfifo(root / "pipe")
    assert {path.name for path in folders.below(root)} == {"link", "round", "pipe"}
    folders.remove(root)
    assert not root.exists()
    assert kept_file.read_bytes() == b"1"
    folders.remove(root)


def test_what_cannot_be_removed_is_told_after_the_rest_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(b"")
    unlink = Path.unlink

    def failing(self: Path, missing_ok: bool = False) -> None:
        if self.name == "b":
            raise PermissionError(13, "Permission denied", str(self))
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", failing)
    with pytest.raises(PermissionError):
        folders.remove(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["b"]

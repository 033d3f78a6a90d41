"""Temporary files of processes that have ended, and of those that have not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hosts import folders
from hosts.local import leftovers
from hosts.local.files import Blobs, replace_file

KILLED = """
import os, signal, sys
from pathlib import Path
from hosts.local.files import replace_file
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
replace_file(Path(sys.argv[1]), b"half")
"""


@pytest.mark.usefixtures("outside")
def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    Blobs(tmp_path / "blobs").put(b"abc")
    kept = sorted(tmp_path.rglob("*"))
    for name in ("status.json", "blobs/ab/cd/x"):
        words = [sys.executable, "-c", KILLED, str(tmp_path / name)]
        assert subprocess.run(words, cwd=os.getcwd()).returncode == -signal.SIGKILL
    assert len(list(tmp_path.rglob("*.part"))) == 2
    assert leftovers.remove(tmp_path) == 2
    assert [path for path in sorted(tmp_path.rglob("*")) if path.is_file()] == [
        path for path in kept if path.is_file()
    ]


def test_only_what_is_named_like_ours_is_removed(tmp_path: Path) -> None:
    other = [".hidden.part", "a.part", ".1-2-x.part~", ".x-2-y.part", "1-2-x.part"]
    for name in other:
        (tmp_path / name).write_bytes(b"")
    gone = tmp_path / "models" / f".{2**22}-17-abc.part"
    (gone / "v1").mkdir(parents=True)
    mine = tmp_path / f"{leftovers.prefix()}x{leftovers.SUFFIX}"
    mine.write_bytes(b"")
    assert leftovers.remove(tmp_path) == 1
    assert not gone.exists()
    assert mine.exists()
    assert leftovers.remove(tmp_path, own=True) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*other, "models"])


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path / "target", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def nest(folder: Path, levels: int) -> Path:
    for _ in range(levels):
        folder /= "a"
        folder.mkdir()
    return folder


def test_folders_deeper_than_the_stack_are_walked_and_removed(tmp_path: Path) -> None:
    left = tmp_path / f".{2**22}-17-abc.part"
    left.mkdir()
    nest(left, 1_050)
    deepest = nest(tmp_path, 1_050)
    inner = deepest / f".{2**22}-18-abc.part"
    inner.write_bytes(b"")
    assert leftovers.remove(tmp_path) == 2
    assert not left.exists()
    assert not inner.exists()
    assert deepest.exists()
    # The runner removes folders by recursion.
    folders.remove(tmp_path / "a")

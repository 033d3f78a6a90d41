"""The tiny fleet of tests/resources, ready to be opened, and the command line in this process."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

import cli
from hosts.local.models.registry import ModelFolders

TINY = Path(__file__).parents[1] / "resources" / "tiny"


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny fleet with its data made and its first version registered; not to be changed."""
    folder = tmp_path_factory.mktemp("tiny") / "fleet"
    shutil.copytree(TINY, folder)
    made = folder / "made"
    train = ["train.py", "--out", str(made), "--version", "first"]
    for words in (["make.py", "data"], train):
        subprocess.run([sys.executable, *words], cwd=folder, check=True)
    ModelFolders(folder / "var" / "models").register(made)
    return folder


@pytest.fixture
def tiny(prepared: Path, tmp_path: Path) -> Path:
    """A copy of the tiny fleet; its fleet.yaml names a store beside it."""
    folder = tmp_path / "fleet"
    shutil.copytree(prepared, folder)
    return folder


@dataclass(frozen=True)
class Said:
    """What one command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """The one line of a refusal: no traceback, nothing on stdout."""
        assert (self.code, self.out) == (2, ""), (self.code, self.out, self.err)
        (line,) = self.err.splitlines()
        return line


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., Said]:
    """Runs `driftwarden` in this process, to save its start, in the test's folder."""

    def run(*words: object, folder: Path = tmp_path) -> Said:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(folder), redirect_stdout(out), redirect_stderr(err):
            code = cli.main([str(word) for word in words])
        return Said(code, out.getvalue(), err.getvalue())

    return run

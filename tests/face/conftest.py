"""The command line in this process."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

import cli


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

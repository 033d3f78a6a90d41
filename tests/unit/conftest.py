"""The tiny fleet of tests/resources, as a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hosts.local.models.registry import ModelFolders

TINY = Path(__file__).parents[1] / "resources" / "tiny"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny fleet with its data; nothing registered. Not to be changed."""
    folder = tmp_path_factory.mktemp("tiny") / "fleet"
    shutil.copytree(TINY, folder)
    subprocess.run([sys.executable, "make.py", "data"], cwd=folder, check=True)
    return folder


@pytest.fixture
def recorded(made: Path, tmp_path: Path) -> Path:
    """A copy of the tiny fleet with its recorded days, for a replay."""
    folder = tmp_path / "fleet"
    shutil.copytree(made, folder)
    return folder


@pytest.fixture
def tiny(recorded: Path) -> Path:
    """A copy of the tiny fleet whose first version is registered, for a live host."""
    out = recorded / "made"
    words = [sys.executable, "train.py", "--out", str(out), "--version", "first"]
    subprocess.run(words, cwd=recorded, check=True)
    ModelFolders(recorded / "var" / "models").register(out)
    return recorded

"""The tiny fleet of tests/resources, ready to be opened."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hosts.local.registry import ModelFolders

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

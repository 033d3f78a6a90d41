from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest

from tests.once import once
from tests.unit.commands.rehearsal import Replayed, journals, rehearse


@pytest.fixture(scope="session")
def replayed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    """One replay of three days of the tiny fleet, made once for a run of tests."""

    def make(root: Path) -> None:
        folder = shutil.copytree(made, root / "fleet")
        told, shown = rehearse(folder)
        left = Replayed(folder, told, shown, journals(folder))
        (root / "replayed.pickle").write_bytes(pickle.dumps(left))

    root = once(tmp_path_factory, "replayed", make)
    found: Replayed = pickle.loads((root / "replayed.pickle").read_bytes())
    return found

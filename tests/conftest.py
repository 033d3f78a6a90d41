"""What every kind of test may use: the tiny fleet, an account on Azurite, certificates.

The tiny fleet of tests/resources/tiny and the year of flights are made once for a run of tests.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from examples.flights.data import prepare
from hosts.azure.storage.connection import Connection
from hosts.local.models.registry import ModelFolders
from tests import tiers
from tests.doubles import azurite
from tests.doubles.tls import Authority, authority
from tests.once import once

TINY = Path(__file__).parent / "resources" / "tiny"

# Tests assert no times, and a machine may be busy.
settings.register_profile("driftwarden", deadline=None)
settings.load_profile("driftwarden")


def pytest_configure(config: pytest.Config) -> None:
    """Sort the tests into tiers, doctests too; let all workers use one Azurite."""
    config.pluginmanager.register(tiers, "tiers")
    # What is collected stays; looking for garbage meanwhile is a fifth of the time.
    gc.disable()
    if "PYTEST_XDIST_WORKER" not in os.environ:
        azurite.hold()


def pytest_collection_finish() -> None:
    """Spare the garbage collector what is here to stay: modules, and the tests themselves."""
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def outside() -> None:
    """Asked for by what starts a process or opens a socket: see tests/tiers.py."""


@pytest.fixture(scope="session")
def heavy() -> None:
    """Asked for by what computes for more than a second: see tests/tiers.py."""


@pytest.fixture(scope="session")
def certificates(outside: None, tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority for the loopback doubles; clients trust its `bundle`."""
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def account(outside: None) -> Iterator[Connection]:
    """The storage account of the run's Azurite."""
    opened = azurite.account()
    yield opened
    opened.close()


@pytest.fixture
def fresh_name() -> str:
    """A name that nobody else has on the run's Azurite."""
    return f"t{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def made(outside: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny fleet with its data; nothing registered. Not to be changed."""

    def make(folder: Path) -> None:
        shutil.copytree(TINY, folder, dirs_exist_ok=True)
        subprocess.run([sys.executable, "make.py", "data"], cwd=folder, check=True)

    return once(tmp_path_factory, "made", make)


@pytest.fixture(scope="session")
def prepared(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny fleet with its data made and its first version registered. Not to be changed."""

    def make(folder: Path) -> None:
        shutil.copytree(made, folder, dirs_exist_ok=True)
        out = folder / "made"
        words = [sys.executable, "train.py", "--out", str(out), "--version", "first"]
        subprocess.run(words, cwd=folder, check=True)
        ModelFolders(folder / "var" / "models").register(out)

    return once(tmp_path_factory, "prepared", make)


@pytest.fixture(scope="session")
def year(heavy: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prepared year of the flights example. Not to be changed."""
    return once(tmp_path_factory, "year", lambda folder: prepare(folder / "data")) / "data"


@pytest.fixture
def recorded(made: Path, tmp_path: Path) -> Path:
    """A copy of the tiny fleet with its recorded days, for a replay."""
    return shutil.copytree(made, tmp_path / "fleet")


@pytest.fixture
def tiny(prepared: Path, tmp_path: Path) -> Path:
    """A copy of the tiny fleet whose first version is registered, for a live host."""
    return shutil.copytree(prepared, tmp_path / "fleet")

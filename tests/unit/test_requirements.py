from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13")
NAMED = {
    "azure-ai-ml",
    "azure-eventgrid",
    "azure-functions",
    "azure-monitor-query",
    "evidently",
    "numpy",
    "opentelemetry-sdk",
    "scipy",
}


def _declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = project["optional-dependencies"]
    lines = [*project["dependencies"], *groups["azure"], *groups["reports"]]
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


def _written() -> list[Requirement]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def _pinned(python: str) -> dict[str, Requirement]:
    """What is installed where the app runs: Linux, on that version of Python."""
    here = {**default_environment(), "sys_platform": "linux", "platform_system": "Linux"}
    there = {**here, "python_version": python, "python_full_version": f"{python}.0"}
    wanted = [one for one in _written() if one.marker is None or one.marker.evaluate(there)]
    found = {canonicalize_name(one.name): one for one in wanted}
    assert len(wanted) == len(found), f"a package stands twice for Python {python}"
    return found


@pytest.mark.parametrize("python", VERSIONS)
def test_the_app_installs_the_core_azure_and_reports(python: str) -> None:
    assert _pinned(python).keys() == _declared().keys()
    assert _pinned(python).keys() >= NAMED


@pytest.mark.parametrize("name", sorted(_declared()))
@pytest.mark.parametrize("python", VERSIONS)
def test_a_pin_is_one_version_that_pyproject_allows(python: str, name: str) -> None:
    (pin,) = _pinned(python)[name].specifier
    assert pin.operator == "=="
    assert "*" not in pin.version
    assert _declared()[name].specifier.contains(pin.version)


def test_the_functions_library_is_the_one_of_the_worker() -> None:
    """Version 2 of it needs Python 3.13, and version 1 ends before."""
    majors = {python: _pinned(python)["azure-functions"].specifier for python in VERSIONS}
    assert [str(majors[python])[2] for python in VERSIONS] == ["1", "1", "2"]


def test_markers_name_versions_that_are_supported() -> None:
    """A line that no supported version takes would never be tried."""
    for one in _written():
        taken = [python for python in VERSIONS if one in _pinned(python).values()]
        assert taken, str(one)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={VERSIONS[0]}"

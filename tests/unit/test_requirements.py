from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hosts.azure.ml.reportjob import ENVIRONMENT
from tests import packages
from tests.packages import tree

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13")
NAMED = {
    "azure-ai-ml",
    "azure-eventgrid",
    "azure-functions",
    "azure-monitor-query",
    "numpy",
    "opentelemetry-sdk",
    "scipy",
}


def _declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = project["optional-dependencies"]
    lines = [*project["dependencies"], *groups["azure"]]
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


def _written() -> list[Requirement]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def _pinned(python: str) -> dict[str, Requirement]:
    """What is installed where the app runs: Linux, on that version of Python."""
    here: dict[str, Any] = {
        **default_environment(),
        "sys_platform": "linux",
        "platform_system": "Linux",
    }
    there = {**here, "python_version": python, "python_full_version": f"{python}.0"}
    wanted = [one for one in _written() if one.marker is None or one.marker.evaluate(there)]
    found = {str(canonicalize_name(one.name)): one for one in wanted}
    assert len(wanted) == len(found), f"a package stands twice for Python {python}"
    return found


@pytest.mark.parametrize("python", VERSIONS)
def test_the_app_installs_the_core_and_azure(python: str) -> None:
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


@cache
def _installed() -> Mapping[str, list[str]]:
    """Distributions by what they offer to import; finding out takes a second."""
    return metadata.packages_distributions()


def _provider(module: str) -> str:
    """The installed distribution that a module is of; a namespace is of many, named like it."""
    parts = module.split(".")
    found = set(_installed().get(parts[0], ()))
    if len(found) == 1:
        return canonicalize_name(found.pop())
    names = ["-".join(parts[:length]) for length in range(len(parts), 1, -1)]
    return next((name for name in names if name in found), f"{parts[0]}-api")


def test_what_the_app_imports_is_required() -> None:
    """By name, not only by way of another package, but for what the SDKs stand on."""
    underneath = {
        "azure-core", "azure-monitor-opentelemetry-exporter", "markupsafe", "marshmallow",
        "opentelemetry-api", "pydantic-core",
    }  # fmt: skip
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"function_app", "cli"}
    known = set(sys.stdlib_module_names) | ours
    found: dict[str, str] = {}
    for path in [ROOT / "function_app.py", *_sources()]:
        for node in ast.walk(tree(path)):
            names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                if name.partition(".")[0] not in known | {"_typeshed"}:
                    found[_provider(name)] = path.relative_to(ROOT).as_posix()
    # Imported where it is installed; the app leaves drawing to a job.
    missing = found.keys() - _pinned(VERSIONS[0]).keys() - underneath - {"evidently"}
    assert {name: found[name] for name in missing} == {}


def test_the_environment_of_reports_has_what_draws_them_here() -> None:
    """A page is the same wherever it is drawn: by the versions of the `reports` extra."""
    (pip,) = (one["pip"] for one in _conda()["dependencies"] if isinstance(one, dict))
    drawn = {canonicalize_name(one.name): one.specifier for one in map(Requirement, pip)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = map(Requirement, project["optional-dependencies"]["reports"])
    declared = {canonicalize_name(one.name): one.specifier for one in extra}
    assert drawn.keys() == declared.keys() | {"numpy", "plotly", "pyarrow", "scipy"}
    for name, pins in drawn.items():
        (pin,) = pins
        assert pin.operator == "=="
        assert name not in declared or declared[name].contains(pin.version)
        if name in _pinned("3.11"):
            assert pins == _pinned("3.11")[name].specifier
    assert f"python={VERSIONS[0]}" in _conda()["dependencies"]


def _conda() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(ENVIRONMENT.read_text())
    return found


def _sources() -> Iterator[Path]:
    for package in packages.SHIPPED:
        yield from (ROOT / package).rglob("*.py")
